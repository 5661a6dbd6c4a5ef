from __future__ import annotations

from typing import Any

import pytest

from studio_tui.app.screens.people_list import PeopleList, whereabouts
from studio_tui.document.presence import Gaze, Person


@pytest.mark.parametrize(
    ("gaze", "expected"),
    [
        (Gaze(), "nothing"),
        (Gaze("src/train.py", 42), "src/train.py:42"),
        (Gaze("weights.bin"), "weights.bin"),
        (Gaze(terminal="t1"), "terminal bash"),
        (Gaze("a\x1b[31m/b.py", 1), "a[31m/b.py:1"),
    ],
)
def test_where_somebody_is(gaze: Gaze, expected: str) -> None:
    assert whereabouts(Person(1, "x", "editor", gaze), {"t1": "bash"}) == expected


def test_a_long_path_keeps_both_ends_and_its_line() -> None:
    shown = whereabouts(Person(1, "x", "editor", Gaze("a/" * 90 + "model.py", 1234)), {})
    assert len(shown) == 52
    assert shown.endswith("model.py:1234")


async def test_who_is_where_and_who_follows_whom(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    async with open_app(studio) as pilot:
        studio.arrive(2, "bob", path="train.py", line=42)
        studio.arrive(3, "[red]eve", "viewer", path="data.py", line=1, following=1)
        studio.arrive(4, "cy", following=2)
        await settle(pilot)
        await pilot.press("f9")
        await settle(pilot)
        shown = text_of(pilot)
        assert "● bob  ✎ editor" in shown
        assert "train.py:42" in shown
        assert "● [red]eve  ◎ looks on  ⇢ follows you" in shown
        assert "● cy  ✎ editor  ⇢ follows bob" in shown
        await pilot.press("escape")
        assert not isinstance(pilot.app.screen, PeopleList)


async def test_alone_it_says_how_to_invite(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    async with open_app(studio) as pilot:
        await pilot.press("f9")
        await settle(pilot)
        assert "nobody else is here: alt+i makes an invite" in text_of(pilot)
        await pilot.press("f", "escape")
        assert not isinstance(pilot.app.screen, PeopleList)
