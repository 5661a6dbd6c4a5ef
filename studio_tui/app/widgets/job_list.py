"""The studio's jobs, newest first, of which one can be chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from studio_tui.app.bound import bound
from studio_tui.app.widgets.job_rows import job_rows, newest_first
from studio_tui.app.widgets.rows import Row, Rows, told
from studio_tui.document.entries import JobEntry

EMPTY = "no job yet: {run} runs the open file"


class JobList(Rows, can_focus=True, inherit_bindings=False):
    """A selectable list of jobs, one row each."""

    HELP = """\
### Jobs

Every run of this studio, the newest first; runs of one name are numbered.

- `▶` running, `…` queued or starting, `✓` succeeded, `✗` failed, `■` stopped, `?` lost
- on the right what it has cost, of its budget if it has one; `!` once most of that is spent
- **up**, **down** choose a job; **Enter** or a press shows its log and curves
- **s** stops the chosen job, **r** runs the open file again
- **m** takes it to another machine while it trains, `→` and back again before it went
- **c** lays its curves over those that are shown, and takes them away again
- **C** sets it beside the one that is shown: results, speed, memory, cost
- **tab** goes to the curves: **[** and **]** choose the metric there, **l** a logarithmic scale
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "cursor(-1)", "Up", show=False, id="jobs.up"),
        Binding("down,j", "cursor(1)", "Down", show=False, id="jobs.down"),
        Binding("home", "edge(0)", "Newest", show=False, id="jobs.newest"),
        Binding("end", "edge(-1)", "Oldest", show=False, id="jobs.oldest"),
        Binding("enter", "select", "Show", id="jobs.show"),
        Binding("s,delete", "stop", "Stop", id="jobs.stop"),
        Binding("r", "run", "Run", id="jobs.run"),
        Binding("m", "move", "Move", id="jobs.move"),
        Binding("c", "compare", "Compare", id="jobs.compare"),
        Binding("C", "figures", "Figures", id="jobs.figures"),
        Binding("tab", "app.focus_next", "Curves", id="jobs.curves"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"job-list--cursor"}
    DEFAULT_CSS = """
    JobList {
        & > .job-list--cursor {
            background: $block-cursor-blurred-background;
        }
        &:focus > .job-list--cursor {
            background: $primary 40%;
            text-style: bold;
        }
        /* One of 16 colours as a background would hide the state that has the same colour. */
        &:ansi:focus > .job-list--cursor {
            background: ansi_default;
            text-style: bold reverse;
        }
    }
    """

    class Selected(Message):
        """A job was chosen: show it."""

        def __init__(self, job_list: JobList, job: str) -> None:
            super().__init__()
            self.job_list, self.job = job_list, job

        @property
        def control(self) -> JobList:
            """The list it was chosen in."""
            return self.job_list

    class Highlighted(Selected):
        """The cursor came to a job."""

    class StopRequested(Selected):
        """Stop this job; the receiver asks once more, since this is not undone."""

    class MoveRequested(Selected):
        """Take this job to another machine, or leave it where it is after all."""

    class CompareRequested(Selected):
        """Lay this job's curves over those that are shown, or take them away again."""

    class FiguresRequested(Selected):
        """Set this job beside the one that is shown, in figures."""

    class RunRequested(Message):
        """Run the open file."""

    def __init__(
        self,
        *,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._jobs: list[JobEntry] = []
        self._now = 0.0
        self._far: dict[str, str] = {}
        self._chosen: str | None = None

    def show(
        self, jobs: Sequence[JobEntry], now: float, far: Mapping[str, str] | None = None
    ) -> None:
        """Show `jobs`; the cursor stays on its job.

        Args:
            jobs: in any order.
            now: Unix time in seconds, for the duration of running jobs.
            far: job id -> how far it is (see `progress`).
        """
        ordered = newest_first(jobs)
        if all(job.id != self._chosen for job in ordered):
            at = min(self.cursor, len(ordered) - 1)
            self._chosen = ordered[max(at, 0)].id if ordered else None
        self._jobs, self._now, self._far = ordered, now, dict(far or {})
        self.redraw()

    @property
    def cursor(self) -> int:
        """The row of the chosen job, 0 when there is none."""
        ids = [job.id for job in self._jobs]
        return ids.index(self._chosen) if self._chosen in ids else 0

    @property
    def chosen(self) -> JobEntry | None:
        """The job under the cursor."""
        return self._jobs[self.cursor] if self._jobs else None

    def choose(self, job: str) -> None:
        """Put the cursor on the job with this id, if it is there."""
        if job != self._chosen and any(entry.id == job for entry in self._jobs):
            self._chosen = job
            self.redraw()
            self._reveal()
            self.refresh_bindings()
            self.post_message(self.Highlighted(self, job))

    def on_resize(self) -> None:
        """Keep the cursor in sight."""
        super().on_resize()
        self._reveal()

    def _reveal(self) -> None:
        height, top = self.scrollable_content_region.height, self.scroll_offset.y
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False)
        elif height and self.cursor >= top + height:
            self.scroll_to(y=self.cursor - height + 1, animate=False)

    def rows(self, width: int, height: int) -> list[Row]:
        """One row per job, or how to get one."""
        if not self._jobs:
            return told(EMPTY.format(run=bound(self.app, "run")), width)
        return job_rows(self._jobs, self._now, self._far, self.cursor, width)

    def row_style(self, y: int) -> Style:
        """The cursor's row stands out."""
        if self._jobs and y == self.cursor:
            cursor = self.get_component_rich_style("job-list--cursor")
            bold, reverse = cursor.bold or None, cursor.reverse or None
            return self.rich_style + Style(bgcolor=cursor.bgcolor, bold=bold, reverse=reverse)
        return self.rich_style

    def action_cursor(self, step: int) -> None:
        """Move the cursor by `step` rows."""
        if self._jobs:
            at = min(max(self.cursor + step, 0), len(self._jobs) - 1)
            self.choose(self._jobs[at].id)

    def action_edge(self, index: int) -> None:
        """Move the cursor to the first (0) or last (-1) job."""
        if self._jobs:
            self.choose(self._jobs[index].id)

    def action_select(self) -> None:
        """Show the chosen job."""
        if self.chosen is not None:
            self.post_message(self.Selected(self, self.chosen.id))

    def action_stop(self) -> None:
        """Ask to stop the chosen job; the receiver says of one that is over that it is."""
        if self.chosen is not None:
            self.post_message(self.StopRequested(self, self.chosen.id))

    def action_move(self) -> None:
        """Ask to take the chosen job to another machine."""
        if self.chosen is not None and self.chosen.state == "running":
            self.post_message(self.MoveRequested(self, self.chosen.id))

    def action_compare(self) -> None:
        """Lay the chosen job's curves over those that are shown, or take them away."""
        if self.chosen is not None:
            self.post_message(self.CompareRequested(self, self.chosen.id))

    def action_figures(self) -> None:
        """Set the chosen job beside the one that is shown."""
        if self.chosen is not None:
            self.post_message(self.FiguresRequested(self, self.chosen.id))

    def action_run(self) -> None:
        """Ask to run the open file."""
        self.post_message(self.RunRequested())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only a job that runs can be moved."""
        if action == "move":
            return True if self.chosen is not None and self.chosen.state == "running" else None
        return True

    def on_click(self, event: events.Click) -> None:
        """A press chooses a job and shows it."""
        row = event.y + self.scroll_offset.y
        if 0 <= row < len(self._jobs):
            self.choose(self._jobs[row].id)
            self.action_select()
