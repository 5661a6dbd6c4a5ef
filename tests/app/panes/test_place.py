"""What every place has: a title, and a line for problems."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Input

from studio_tui.app.panes.place import Place
from studio_tui.app.problems import Problem
from studio_tui.app.safe_app import SafeApp
from studio_tui.errors import StudioError


class Field(Place):
    TITLE = "field"

    def contents(self) -> ComposeResult:
        yield Input()


class Screen(SafeApp[None]):
    def compose(self) -> ComposeResult:
        yield Field()


async def test_a_problem_stands_in_the_place_around_its_sender() -> None:
    app = Screen()
    async with app.run_test() as pilot:
        place = app.query_one(Field)
        assert place.border_title == "field"
        assert not place.notice.display
        app.query_one(Input).post_message(Problem(StudioError("it broke", "mend it")))
        await pilot.pause()
        assert place.notice.display
        assert place.notice.words == "! it broke · mend it"


async def test_entering_focuses_the_first_thing_that_can_have_it() -> None:
    app = Screen()
    async with app.run_test() as pilot:
        app.set_focus(None)
        app.query_one(Field).enter()
        await pilot.pause()
        assert app.focused is app.query_one(Input)
