from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pycrdt import Doc
from textual.events import Key
from textual.widgets.text_area import Selection

from studio_tui.app.widgets.editor import Editor
from studio_tui.document.text import SharedText

if TYPE_CHECKING:
    from tests.app.widgets.conftest import Staged

CODE = "def f(x):\n    return (x\n        + 1)\n"


def editor(content: str = CODE, path: str = "a.py", *, read_only: bool = False) -> Editor:
    text = SharedText(Doc())
    text.insert(0, content, "seed")
    return Editor(text, path=path, read_only=read_only)


async def test_selected_lines_are_indented_in_one_step(stage: Staged) -> None:
    made = editor()
    async with stage(made, 40, 8) as pilot:
        made.selection = Selection((0, 2), (2, 1))
        await pilot.press("tab")
        assert str(made.shared) == made.text
        assert made.text == "    def f(x):\n        return (x\n            + 1)\n"
        assert made.selection == Selection((0, 0), (2, 16))
        await pilot.press("shift+tab", "shift+tab")
        assert made.text == "def f(x):\nreturn (x\n    + 1)\n"
        await pilot.press("ctrl+z")
        await pilot.press("ctrl+z")
        await pilot.press("ctrl+z")
        assert str(made.shared) == made.text == CODE


async def test_a_selection_that_ends_at_a_lines_start_does_not_touch_it(stage: Staged) -> None:
    made = editor("a\nb\nc\n")
    async with stage(made, 40, 8) as pilot:
        made.selection = Selection((0, 0), (2, 0))
        await pilot.press("ctrl+underscore")
        assert made.text == "# a\n# b\nc\n"
        await pilot.press("ctrl+slash")
        assert made.text == "a\nb\nc\n"


async def test_what_others_type_meanwhile_stays(stage: Staged) -> None:
    made = editor("a\nb\n")
    async with stage(made, 40, 8) as pilot:
        made.selection = Selection((0, 0), (1, 1))
        await pilot.press("ctrl+underscore")
        made.shared.insert(2, "theirs ", "remote")
        await pilot.press("ctrl+z")
        assert str(made.shared) == made.text == "theirs a\nb\n"


async def test_a_language_without_comments_is_left_alone(stage: Staged) -> None:
    made = editor("{}\n", "a.json")
    async with stage(made, 40, 8) as pilot:
        await pilot.press("ctrl+underscore")
        assert made.text == "{}\n"


async def test_enter_keeps_the_indentation(stage: Staged) -> None:
    made = editor("    if x:\n")
    async with stage(made, 40, 8) as pilot:
        await pilot.press("end", "enter", "y", "enter", "z")
        assert str(made.shared) == made.text == "    if x:\n        y\n        z\n"


async def test_nothing_is_done_to_a_read_only_text(stage: Staged) -> None:
    made = editor("    a(\nb\n", read_only=True)
    async with stage(made, 40, 8) as pilot:
        made.selection = Selection((0, 0), (1, 1))
        await pilot.press("tab", "shift+tab", "ctrl+underscore", "enter")
        assert made.text == "    a(\nb\n"


@pytest.mark.parametrize(("start", "end"), [((1, 11), (2, 11)), ((2, 12), (1, 11)), ((0, 1), None)])
async def test_the_other_bracket(
    stage: Staged, start: tuple[int, int], end: tuple[int, int] | None
) -> None:
    made = editor()
    async with stage(made, 40, 8) as pilot:
        made.move_cursor(start)
        await pilot.press("alt+m")
        assert made.cursor_location == (end or start)


async def test_lines_are_wrapped_and_numbered_on_demand(stage: Staged) -> None:
    made = editor("word " * 20)
    async with stage(made, 30, 8) as pilot:
        assert made.wrapped_document.height == 1
        await pilot.press("alt+z")
        assert made.wrapped_document.height > 3
        gutter = made.gutter_width
        await pilot.press("alt+n")
        assert made.gutter_width < gutter
        await pilot.press("alt+z")
        assert made.wrapped_document.height == 1


async def test_going_to_a_line_stays_in_the_text(stage: Staged) -> None:
    made = editor()
    async with stage(made, 40, 8):
        made.go_to(2, 5)
        assert made.cursor_location == (1, 4)
        made.go_to(999, 999)
        assert made.cursor_location == (3, 0)
        made.go_to(0)
        assert made.cursor_location == (0, 0)


async def test_the_ends_of_the_text_are_gone_to_and_selected_to(stage: Staged) -> None:
    made = editor()
    async with stage(made, 40, 8) as pilot:
        made.move_cursor((1, 3))
        await pilot.press("ctrl+shift+end")
        assert made.selection == Selection((1, 3), (3, 0))
        await pilot.press("ctrl+home")
        assert made.selection == Selection((0, 0), (0, 0))
        await pilot.press("ctrl+end")
        assert made.selection == Selection((3, 0), (3, 0))
        await pilot.press("ctrl+shift+home")
        assert made.selection == Selection((3, 0), (0, 0))


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        (["end", "enter", "x"], "a\nx\nb\n"),
        (["right", "end", "x", "home", "y"], "yax\nb\n"),
        (["ctrl+end", "x", "ctrl+z", "home", "y"], "a\nb\ny"),
    ],
)
async def test_keys_that_come_in_a_burst_are_taken_in_their_order(
    stage: Staged, keys: list[str], text: str
) -> None:
    made = editor("a\nb\n")
    async with stage(made, 40, 8) as pilot:
        for key in keys:  # all at once: none waits for what the one before it does
            made.post_message(Key(key, key if len(key) == 1 else None))
        await pilot.pause()
        assert made.text == text
