"""The pins of a log: go to one, or take it away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from studio_tui.app.screens.dialogs import FRAME
from studio_tui.app.screens.modal import Modal
from studio_tui.app.truncate import clip, scrub
from studio_tui.document.entries import PinEntry

if TYPE_CHECKING:
    from studio_tui.app.people import People

_LINE_MOST = 54


@dataclass(frozen=True)
class Chosen:
    """A pin, and whether it is to go."""

    pin: PinEntry
    remove: bool = False


class PinList(Modal[Chosen | None]):
    """Lists pins, two rows each; None when it was left with escape."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave", show=False, id="pins.leave"),
        Binding("delete,d", "remove", "take away", show=False, id="pins.remove"),
    ]
    DEFAULT_CSS = f"""
    PinList {{
        {FRAME}
        & OptionList {{ height: auto; max-height: 14; background: $surface; }}
        & #hint {{ color: $text-muted; margin-top: 1; }}
    }}
    """

    def __init__(self, pins: Sequence[PinEntry], people: People) -> None:
        super().__init__()
        self._pins = list(pins)
        self._people = people

    def compose(self) -> ComposeResult:
        """The list, or how to make a pin."""
        with Vertical() as frame:
            frame.border_title = Content("pins")
            if self._pins:
                yield OptionList(*(Option(self._words(pin)) for pin in self._pins), compact=True)
                yield Static("enter: go there   d: take it away   esc: leave it", id="hint")
            else:
                yield Static("no pin in this log yet: p pins the chosen line", id="none")

    def _words(self, pin: PinEntry) -> Content:
        said = f"{scrub(pin.by) or 'somebody'}" + (f": {scrub(pin.text)}" if pin.text else "")
        return Content.assemble(
            ("◆ ", self._people.colour(pin.by)),
            clip(said, _LINE_MOST),
            "\n  ",
            (clip(scrub(pin.line), _LINE_MOST), "$text-muted"),
        )

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Go to this pin."""
        event.stop()
        self.dismiss(Chosen(self._pins[event.option_index]))

    def action_remove(self) -> None:
        """Take this pin away."""
        if self._pins and (at := self.query_one(OptionList).highlighted) is not None:
            self.dismiss(Chosen(self._pins[at], remove=True))
