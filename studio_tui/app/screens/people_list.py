"""Who is here, where each of them is, and the way there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from studio_tui.app.bound import bound
from studio_tui.app.screens.dialogs import FRAME
from studio_tui.app.screens.modal import Modal
from studio_tui.app.truncate import clip, clip_middle, scrub
from studio_tui.document.presence import Person

if TYPE_CHECKING:
    from studio_tui.app.people import People

_NAME_CELLS, _WHERE_CELLS = 24, 52

EMPTY = "nobody else is here: {invite} makes an invite for somebody"


@dataclass(frozen=True)
class Chosen:
    """Somebody, and whether to follow them or only to go where they are."""

    person: Person
    follow: bool = False


def whereabouts(person: Person, titles: Mapping[str, str]) -> str:
    """ "src/train.py:42", a terminal's title, or "nothing"; `titles` names terminals by id."""
    gaze = person.gaze
    if gaze.path:
        line = f":{gaze.line}" if gaze.line else ""
        return clip_middle(scrub(gaze.path), _WHERE_CELLS - len(line)) + line
    title = titles.get(gaze.terminal, "")
    return clip(f"terminal {scrub(title)}", _WHERE_CELLS) if gaze.terminal else "nothing"


class PeopleList(Modal[Chosen | None]):
    """Lists everybody else, two rows each; None when it was left with escape.

    Args:
        people: whom it lists, in which colours.
        titles: terminal id -> title.
        mine: this person's own connection.
        owner: whether this person may invite others.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave", show=False, id="people.leave"),
        Binding("f", "follow", "follow", show=False, id="people.follow"),
    ]
    DEFAULT_CSS = f"""
    PeopleList {{
        {FRAME}
        & OptionList {{ height: auto; max-height: 14; background: $surface; }}
        & #hint {{ color: $text-muted; margin-top: 1; }}
    }}
    """

    def __init__(
        self, people: People, titles: Mapping[str, str], mine: int, *, owner: bool = True
    ) -> None:
        super().__init__()
        self._people = people
        self._others: Sequence[Person] = people.others
        self._titles = titles
        self._mine = mine
        self._owner = owner

    def compose(self) -> ComposeResult:
        """The list, or that there is nobody."""
        with Vertical() as frame:
            frame.border_title = Content("people")
            if self._others:
                rows = (Option(self._words(person)) for person in self._others)
                yield OptionList(*rows, compact=True)
                yield Static("enter: go there   f: follow them   esc: leave it", id="hint")
            else:
                words = EMPTY.format(invite=bound(self.app, "invite"))
                yield Static(words if self._owner else "nobody else is here", id="none")

    def _words(self, person: Person) -> Content:
        mark = "◎ looks on" if person.role == "viewer" else f"✎ {scrub(person.role)}"
        names = {other.connection: other.name for other in self._others}
        leader = "you" if person.following == self._mine else names.get(person.following, "")
        follows = f"  ⇢ follows {clip(scrub(leader), _NAME_CELLS)}" if leader else ""
        return Content.assemble(
            ("● ", self._people.colour(person.name)),
            (clip(scrub(person.name), _NAME_CELLS), "bold"),
            (f"  {mark}{follows}", "$text-muted"),
            "\n  ",
            (whereabouts(person, self._titles), "$text-muted"),
        )

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Go where they are."""
        event.stop()
        self.dismiss(Chosen(self._others[event.option_index]))

    def action_follow(self) -> None:
        """Follow the chosen one."""
        if self._others and (at := self.query_one(OptionList).highlighted) is not None:
            self.dismiss(Chosen(self._others[at], follow=True))
