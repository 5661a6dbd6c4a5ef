"""What to run, and how: a small form in front of a job. Enter anywhere in it runs."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static

PRECISIONS = (
    "32-true", "16-mixed", "bf16-mixed", "16-true", "bf16-true", "64-true", "transformer-engine",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A job to start.

    Args:
        script: path relative to the studio's folder.
        args: its arguments.
        options: "precision", "devices", when they were given.
    """

    script: str
    args: list[str] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)


class RunDialog(ModalScreen[RunRequest | None]):
    """Asks for script, arguments, precision and devices.

    Args:
        script: the script to start from.
        machine: where it will run, as people call it.
        last: what was asked for the last time with this script.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave", show=False, id="run.leave"),
        Binding("down", "app.focus_next", show=False, id="run.next"),
        Binding("up", "app.focus_previous", show=False, id="run.previous"),
    ]
    DEFAULT_CSS = """
    RunDialog {
        align: center middle;
        background: $background 60%;
        & > Vertical {
            width: 72;
            max-width: 94%;
            height: auto;
            padding: 1 2;
            background: $surface;
            border: round $border;
            border-title-color: $accent;
            border-title-style: bold;
        }
        & Grid { grid-size: 2; grid-columns: 12 1fr; grid-rows: 1; height: 4; }
        & Grid > Static { color: $text-muted; }
        & Input { padding: 0 1; background: $panel; }
        & Input:focus { background: $primary 30%; }
        & #hint { color: $text-muted; margin-top: 1; }
        & #wrong { color: $text-error; display: none; }
    }
    """

    def __init__(self, script: str, machine: str, last: RunRequest | None = None) -> None:
        super().__init__()
        self._machine = machine
        self._start = last or RunRequest(script)

    def compose(self) -> ComposeResult:
        """The form."""
        start = self._start
        precision = str(start.options.get("precision", ""))
        devices = str(start.options.get("devices", ""))
        suggested = SuggestFromList(PRECISIONS)
        with Vertical() as frame:
            frame.border_title = Content(f"run on {self._machine or 'this machine'}")
            with Grid():
                yield Static("script", markup=False)
                yield Input(
                    start.script,
                    placeholder="train.py",
                    id="script",
                    compact=True,
                    select_on_focus=False,
                )
                yield Static("arguments", markup=False)
                yield Input(
                    shlex.join(start.args),
                    placeholder="none",
                    id="args",
                    compact=True,
                    select_on_focus=False,
                )
                yield Static("precision", markup=False)
                yield Input(
                    precision, placeholder="as in the script; or bf16-mixed …",
                    suggester=suggested, id="precision", compact=True,
                )  # fmt: skip
                yield Static("devices", markup=False)
                yield Input(
                    devices,
                    placeholder="as in the script; or 1, 2 … auto",
                    id="devices",
                    compact=True,
                )
            yield Static("", id="wrong", markup=False)
            yield Static(
                "enter runs   ↑ ↓ go from field to field   esc leaves", id="hint", markup=False
            )

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Run, when the form makes sense."""
        event.stop()
        script = self._value("script")
        try:
            args = shlex.split(self._value("args"))
        except ValueError as error:
            self._wrong(f"! arguments: {str(error).lower()}", "args")
            return
        if not script:
            self._wrong("! which script?", "script")
            return
        options = {
            name: self._value(name) for name in ("precision", "devices") if self._value(name)
        }
        self.dismiss(RunRequest(script, args, options))

    def _value(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()

    def _wrong(self, words: str, field: str) -> None:
        wrong = self.query_one("#wrong", Static)
        wrong.update(words)
        wrong.display = True
        self.query_one(f"#{field}", Input).focus()

    def action_leave(self) -> None:
        """Run nothing."""
        self.dismiss(None)
