from __future__ import annotations

from textual.app import App
from textual.widgets import OptionList, Static

from studio_tui.app.panes import terminal_questions
from studio_tui.app.screens.dialogs import Pick


async def shown(dialog: Pick) -> tuple[int, str]:
    """The number of choices of a dialog, and the line below them."""
    app = App[None]()
    async with app.run_test(size=(80, 24)):
        await app.push_screen(dialog)
        hint = dialog.query_one("#hint", Static)
        return dialog.query_one(OptionList).option_count, str(hint.content)


async def test_an_address_is_shown_whole_and_harmless() -> None:
    address = "http://a.example/" + "x" * 300
    choices, hint = await shown(terminal_questions.follow(address + "\x1b[31m\u202e"))
    assert choices == 2
    assert address in hint
    assert "\x1b" not in hint
    assert "\u202e" not in hint


async def test_what_no_browser_shows_can_only_be_copied() -> None:
    choices, hint = await shown(terminal_questions.follow("file:///etc/passwd"))
    assert choices == 1
    assert "file:///etc/passwd" in hint


def test_a_paste_is_shown_by_its_first_lines() -> None:
    title, body, *_ = terminal_questions.paste("\n".join(f"line {n}" for n in range(9)))._texts
    assert title.startswith("paste 9 lines?")
    assert body.splitlines()[-1] == "… and 3 more"
