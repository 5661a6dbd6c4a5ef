"""The machines' meters: GPUs, processors, memory, disk and network, one row each; a verdict."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import ClassVar

from textual.binding import Binding, BindingType

from studio_tui.app import units
from studio_tui.app.bound import bound
from studio_tui.app.truncate import cells, left, right, scrub
from studio_tui.app.widgets.rows import Row, Rows, Span, told, width_of
from studio_tui.document.entries import MachineEntry
from studio_tui.meters.sample import GPU, Sample
from studio_tui.meters.series import Series
from studio_tui.meters.verdict import Verdict, verdict

WAITING = "waiting for a reading"
NO_GPU = "no GPU here: {key} to switch"
SILENT_GPU = "no reading from the GPU"
STALE_AFTER = 5.0
FULL, HOT = 0.9, 85.0

_LEVELS = "▁▂▃▄▅▆▇"
_BAR_LEAST, _BAR_MOST = 4, 20
_PERCENT = 4
_POWER_FROM, _HISTORY_FROM = 40, 56
_POWER, _TEMPERATURE = 5, 5
_HISTORY_MOST = 20
_NAME_LEAST = 8
_PROCESSES = 4  # of one GPU that are shown
_VERDICTS = {
    "compute-bound": "good",
    "data-bound": "warn",
    "memory-near-full": "bad",
    "idle": "muted",
    "mixed": "muted",
    "no job runs": "muted",
}


def bar(fraction: float | None, width: int) -> str:
    """`fraction` of 1 as a bar: `▇▇▇▅▁▁▁`; blank while it is unknown."""
    if fraction is None:
        return " " * width
    eighths = round(min(max(fraction, 0.0), 1.0) * width * (len(_LEVELS) - 1))
    return "".join(
        _LEVELS[min(max(eighths - at * (len(_LEVELS) - 1), 0), len(_LEVELS) - 1)]
        for at in range(width)
    )


def sparkline(values: Sequence[float | None], width: int) -> str:
    """The last `width` fractions of 1, the newest at the right; a gap where one is unknown."""
    recent = values[max(len(values) - width, 0) :]
    drawn = "".join(
        " " if value is None else _LEVELS[round(min(max(value, 0.0), 1.0) * (len(_LEVELS) - 1))]
        for value in recent
    )
    return drawn.rjust(width)


@dataclass(frozen=True)
class Meter:
    """One row: its name, a fraction of 1 with its recent past, an amount, and what else is known.

    `alarm` marks an amount that wants attention.
    """

    label: str
    fraction: float | None
    past: Sequence[float | None] = ()
    amount: str = ""
    alarm: bool = False
    power: str = ""
    temperature: str = ""
    hot: bool = False
    name: str = ""


def meters(sample: Sample, series: Series | None, machine: MachineEntry | None) -> list[Meter]:
    """The rows that have a fraction, GPUs first."""
    found = [_gpu_meter(gpu, series) for gpu in sample.gpus if not _silent(gpu)]
    cores = len(sample.cores) or (machine.cpus if machine is not None else 0)
    load = f"load {sample.load:.1f}" if sample.load is not None else ""
    cpu = f"{cores} cpu" if cores else ""
    found.append(Meter("cpu", sample.cpu, _past(series, "cpu"), cpu, name=load))
    pairs = (
        ("mem", "memory", sample.memory_used, sample.memory_total, ""),
        ("disk", "disk", sample.disk_used, sample.disk_total, _disk_rates(sample)),
    )
    for label, track, used, total, rates in pairs:
        fraction = used / total if used is not None and total else None
        alarm = fraction is not None and fraction >= FULL
        amount = units.share(used, total)
        found.append(Meter(label, fraction, _past(series, track), amount, alarm, name=rates))
    return found


def _gpu_meter(gpu: GPU, series: Series | None) -> Meter:
    heat = gpu.temperature_celsius
    return Meter(
        f"gpu{gpu.index}",
        gpu.utilisation,
        _past(series, f"gpu{gpu.index}.utilisation"),
        units.share(gpu.memory_used, gpu.memory_total),
        power=f"{gpu.power_watts:.0f}W" if gpu.power_watts is not None else "",
        temperature=f"{heat:.0f}°C" if heat is not None else "",
        hot=heat is not None and heat >= HOT,
        name=scrub(gpu.name).removeprefix("NVIDIA "),
    )


def _silent(gpu: GPU) -> bool:
    return gpu.utilisation is None and gpu.memory_used is None


def _past(series: Series | None, track: str) -> Sequence[float | None]:
    return series.track(track, _HISTORY_MOST) if series is not None else ()


def _disk_rates(sample: Sample) -> str:
    if sample.disk_read is None or sample.disk_written is None:
        return ""
    return f"r {units.rate(sample.disk_read)}  w {units.rate(sample.disk_written)}"


@dataclass(frozen=True)
class Columns:
    """How wide each column is, for meters drawn in a given width; 0 leaves it out."""

    label: int
    bar: int
    amount: int
    gap: int
    power: int = 0
    temperature: int = 0
    history: int = 0
    name: int = 0

    @classmethod
    def within(cls, shown: Sequence[Meter], width: int) -> Columns:
        """The columns for `width` cells: what matters least is left out first."""
        label = max((cells(meter.label) for meter in shown), default=4)
        amount = max((cells(meter.amount) for meter in shown), default=0)
        gap = 2 if width >= 26 else 1
        room = width - label - 1 - 1 - _PERCENT - gap - amount
        physical = width >= _POWER_FROM and any(meter.power or meter.temperature for meter in shown)
        power, temperature = (_POWER, _TEMPERATURE) if physical else (0, 0)
        room -= sum(column + 1 for column in (power, temperature) if column)
        if width < _HISTORY_FROM:
            return cls(label, _held(room), amount, gap, power, temperature)
        # A wide board has room for the bar, the last minute, and the GPU's name.
        third = max((room - 4) // 3, _BAR_LEAST)
        bar_width, history = _held(third), min(third, _HISTORY_MOST)
        name = room - 4 - bar_width - history
        wanted = max((cells(meter.name) for meter in shown), default=0)
        name = min(name, wanted) if name >= min(_NAME_LEAST, wanted) else 0
        return cls(label, bar_width, amount, gap, power, temperature, history, name)


def _held(room: int) -> int:
    return min(max(room, _BAR_LEAST), _BAR_MOST)


def meter_row(meter: Meter, columns: Columns) -> Row:
    """`meter` as a row, aligned with the others in the same columns."""
    picture = bar(meter.fraction, columns.bar)
    # A narrow board has one place for a picture: of the processors, their past says more.
    if meter.label == "cpu" and not columns.history and len(meter.past) > 1:
        picture = sparkline(meter.past, columns.bar)
    alarm = "!" if meter.alarm else " "
    row: list[Span] = [
        (left(meter.label, columns.label) + " ", "muted"),
        (picture, "accent"),
        (" " + right(units.percent(meter.fraction), _PERCENT), "strong"),
        (" " * (columns.gap - 1) + alarm, "warn"),
        (right(meter.amount, columns.amount), "warn" if meter.alarm else ""),
    ]
    if columns.power:
        row.append((" " + right(meter.power, columns.power), ""))
        heat = ("!" if meter.hot else "") + meter.temperature
        row.append((" " + right(heat, columns.temperature), "warn" if meter.hot else ""))
    if columns.history:
        row.append(("  " + sparkline(meter.past, columns.history), "accent"))
    if columns.name:
        row.append(("  " + left(meter.name, columns.name), "muted"))
    return row


def gpu_notes(sample: Sample, machine: MachineEntry | None, key: str) -> list[str]:
    """What to say about GPUs that have no row of their own."""
    if not sample.gpus:
        return [SILENT_GPU if machine is not None and machine.gpus else NO_GPU.format(key=key)]
    return [
        f"gpu{gpu.index} is lost: the machine must restart"
        if gpu.lost
        else f"gpu{gpu.index} does not answer"
        for gpu in sample.gpus
        if _silent(gpu)
    ]


def verdict_rows(found: Verdict | None, width: int) -> list[Row]:
    """What holds the machine up, folded; nothing while too little is known."""
    if found is None:
        return []
    first, *more = folded(str(found).split(" · "), max(width, 1))
    kind = first[: len(found.kind)]
    start: Row = [(kind, f"{_VERDICTS[found.kind]} strong"), (first[len(kind) :], "muted")]
    return [start, *([(line, "muted")] for line in more)]


def folded(parts: Sequence[str], width: int) -> list[str]:
    """Parts with dots between them, over as many lines as it takes; none is split if it fits."""
    lines: list[str] = []
    for part in parts:
        if lines and cells(lines[-1]) + cells(part) + 3 <= width:
            lines[-1] += f" · {part}"
        else:
            lines += wrap(part, width, break_on_hyphens=False)
    return lines


def detail_rows(sample: Sample, jobs: Mapping[str, str], width: int) -> list[Row]:
    """Clocks, the parts of cut GPUs, who computes on which, and each processor.

    Args:
        jobs: a job's id -> its name.
    """
    rows: list[Row] = []
    for gpu in sample.gpus:
        rows += _gpu_details(gpu, jobs)
    levels = sparkline(sample.cores, len(sample.cores))
    for at in range(0, len(levels), width):
        rows.append([(levels[at : at + width], "accent")])
    if levels:
        busiest = max(sample.cores)
        rows.append([(f"each of {len(levels)} cpu, the busiest {units.percent(busiest)}", "muted")])
    return rows


def _gpu_details(gpu: GPU, jobs: Mapping[str, str]) -> list[Row]:
    label = f"gpu{gpu.index}"
    rows: list[Row] = []
    facts = [f"{gpu.sm_clock_mhz} MHz"] if gpu.sm_clock_mhz is not None else []
    if gpu.power_watts is not None and gpu.power_limit_watts is not None:
        facts.append(f"{gpu.power_watts:.0f} of {gpu.power_limit_watts:.0f} W")
    if facts:
        rows.append([(f"{label} ", "muted"), (" · ".join(facts), "")])
    for index, part in enumerate(gpu.parts):
        held = units.share(part.memory_used, part.memory_total)
        rows.append([(f"{label} part {index} ", "muted"), (held, "")])
    for process in gpu.processes[:_PROCESSES]:
        what = jobs.get(process.job) or process.job or f"pid {process.pid}"
        who = f" {scrub(process.user)}" if process.user else ""
        rows.append(
            [
                (f"{label} ", "muted"),
                (scrub(what), "strong"),
                (f"{who}  {units.size(process.memory)}", ""),
            ]
        )
    if len(gpu.processes) > _PROCESSES:
        rows.append([(f"{label} and {len(gpu.processes) - _PROCESSES} more", "muted")])
    return rows


def other_rows(others: Sequence[Sample], width: int) -> list[Row]:
    """The studio's other machines, one row each."""
    name_width = max((cells(scrub(other.machine)) for other in others), default=0)
    rows: list[Row] = []
    for other in others:
        uses = [gpu.utilisation for gpu in other.gpus if gpu.utilisation is not None]
        told = [f"{len(other.gpus)} gpu {units.percent(max(uses))}"] if uses else []
        told.append(f"cpu {units.percent(other.cpu)}")
        if other.memory_used is not None and other.memory_total:
            told.append(f"mem {units.percent(other.memory_used / other.memory_total)}")
        name = left(scrub(other.machine), min(name_width, max(width // 3, 6)))
        rows.append([(f"{name}  ", "muted"), ("  ".join(told), "")])
    return rows


def board(
    sample: Sample,
    series: Series | None,
    machine: MachineEntry | None,
    width: int,
    switch: str = "^E",
) -> list[Row]:
    """All rows of a machine in `width` cells; `switch` is the key that goes to another."""
    shown = meters(sample, series, machine)
    columns = Columns.within(shown, width)
    rows = [meter_row(meter, columns) for meter in shown]
    said = gpu_notes(sample, machine, switch)
    notes = [[(note, "warn" if sample.gpus else "muted")] for note in said]
    rows[len(sample.gpus) - (len(notes) if sample.gpus else 0) : 0] = notes
    down, up = (units.rate(amount) for amount in (sample.net_received, sample.net_sent))
    rows.append([(left("net", columns.label) + " ", "muted"), (f"↓ {down}  ↑ {up}", "")])
    return rows


def faded(rows: Sequence[Row]) -> list[Row]:
    """`rows` without their colours: what they say is no longer so."""
    return [[(text, "muted") for text, _ in row] for row in rows]


class MetersBoard(Rows, can_focus=True, inherit_bindings=False):
    """The meters of the studio's machine, and of its others in short, drawn as one widget.

    Args:
        clock: seconds, of any origin. How old a sample is counts from when it came here, because
            the machine's clock may differ from ours.
    """

    HELP = """\
### Meters

What the machine is doing now. **gpu** shows how much of the last second a kernel ran and the
memory in use; **cpu**, **mem**, **disk** and **net** the machine around it. `!` wants attention.
The studio's other machines have one row each.

The last line says what holds the machine up, over half a minute: **compute-bound** is what you
pay for; **data-bound** waits for its data: give the loader more workers; **memory-near-full**;
**idle**; or that no job runs.

- **d** shows the details: clocks, who computes on which GPU for which job, every processor
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_up", "Up", show=False, id="meters.up"),
        Binding("down,j", "scroll_down", "Down", show=False, id="meters.down"),
        Binding("d", "details", "Details", id="meters.details"),
    ]
    DEFAULT_CSS = """
    MetersBoard { height: auto; }
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._clock = clock
        self._came = clock()
        self._said = 0
        self._sample: Sample | None = None
        self._series: Series | None = None
        self._machine: MachineEntry | None = None
        self._others: Sequence[Sample] = ()
        self._jobs: Mapping[str, str] = {}
        self._steps: Sequence[float] = ()
        self._job_runs = False
        self.details = False

    def show(
        self,
        sample: Sample | None,
        series: Series | None = None,
        machine: MachineEntry | None = None,
        *,
        others: Sequence[Sample] = (),
        jobs: Mapping[str, str] | None = None,
        steps: Sequence[float] = (),
        job_runs: bool = False,
    ) -> None:
        """Show the newest `sample` of `machine`, None before the first, its past from `series`.

        Args:
            others: the newest samples of the studio's other machines.
            jobs: a job's id -> its name, for what computes on a GPU.
            steps: seconds of each of the last steps of a training that runs there.
            job_runs: whether a job runs there now.
        """
        self._others, self._jobs = others, jobs or {}
        self._steps, self._job_runs = steps, job_runs
        if sample != self._sample:
            self._came = self._clock()
        self._sample, self._series, self._machine = sample, series, machine
        self.redraw()

    @property
    def age(self) -> float:
        """Seconds since the sample that is shown came, or since one is waited for."""
        return max(self._clock() - self._came, 0.0)

    def on_mount(self) -> None:
        """Look every second whether what is shown has become old."""
        self.set_interval(1.0, self.tick)

    def tick(self) -> None:
        """Say again how long nothing came."""
        said = int(self.age)
        if said != self._said and (self._sample is None or self.age > STALE_AFTER):
            self._said = said
            self.redraw()

    def rows(self, width: int, height: int) -> list[Row]:
        """The board, or what is waited for."""
        waited = units.duration(self.age)
        if self._sample is None:
            return told(f"{WAITING} · {waited}", width)
        shown = board(self._sample, self._series, self._machine, width, bound(self.app, "machine"))
        others = other_rows(self._others, width)
        if self.age <= STALE_AFTER:
            if self.details:
                shown += detail_rows(self._sample, self._jobs, width)
            if self._series is not None:
                found = verdict(self._series, self._steps, job_runs=self._job_runs)
                shown += verdict_rows(found, width)
            return [*shown, *others]
        note: Row = [("! ", "warn"), (f"last reading {waited} ago", "warn")]
        if width_of(note) > width:
            note = [(f"! {waited} ago", "warn")]
        return [note, *faded(shown), *others]

    def action_details(self) -> None:
        """Show the details, or leave them out."""
        self.details = not self.details
        self.redraw()
