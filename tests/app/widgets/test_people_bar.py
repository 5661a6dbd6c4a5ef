from __future__ import annotations

import pytest

from studio_tui.app.colours import Palette
from studio_tui.app.truncate import cells
from studio_tui.app.widgets.people_bar import NOBODY, PeopleBar, people_text, seats
from studio_tui.document.presence import Gaze, Person

PEOPLE = (
    Person(4, "gpu", "host", Gaze()),
    Person(3, "cy", "viewer", Gaze("src/data.py", 3)),
    Person(2, "bob", "editor", Gaze("src/train.py", 42)),
    Person(1, "me", "owner", Gaze("src/train.py", 1)),
    Person(5, "李雷", "editor", Gaze(terminal="t1")),
)


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (80, "me  bob ✎ train.py:42  cy ◎ data.py:3  李雷 ✎ bash"),
        (43, "me  bob ✎ train.py:42  cy ◎ data.py:3  李雷"),
        (33, "me  bob ✎ train.py:42  cy ◎  李雷"),
        (24, "me  bob  cy ◎  李雷"),
        (18, "me  bob  cy ◎  +1"),
        (8, "me  +3"),
        (2, "4"),
        (0, ""),
    ],
)
def test_what_is_shown_in_a_width(width: int, expected: str) -> None:
    text = people_text(PEOPLE, 1, width, {"t1": "bash"})
    assert text == expected
    assert cells(text) <= width


def test_who_follows_whom_is_shown_for_what_they_look_at() -> None:
    people = [
        Person(1, "me", "owner", Gaze("a.py", 1)),
        Person(2, "bob", "editor", Gaze("a.py", 1), following=1),
        Person(3, "cy", "viewer", Gaze("a.py", 1), following=99),
    ]
    assert people_text(people, 1, 80) == "me  bob ⇢ me  cy ◎ a.py:1"


def test_hosts_are_no_people() -> None:
    assert people_text(PEOPLE[:1], None, 80) == ""


def test_two_connections_of_a_name_share_a_seat() -> None:
    people = [Person(1, "ana", "owner", Gaze()), Person(2, "ana", "owner", Gaze("a.py", 1))]
    assert people_text(people, 2, 80) == "ana ×2"
    assert people_text(people, 9, 80) == "ana ×2 ✎ a.py:1"
    (seat,) = seats(people, 1)
    assert (seat.mine, seat.connections) == (True, 2)


def test_foreign_text_neither_acts_nor_runs_over() -> None:
    people = [Person(1, "e\x1b[31mv\nil", "editor", Gaze("x/" + "long" * 30 + ".py", 7))]
    text = people_text(people, None, 80)
    assert text == "e[31mv il ✎ longlonglon…onglong.py:7"


async def test_names_in_their_colours_mine_underlined(stage) -> None:
    palette = Palette()
    bar = PeopleBar(palette)
    async with stage(bar, 60, 1) as pilot:
        assert bar.render_line(0).text.rstrip() == NOBODY
        bar.show(PEOPLE, 1)
        for theme, dark in (("textual-dark", True), ("textual-light", False)):
            pilot.app.theme = theme
            await pilot.pause()
            styles = {text: style for text, style, _ in bar.render_line(0)}
            for name in ("me", "bob", "cy"):
                assert styles[name].color.name == palette.shade(name).on(dark=dark)
            assert styles["me"].underline
            assert not styles["bob"].underline
        pilot.app.theme = "ansi-dark"
        await pilot.pause()
        styles = {text: style for text, style, _ in bar.render_line(0)}
        assert styles["bob"].color.name == palette.shade("bob").ansi
        assert "[viewer" not in bar.tooltip
        assert "cy (viewer), at data.py:3" in bar.tooltip


async def test_a_name_in_brackets_is_no_markup(stage) -> None:
    bar = PeopleBar()
    async with stage(bar, 30, 1):
        bar.show([Person(1, "[red]eve[/]", "editor", Gaze())])
        assert bar.render_line(0).text.rstrip() == "[red]eve[/]"
        assert bar.tooltip == r"\[red]eve\[/] (editor)"
