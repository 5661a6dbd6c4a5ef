"""What a checker says, beside the lines that it says it of."""

from __future__ import annotations

from typing import Any

import pytest

from studio_tui.app.panes.finding_pane import ERROR, WARNING
from studio_tui.app.widgets.margin import Margin
from studio_tui.document.findings import Finding, to_json

UNUSED = Finding(1, 8, 1, 17, "F401", "`lightning` imported but unused")
UNDEFINED = Finding(14, 16, 14, 20, "F821", "Undefined name `[b]self`", error=True)
STYLE = Finding(14, 1, 14, 2, "E111", "indentation")


@pytest.fixture
async def pilot(studio: Any, open_app: Any, settle: Any) -> Any:
    async with open_app(studio) as opened:
        opened.app.workspace.open_file("train.py")
        await settle(opened)
        await settle(opened)
        yield opened


def pane(pilot: Any) -> Any:
    return pilot.app.workspace.work_pane.editor


async def test_signs_stand_beside_lines_the_worst_first(
    pilot: Any, studio: Any, settle: Any, text_of: Any
) -> None:
    studio.find("train.py", STYLE, UNUSED, UNDEFINED)
    await settle(pilot)
    signs = pane(pilot).query_one(Margin)._signs
    assert {line: sign.glyph for line, sign in signs.items()} == {0: WARNING, 13: ERROR}
    assert "F401 `lightning` imported but unused" in text_of(pilot)  # the caret is on its line
    studio.find("train.py")
    await settle(pilot)
    assert pane(pilot).query_one(Margin)._signs == {}
    assert "F401" not in text_of(pilot)


async def test_a_key_goes_from_one_to_the_next_and_around(
    pilot: Any, studio: Any, settle: Any
) -> None:
    await pilot.press("alt+e")
    assert pane(pilot).editor.cursor_location == (0, 0)
    studio.find("train.py", UNUSED, UNDEFINED)
    await settle(pilot)
    for place in ((0, 7), (13, 15), (0, 7)):
        await pilot.press("alt+e")
        assert pane(pilot).editor.cursor_location == place


async def test_they_are_listed_and_gone_to(
    pilot: Any, studio: Any, settle: Any, text_of: Any
) -> None:
    studio.find("train.py", UNUSED, UNDEFINED)
    await settle(pilot)
    await pilot.press("alt+l")
    await settle(pilot)
    assert f"{ERROR}    14  F821 Undefined name `[b]self`" in text_of(pilot)
    await pilot.press("down", "enter")
    await settle(pilot)
    assert pane(pilot).editor.cursor_location == (13, 15)


async def test_who_comes_later_asks_once(studio: Any, open_app: Any, settle: Any) -> None:
    found = {"line": 2, "text": "before"}
    studio._files_findings = lambda: {
        "findings": {entry.id: [found] for entry in studio.document.files.values()}
    }
    async with open_app(studio) as opened:
        opened.app.workspace.open_file("train.py")
        await settle(opened)
        await settle(opened)
        assert [each.text for each in pane(opened).findings] == ["before"]
        assert len(studio.asked("files.findings")) == 1
        studio.offline()
        studio.online()
        await settle(opened)
        assert len(studio.asked("files.findings")) == 2


async def test_a_message_that_makes_no_sense_changes_nothing(
    pilot: Any, studio: Any, settle: Any
) -> None:
    studio.find("train.py", UNUSED)
    assert not studio.findings.received(b"nonsense")
    assert studio.findings.received(to_json("another", [UNDEFINED]))
    assert pane(pilot).findings == [UNUSED]
