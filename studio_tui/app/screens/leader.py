"""The strip that opens after the leader key: what is possible now, one letter each."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.widgets import Static

from studio_tui.app.commands import Command
from studio_tui.app.screens.modal import Modal
from studio_tui.app.widgets.key_hints import key_label

SEND = "send"
STAYS = (
    "wider", "narrower", "taller", "shorter", "pan.left", "pan.right", "pan.up", "pan.down",
)  # fmt: skip
"""Commands after which the strip stays open: what is done step by step."""


class LeaderStrip(Modal[str | None]):
    """Takes one key; its result is the id of a command, `SEND`, or None when it was left.

    Args:
        commands: what is possible now.
        leader: the leader key.
        terminal: whether a terminal has the focus, which can be sent the leader itself.
    """

    DEFAULT_CSS = """
    LeaderStrip {
        align: center bottom;
        background: transparent;
        & > Static {
            width: 1fr;
            height: auto;
            background: $panel;
            border-top: solid $accent;
            border-title-color: $accent;
            border-title-style: bold;
            border-subtitle-color: $text-muted;
            padding: 0 1;
        }
    }
    """

    def __init__(self, commands: Sequence[Command], leader: str, terminal: bool) -> None:
        super().__init__()
        self._commands = {command.letter: command for command in commands if command.letter}
        self._leader = leader
        self._terminal = terminal
        self._cells: list[tuple[str, str]] = []
        self._column = 1

    def compose(self) -> list[Static]:
        """The strip itself."""
        return [Static("", markup=False)]

    def on_mount(self) -> None:
        """Name the strip."""
        strip = self.query_one(Static)
        again = f" · {key_label(self._leader)} again sends it to the terminal" * self._terminal
        strip.border_title = Content.assemble(
            " press a key", (f"{again} · esc leaves ", "not bold $text-muted")
        )

    def on_resize(self, event: events.Resize) -> None:
        """Lay the letters out in columns."""
        self._cells = [(letter, c.label) for letter, c in self._commands.items()]
        width = max(10, event.size.width - 2)
        self._column = (
            max(cell_len(key_label(key)) + cell_len(text) for key, text in self._cells) + 3
        )
        columns = max(1, width // self._column)
        rows = math.ceil(len(self._cells) / columns)
        lines = [
            self._line([self._cells[i] for i in range(row, len(self._cells), rows)])
            for row in range(rows)
        ]
        self.query_one(Static).update(Content("\n").join(lines))

    def _line(self, cells: list[tuple[str, str]]) -> Content:
        parts: list[tuple[str, str]] = []
        for key, text in cells:
            label = key_label(key)
            parts += [(label, "bold $accent"), (f" {text}", "")]
            parts.append((" " * (self._column - cell_len(label) - 1 - cell_len(text)), ""))
        return Content.assemble(*parts)

    def on_key(self, event: events.Key) -> None:
        """Whatever is pressed ends the strip, but the keys that size a place."""
        event.stop()
        event.prevent_default()
        if event.key == self._leader and self._terminal:
            self.dismiss(SEND)
            return
        command = self._commands.get(event.key)
        if command is not None and command.id in STAYS:
            self.post_sized(command)
        else:
            self.dismiss(command.id if command else None)

    def post_sized(self, command: Command) -> None:
        """Do a sizing command without leaving."""
        workspace = self.app.screen_stack[-2]
        self.run_worker(workspace.run_action(command.action), exit_on_error=True)

    def on_click(self, event: events.Click) -> None:
        """A press beside the strip leaves it."""
        if event.widget is self:
            self.dismiss(None)
