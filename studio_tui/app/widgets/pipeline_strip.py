"""The pipeline that runs, in one row: each step and how it is."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import takewhile

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from studio_tui.app.truncate import cells, clip, scrub
from studio_tui.document.entries import PipelineEntry

OVER_SECONDS = 120
"""So long is one that is over still shown."""
NAME_WIDTH = 24
GOOD = ("succeeded", "cached", "serving")
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
        pieces = strip(newest, self.app.size.width)
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


def strip(run: PipelineEntry, width: int) -> list[Piece]:
    """A run in words: its name, its steps, what was copied, and why one failed.

    Args:
        width: cells that there are. Where they are too few, it is not said what was copied, and
            then of the first steps that are done only how many they are.
    """
    name = (f" {clip(scrub(run.name), NAME_WIDTH)} ", "bold", "")
    for told in (_whole(run), _brief(run)):
        pieces = [name, *(piece for step in told for piece in step)]
        if _width(pieces) <= width:
            return pieces
    done = len(list(takewhile(lambda step: step.get("state") in GOOD, run.steps)))
    for count in range(2, done + 1):
        rest = [piece for step in told[count:] for piece in step]
        pieces = [name, (f" ✓ {count} done ", "$text-success", ""), *rest]
        if _width(pieces) <= width:
            break
    return pieces


def _whole(run: PipelineEntry) -> list[list[Piece]]:
    """The pieces of each step, with what it copied."""
    found = []
    for step, pieces in zip(run.steps, _brief(run), strict=True):
        note = scrub(str(step.get("note") or ""))
        if note and step.get("kind") == "data" and step.get("state") in GOOD:
            pieces.append((f"{clip(note, NAME_WIDTH)} ", "$text-muted", ""))
        found.append(pieces)
    return found


def _brief(run: PipelineEntry) -> list[list[Piece]]:
    """The pieces of each step."""
    found = []
    for step in run.steps:
        name, state, job = (str(step.get(key, "")) for key in ("name", "state", "job"))
        glyph, style = _GLYPHS.get(state, ("?", "$text-muted"))
        pieces = [(f" {glyph} {clip(scrub(name), NAME_WIDTH)} ", style, job)]
        if state == "failed" and step.get("note"):
            pieces.append((f"{scrub(str(step['note']))} ", "$text-error", job))
        found.append(pieces)
    return found


def _width(pieces: Iterable[Piece]) -> int:
    return sum(cells(words) for words, _, _ in pieces)


def _current(run: PipelineEntry, now: float) -> bool:
    return run.ended is None or now - run.ended < OVER_SECONDS
