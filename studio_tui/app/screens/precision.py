"""Which precision: what a training takes in each, where that fits, and short runs to see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid, Vertical
from textual.content import Content
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static

from studio_tui.app.job_form import RunRequest
from studio_tui.app.screens.modal import Modal
from studio_tui.app.truncate import scrub
from studio_tui.app.widgets.precision_table import PrecisionTable
from studio_tui.app.widgets.text_field import TextField
from studio_tui.client import advisor
from studio_tui.client.compare import RunSummary
from studio_tui.client.studio import Studio
from studio_tui.document.entries import MachineEntry
from studio_tui.errors import StudioError, UsageFault

STEPS = 5
"""Optimizer steps of a short run."""
HINT = "enter takes it   space marks   m runs 5 steps of what is marked   esc leaves"
_FIELDS = (
    ("parameters", "parameters", "as 124M",
     "How many numbers the model learns. Lightning prints it when a training starts, or: "
     "sum(p.numel() for p in model.parameters())"),
    ("optimizer", "optimizer", "adamw",
     "What changes the weights. adam and adamw keep two numbers for each of them, sgd none: "
     + ", ".join(advisor.OPTIMIZERS)),
    ("devices", "GPUs", "1",
     "How many GPUs of one machine share it. With the strategy fsdp the model is split up."),
    ("layers", "layers", "-",
     "Of a transformer, for its activations: what one step remembers on its way back. With "
     "width, sequence and batch; without them they are left out."),
    ("width", "width", "-", "Of a transformer: how many numbers stand for one token, such as 768."),
    ("sequence", "sequence", "-", "Of a transformer: how many tokens it reads at once."),
    ("batch", "batch", "1", "How many samples one device works on at once."),
)  # fmt: skip
"""Name, label, what stands in the empty field, what it is."""


class PrecisionAdvice(Modal[str | None]):
    """Closes with the precision that was chosen; None when it was left.

    Args:
        studio: where its machines are known, and where short runs are made.
        request: what is to be run.
    """

    HELP = """\
### Which precision

Say above how many parameters the model has; the table tells what each precision takes of one
device's memory, and which machine has that. **Enter** on a row takes it, **space** marks some, and
**m** trains a few steps in each of those that are marked.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave", show=False, id="advice.leave"),
        Binding("down", "app.focus_next", show=False, id="advice.next"),
        Binding("up", "app.focus_previous", show=False, id="advice.previous"),
    ]
    DEFAULT_CSS = """
    PrecisionAdvice {
        align: center middle;
        background: $background 60%;
        & > Vertical {
            width: 92;
            max-width: 100%;
            height: auto;
            max-height: 100%;
            overflow-y: auto;
            padding: 0 1;
            background: $surface;
            border: round $border;
            border-title-color: $accent;
            border-title-style: bold;
        }
        & Grid {
            grid-size: 8; grid-columns: 11 1fr 10 1fr 9 1fr 8 1fr; grid-rows: 1; height: 2;
        }
        & Grid > Static { color: $text-muted; }
        & Input { padding: 0 1 0 0; background: $panel; margin-right: 1; }
        & Input:focus { background: $primary 30%; }
        & PrecisionTable { margin-top: 1; min-height: 7; max-height: 50vh; }
        & #about { height: 2; color: $text-muted; margin-top: 1; }
        & #told { height: auto; max-height: 2; }
        & #told.-wrong { color: $text-error; }
        & #hint { color: $text-muted; dock: bottom; }
    }
    """

    def __init__(self, studio: Studio, request: RunRequest) -> None:
        super().__init__()
        self._studio = studio
        self._request = request
        self._machines: list[MachineEntry] = list(studio.document.machines.values())
        self._runs: list[RunSummary] = []
        self._measuring = False

    def compose(self) -> ComposeResult:
        """The model, the table, what is going on."""
        devices = str(self._request.options.get("devices", ""))
        with Vertical() as frame:
            frame.border_title = Content("which precision?")
            with Grid():
                for name, label, empty, _ in _FIELDS:
                    value = devices if name == "devices" and devices.isdecimal() else ""
                    yield Static(label, markup=False)
                    yield TextField(
                        value, placeholder=empty, id=name, compact=True,
                        suggester=SuggestFromList(advisor.OPTIMIZERS) if name == "optimizer"
                        else None,
                    )  # fmt: skip
            yield PrecisionTable()
            yield Static("", id="about", markup=False)
            yield Static("", id="told", markup=False)
            yield Static(HINT, id="hint", markup=False)

    def on_mount(self) -> None:
        """Show what is known so far, and ask for the machines that are not used yet."""
        table = self.query_one(PrecisionTable)
        self._advise()
        table.choose(str(self._request.options.get("precision", "32-true")))
        self._load_machines()

    @work(exclusive=True, group="machines")
    async def _load_machines(self) -> None:
        try:
            self._machines = await self._studio.machines()
        except StudioError as problem:
            self._tell(problem)
        else:
            self._advise()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Explain what has the focus."""
        about = {name: words for name, _, _, words in _FIELDS}
        words = "All sizes are those on one device. It has to fit, with some room to spare."
        self.query_one("#about", Static).update(about.get(event.widget.id or "", words))

    # -- what it takes ------------------------------------------------------------------------

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self._advise()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one(PrecisionTable).focus()

    def _advise(self) -> None:
        """Show what the model takes, as far as it is described."""
        typed = {name: self.query_one(f"#{name}", Input).value.strip() for name, *_ in _FIELDS}
        strategy = str(self._request.options.get("strategy", ""))
        try:
            found = estimates(typed, self._machines, strategy)
        except UsageFault as fault:
            self._tell(fault)
            return
        self.query_one(PrecisionTable).show(found, self._runs)
        self._tell("" if typed["parameters"] else "type how many parameters the model has")

    def _tell(self, what: StudioError | str) -> None:
        told = self.query_one("#told", Static)
        wrong = isinstance(what, StudioError)
        words = f"! {what.message} · {what.hint}" if isinstance(what, StudioError) else what
        told.set_class(wrong, "-wrong")
        told.update(scrub(words))

    # -- short runs ---------------------------------------------------------------------------

    @on(PrecisionTable.MeasureWanted)
    def _measure_wanted(self, event: PrecisionTable.MeasureWanted) -> None:
        event.stop()
        if not self._measuring:
            self._measure(list(event.precisions))

    @work(exclusive=True, group="measure")
    async def _measure(self, precisions: list[str]) -> None:
        """Run a few steps in each, one after the other; who leaves stops the one that runs."""
        script, options = self._request.script, dict(self._request.options)
        for ours in ("precision", "retries"):
            options.pop(ours, None)
        self._measuring = True
        self._runs = []
        try:
            for precision in precisions:
                self._tell(f"{script} runs {STEPS} steps in {precision} ...   esc stops it")
                self._runs += await self._studio.probe(
                    script, self._request.args,
                    precisions=[precision], max_steps=STEPS, **options,
                )  # fmt: skip
                self._advise()
            self._tell("; ".join(dict.fromkeys(n for run in self._runs for n in run.notes)))
        except StudioError as problem:
            self._tell(problem)
        finally:
            self._measuring = False

    # -- leaving ------------------------------------------------------------------------------

    @on(PrecisionTable.Chosen)
    def _chosen(self, event: PrecisionTable.Chosen) -> None:
        event.stop()
        self.dismiss(event.precision)

    def action_leave(self) -> None:
        """Stop what is being measured; else close with nothing."""
        if self._measuring:
            self.workers.cancel_group(self, "measure")
            self._tell("stopped")
        else:
            self.dismiss(None)


def estimates(
    typed: Mapping[str, str], machines: list[MachineEntry], strategy: str
) -> list[advisor.Estimate]:
    """What a model takes that is described by what was typed; nothing without its parameters.

    Raises:
        UsageFault: something that was typed makes no sense.
    """
    if not typed["parameters"]:
        return [advisor.Estimate(precision, 0, 0, 0, 0, 0) for precision in advisor.PRECISIONS]
    shape: dict[str, Any] = {
        name: advisor.amount(typed[name] or "0") for name in ("layers", "width", "sequence")
    }
    batch = advisor.amount(typed["batch"] or "1")
    activations = advisor.transformer_activations(**shape, batch=batch)
    model = advisor.Model(
        advisor.amount(typed["parameters"]), typed["optimizer"] or "adamw", activations
    )
    devices = advisor.amount(typed["devices"] or "1")
    return advisor.advise(model, machines, devices=devices, strategy=strategy)
