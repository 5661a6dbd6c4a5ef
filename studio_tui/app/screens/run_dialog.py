"""What to run, and how: a small form in front of a job. Enter anywhere in it runs."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid, Vertical
from textual.content import Content
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static

from studio_tui.app.screens.modal import Modal

PRECISIONS = (
    "32-true", "16-mixed", "bf16-mixed", "16-true", "bf16-true", "64-true", "transformer-engine",
)  # fmt: skip
OPTIONS = (
    ("precision", "precision", "as in the script; or bf16-mixed …"),
    ("devices", "devices", "as in the script; or 1, 2 … auto"),
    ("machine", "machine", "the studio's; or several, as box1,box2"),
    ("max_runtime", "stop after", "never; or 30m, 2h …"),
    ("retries", "run again", "never; or so many times when it fails"),
)
"""Name, label and what stands in the empty field."""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A job to start.

    Args:
        script: path relative to the studio's folder.
        args: its arguments.
        options: those of OPTIONS that were given, see `Studio.run`.
    """

    script: str
    args: list[str] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)


class RunDialog(Modal[RunRequest | None]):
    """Asks for script, arguments, and how and where it runs.

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
        & Grid { grid-size: 2; grid-columns: 12 1fr; grid-rows: 1; height: 7; }
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
        with Vertical() as frame:
            frame.border_title = Content(f"run on {self._machine or 'this machine'}")
            with Grid():
                yield from _row("script", "script", start.script, "train.py")
                yield from _row("args", "arguments", shlex.join(start.args), "none")
                for name, label, placeholder in OPTIONS:
                    yield from _row(name, label, str(start.options.get(name, "")), placeholder)
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
        options: dict[str, Any] = {
            name: value for name, _, _ in OPTIONS if (value := self._value(name))
        }
        if "retries" in options:
            if not options["retries"].isdecimal():
                self._wrong("! run again: a number, such as 3", "retries")
                return
            options["retries"] = int(options["retries"])
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


def _row(name: str, label: str, value: str, placeholder: str) -> ComposeResult:
    yield Static(label, markup=False)
    # What is there already is added to; an option is typed anew.
    added_to = name in ("script", "args")
    yield Input(
        value,
        placeholder=placeholder,
        suggester=SuggestFromList(PRECISIONS) if name == "precision" else None,
        id=name,
        compact=True,
        select_on_focus=not added_to,
    )
