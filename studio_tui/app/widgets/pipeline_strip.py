"""The pipeline that runs, in one row: each step and how it is."""

from __future__ import annotations

from collections.abc import Iterable

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from studio_tui.app.truncate import cells, clip, scrub
from studio_tui.document.entries import PipelineEntry

OVER_SECONDS = 120
"""So long is one that is over still shown."""
NAME_WIDTH = 24
_GLYPHS = {
    "waiting": ("·", "$text-muted"),
    "running": ("▶", "$text-accent"),
    "succeeded": ("✓", "$text-success"),
    "cached": ("=", "$text-success"),
    "serving": ("⇄", "$text-success"),
    "failed": ("✗", "$text-error"),
    "skipped": ("-", "$text-muted"),
    "stopped": ("■", "$text-muted"),
}

Piece = tuple[str, str, str]
"""Words, their style, and the job that they stand for, "" for none."""


class PipelineStrip(Static):
    """Hidden until a pipeline runs. A press on a step shows its job, one on the name hides it."""

    DEFAULT_CSS = """
    PipelineStrip {
        display: none;
        height: 1;
        width: 1fr;
        background: $surface;
        &.-shown { display: block; }
    }
    """

    class Pressed(Message):
        """A step that has a job was pressed."""

        def __init__(self, job: str) -> None:
            super().__init__()
            self.job = job

    def __init__(self) -> None:
        super().__init__("", markup=False)
        self._pieces: list[Piece] = []
        self._run = ""
        self._hidden = ""

    def show(self, runs: Iterable[PipelineEntry], now: float) -> None:
        """Show the run that began last, if it goes on or has just ended.

        Args:
            now: Unix time in seconds.
        """
        newest = max(runs, key=lambda run: run.started, default=None)
        shown = newest is not None and newest.id != self._hidden and _current(newest, now)
        self.set_class(shown, "-shown")
        if newest is None or not shown:
            return
        self._run = newest.id
        pieces = strip(newest)
        if pieces != self._pieces:
            self._pieces = pieces
            self.update(Content.assemble(*((words, style) for words, style, _ in pieces)))

    def on_click(self, event: events.Click) -> None:
        """Go to the step under the mouse, or take the strip away."""
        at = 0
        for number, (words, _, job) in enumerate(self._pieces):
            at += cells(words)
            if event.x < at:
                if number == 0:
                    self._hidden = self._run
                    self.remove_class("-shown")
                elif job:
                    self.post_message(self.Pressed(job))
                return


def strip(run: PipelineEntry) -> list[Piece]:
    """A run in words: its name, its steps, what was copied, and why one failed."""
    pieces = [(f" {clip(scrub(run.name), NAME_WIDTH)} ", "bold", "")]
    for step in run.steps:
        name, state, job = (str(step.get(key, "")) for key in ("name", "state", "job"))
        glyph, style = _GLYPHS.get(state, ("?", "$text-muted"))
        pieces.append((f" {glyph} {clip(scrub(name), NAME_WIDTH)} ", style, job))
        if (note := scrub(str(step.get("note") or ""))) and state == "failed":
            pieces.append((f"{note} ", "$text-error", job))
        elif note and step.get("kind") == "data":
            pieces.append((f"{clip(note, NAME_WIDTH)} ", "$text-muted", job))
    return pieces


def _current(run: PipelineEntry, now: float) -> bool:
    return run.ended is None or now - run.ended < OVER_SECONDS
