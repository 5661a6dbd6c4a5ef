"""Following another person, wherever they go, until this person presses a key of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from studio_tui.app.panes.work_pane import TERMINAL
from studio_tui.app.truncate import scrub
from studio_tui.document.presence import Gaze, Person
from studio_tui.errors import Refused

if TYPE_CHECKING:
    from studio_tui.app.screens.people_screen import PeopleScreen


def chain(people: Sequence[Person], first: Person) -> list[int]:
    """The connections from `first` to whom they follow, to whom those follow, each one once."""
    following = {person.connection: person.following for person in people}
    found, at = [first.connection], first.following
    while at in following and at not in found:
        found.append(at)
        at = following[at]
    return found


class Follow:
    """Whom this person follows, and what that makes of the screen.

    Nothing of it is remembered in the layout, and this person's own caret stays where it is.

    Args:
        screen: what shows where the other is.
    """

    def __init__(self, screen: PeopleScreen) -> None:
        self._screen = screen
        self._tried = ""  # the file that was opened last: one that cannot be is opened once
        self.connection = 0
        """Of whom it is; 0 while nobody is followed."""

    @property
    def person(self) -> Person | None:
        """Who is followed; None for nobody, and for somebody who is not here now."""
        others = self._screen.people.others
        return next((p for p in others if p.connection == self.connection), None)

    def start(self, person: Person) -> None:
        """Follow somebody.

        Raises:
            Refused: they follow this person, maybe through others: nobody would lead.
        """
        if self._mine in chain(self._screen.studio.people, person):
            raise Refused(f"{scrub(person.name)} follows you", "you lead: go where you want")
        self.connection, self._tried = person.connection, ""

    def end(self) -> None:
        """Follow nobody."""
        self.connection = 0

    @property
    def _mine(self) -> int:
        me = self._screen.studio.me
        return me.connection if me else 0

    def step(self) -> None:
        """Go where they are now.

        Two who begin to follow each other at once would go round in a circle: of those in it the
        one who came first goes on, and the others end it.
        """
        person = self.person
        if person is None:
            if self._screen.studio.state == "live":
                self.end()
            return
        led_by = chain(self._screen.studio.people, person)
        if self._mine in led_by and min(led_by) != self._mine:
            self.end()
            return
        self._screen.turn_to(person.place)
        self._go(person.gaze)

    def _go(self, gaze: Gaze) -> None:
        work = self._screen.work_pane
        if gaze.path:
            key = work.key_of(gaze.path)
            if key is not None:
                self._show(key)
                if work.editor is not None:
                    work.editor.show_view(gaze)
            elif gaze.path != self._tried:
                self._tried = gaze.path
                work.open_file(gaze.path, focus=False)
        elif gaze.terminal in self._screen.studio.document.terminals:
            self._show(TERMINAL + gaze.terminal)

    def _show(self, key: str) -> None:
        if self._screen.work_pane.active != key:
            self._screen.work_pane.activate(key, focus=False)
