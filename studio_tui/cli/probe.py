"""A dry run of a few steps, in one precision or several: what it takes, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from studio_tui.cli.output import emit, plain, say, table

if TYPE_CHECKING:
    from studio_tui.client.compare import RunSummary
    from studio_tui.client.studio import Studio

HEADER = ["PRECISION", "STATE", "STEPS", "STEPS/S", "PEAK GIB", "LOSS", "COST"]


def measured(
    studio: str,
    command: tuple[str, ...],
    precisions: tuple[str, ...],
    options: dict[str, Any],
    as_json: bool,
) -> int:
    """Run and print it; the exit code.

    Args:
        options: of every run, as for `Studio.run`.
    """
    from studio_tui.cli.attached import attached

    async def load(joined: Studio) -> list[RunSummary]:
        script, *args = command
        return await joined.probe(script, args, precisions=precisions, **options)

    found = attached(studio, load, patient=True)
    rows = [
        [run.precision, run.state, run.steps, reading(run.steps_per_second),
         reading(run.peak_memory_gib), reading(loss_of(run)), reading(run.cost)]
        for run in found
    ]  # fmt: skip
    emit([run.plain() for run in found], as_json, table(HEADER, rows, ""))
    for note in dict.fromkeys(note for run in found for note in run.notes):
        say(f"note: {plain(note)}")
    return 0 if all(run.state == "succeeded" for run in found) else 1


def loss_of(run: RunSummary) -> float | None:
    """The last value of a run's first loss."""
    return next((m.last for name, m in run.metrics.items() if "loss" in name), None)


def reading(value: object) -> object:
    """A figure with four digits; anything else as it is."""
    return f"{value:.4g}" if isinstance(value, float) else value
