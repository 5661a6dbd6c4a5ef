"""What a training takes in each precision, and what short runs of it took; aligned."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from studio_tui.app import units
from studio_tui.app.truncate import cells, clip, left, right, scrub
from studio_tui.app.widgets.rows import Row
from studio_tui.client.advisor import Estimate
from studio_tui.client.compare import RunSummary, lines

_HEADS = ("weights", "grads", "optim.", "activ.", "total")
_RUN_HEADS = ("ended", "step", "peak", "loss", "cost")
_GAP = "  "


def advice_rows(
    estimates: Sequence[Estimate], chosen: str, marked: Collection[str], width: int
) -> list[Row]:
    """A heading, and one row per precision: bytes on one device, and where that fits.

    Args:
        chosen: the precision that the cursor is on.
        marked: those that are to be run against each other.
    """
    name = max((len(estimate.precision) for estimate in estimates), default=0)
    table = [_HEADS, *(_sizes(estimate) for estimate in estimates)]
    columns = [max(map(cells, column)) for column in zip(*table, strict=True)]
    head = _line("    " + left("precision", name), _HEADS, columns)
    rows: list[Row] = [[(f"{head}{_GAP}fits on", "muted")]]
    for estimate, sizes in zip(estimates, table[1:], strict=True):
        on_it = estimate.precision == chosen
        cursor = "› " if on_it else "  "
        mark = "● " if estimate.precision in marked else "  "
        line = _line(left(estimate.precision, name), sizes, columns)
        room = max(width - cells(line) - 4 - len(_GAP), 0)
        fits = clip(scrub(", ".join(estimate.fits)), room)
        where = (fits, "good") if fits else ("nowhere here" if estimate.total else "", "muted")
        strong = "strong" if on_it else ""
        rows.append([(cursor, "strong"), (mark, "accent"), (line + _GAP, strong), where])
    return rows


def _sizes(estimate: Estimate) -> tuple[str, ...]:
    parts = (
        estimate.weights + estimate.casts, estimate.gradients, estimate.optimizer,
        estimate.activations or None, estimate.total,
    )  # fmt: skip
    return tuple(units.size(part) if estimate.total else units.UNKNOWN for part in parts)


def run_rows(runs: Sequence[RunSummary]) -> list[Row]:
    """What short runs took; below two of them, by how much the second differs from the first."""
    if not runs:
        return []
    table = [_RUN_HEADS, *(_figures(run) for run in runs)]
    if len(runs) == 2:
        table.append(_changes(*runs))
    columns = [max(map(cells, column)) for column in zip(*table, strict=True)]
    names = [*(str(run.precision or run.name) for run in runs), "change"]
    name = max(cells(scrub(text)) for text in names)
    rows: list[Row] = [[(_line("    " + left("", name), _RUN_HEADS, columns), "muted")]]
    for text, figures in zip(names, table[1:], strict=False):
        rows.append([(_line("    " + left(scrub(text), name), figures, columns), "")])
    return rows


def _figures(run: RunSummary) -> tuple[str, ...]:
    speed, peak = run.steps_per_second, run.peak_memory_gib
    loss = next((m.last for name, m in run.metrics.items() if "loss" in name), None)
    return (
        run.state,
        units.step_time(1 / speed if speed else None),
        f"{peak:.2f} GiB" if peak is not None else units.UNKNOWN,
        units.reading(loss) if loss is not None else units.UNKNOWN,
        units.money(run.cost),
    )


def _changes(a: RunSummary, b: RunSummary) -> tuple[str, ...]:
    told = lines(a, b)
    change = {line.what: line.change for line in told}
    loss = next((name for name in change if "loss" in name), "")
    speed = change.get("steps_per_second")
    shares = (
        1 / (1 + speed) - 1 if speed is not None and speed > -1 else None,
        change.get("peak_memory_gib"),
        change.get(loss),
        change.get("cost"),
    )
    return ("", *("" if share is None else f"{share:+.0%}" for share in shares))


def _line(name: str, figures: Sequence[str], widths: Sequence[int]) -> str:
    aligned = (right(figure, width) for figure, width in zip(figures, widths, strict=True))
    return _GAP.join([name, *aligned])
