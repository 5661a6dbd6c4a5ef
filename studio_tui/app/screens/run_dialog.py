"""What to run, and how: a form in front of a job. Enter anywhere in it runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import events, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static

from studio_tui.app.job_form import FIELDS, Field, RunRequest, WrongField, field_of, read_request
from studio_tui.app.screens.modal import Modal
from studio_tui.app.truncate import scrub
from studio_tui.app.widgets.text_field import TextField
from studio_tui.errors import StudioError

HINT = "enter runs   ↑ ↓ other field   F2 what precision fits   esc leaves"


class FieldLine(Vertical):
    """A field with its label; below it what is wrong with it, if anything is."""

    def __init__(self, field: Field, value: str) -> None:
        super().__init__(id=f"line-{field.name}")
        self.field = field
        self._value = value

    def compose(self) -> ComposeResult:
        """Label, field, and room for a complaint."""
        field = self.field
        with Horizontal():
            yield Static(field.label, markup=False)
            # Arguments are added to; all else is typed anew.
            yield TextField(
                self._value, placeholder=field.empty, id=field.name, compact=True,
                suggester=SuggestFromList(field.offered) if field.offered else None,
                select_on_focus=field.name != "args",
            )  # fmt: skip
        yield Static("", classes="wrong", markup=False)

    def complain(self, words: str) -> None:
        """Say what is wrong; "" for nothing any more."""
        wrong = self.query_one(".wrong", Static)
        wrong.update(words)
        wrong.display = bool(words)


class RunDialog(Modal[RunRequest | None]):
    """Asks for script, arguments, and how and where it runs; it stays until the job has started.

    Args:
        script: the script to start from.
        machine: where it will run, as people call it.
        start: starts the job; a StudioError that it raises is shown in the form.
        last: what was asked for the last time with this script.
        advise: the screen on which a precision is chosen for what is asked.
    """

    HELP = """\
### Running a script

**Enter** in any field starts the job; what is empty is left to the script. What a field is for
stands below while it is typed into. The job outlives the app, and everybody sees it.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave", show=False, id="run.leave"),
        Binding("down", "app.focus_next", show=False, id="run.next"),
        Binding("up", "app.focus_previous", show=False, id="run.previous"),
        Binding("f2", "advise", "which precision", show=False, id="run.advise"),
    ]
    DEFAULT_CSS = """
    RunDialog {
        align: center middle;
        background: $background 60%;
        & > Vertical {
            width: 76;
            max-width: 96%;
            height: auto;
            max-height: 100%;
            overflow-y: auto;
            padding: 0 2;
            background: $surface;
            border: round $border;
            border-title-color: $accent;
            border-title-style: bold;
        }
        & #foot { dock: bottom; height: auto; }
        & FieldLine { height: auto; }
        & FieldLine Horizontal { height: 1; }
        & FieldLine Horizontal > Static { width: 12; color: $text-muted; }
        & Input { width: 1fr; padding: 0 1; background: $panel; }
        & Input:focus { background: $primary 30%; }
        & .wrong { color: $text-error; display: none; padding-left: 12; }
        & #about { height: 3; margin-top: 1; }
        & #hint { color: $text-muted; }
    }
    """

    def __init__(
        self,
        script: str,
        machine: str,
        start: Callable[[RunRequest], Awaitable[None]],
        last: RunRequest | None = None,
        advise: Callable[[RunRequest], Modal[str | None]] | None = None,
    ) -> None:
        super().__init__()
        self._machine = machine
        self._start = start
        self._from = last or RunRequest(script)
        self._advise = advise
        self._starting = False

    def compose(self) -> ComposeResult:
        """The form."""
        with Vertical() as frame:
            frame.border_title = Content(f"run on {scrub(self._machine) or 'this machine'}")
            for field in FIELDS:
                yield FieldLine(field, self._from.typed(field.name))
            with Vertical(id="foot"):
                yield Static("", classes="wrong", id="wrong", markup=False)
                yield Static("", id="about", markup=False)
                yield Static(HINT, id="hint", markup=False)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Explain the field that is typed into."""
        line = next((n for n in event.widget.ancestors if isinstance(n, FieldLine)), None)
        if line is not None:
            self.query_one("#about", Static).update(line.field.about)

    def on_input_changed(self, event: Input.Changed) -> None:
        """A complaint is about what stood there before."""
        event.stop()
        self._line(str(event.input.id)).complain("")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Run, when the form makes sense."""
        event.stop()
        if not self._starting and (request := self._read()) is not None:
            self._run(request)

    @work(exclusive=True, group="start")
    async def _run(self, request: RunRequest) -> None:
        self._starting = True
        self._say("starting ...")
        try:
            await self._start(request)
        except StudioError as problem:
            self._complain(problem)
        else:
            self.dismiss(request)
        finally:
            self._starting = False
            self._say(HINT)

    @work(exclusive=True, group="advise")
    async def action_advise(self) -> None:
        """Show what each precision takes, and take the one that is chosen."""
        if self._advise is None or (request := self._read()) is None:
            return
        # That one is wider, and covers no more rows: the form would stick out under it.
        self.query_one(Vertical).visible = False
        chosen = await self.app.push_screen_wait(self._advise(request))
        self.query_one(Vertical).visible = True
        if chosen is not None:
            field = self.query_one("#precision", Input)
            field.value = chosen
            field.focus()

    def _read(self) -> RunRequest | None:
        """What the form asks for; None when it makes no sense, which is said."""
        for line in self.query(FieldLine):
            line.complain("")
        self.query_one("#wrong", Static).display = False
        try:
            return read_request({f.name: self.query_one(f"#{f.name}", Input).value for f in FIELDS})
        except WrongField as fault:
            self._complain(fault)
            return None

    def _complain(self, problem: StudioError) -> None:
        words = f"! {problem.message}" + (f" · {problem.hint}" if problem.hint else "")
        if name := field_of(problem):
            self._line(name).complain(scrub(words))
            self.query_one(f"#{name}", Input).focus()
            return
        wrong = self.query_one("#wrong", Static)
        wrong.update(scrub(words))
        wrong.display = True

    def _line(self, name: str) -> FieldLine:
        return self.query_one(f"#line-{name}", FieldLine)

    def _say(self, words: str) -> None:
        self.query_one("#hint", Static).update(words)

    def action_leave(self) -> None:
        """Run nothing; a job that is being started already is."""
        if not self._starting:
            self.dismiss(None)
