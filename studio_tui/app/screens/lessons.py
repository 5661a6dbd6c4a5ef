"""The lessons: choose one, see how far everybody is, and why a step is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from studio_tui.app.problems import told
from studio_tui.app.screens.dialogs import FRAME
from studio_tui.app.screens.modal import Modal
from studio_tui.app.widgets.lesson_bar import LessonBar
from studio_tui.client.lesson import Course, lessons

if TYPE_CHECKING:
    from studio_tui.app.screens.workspace import Workspace


@dataclass(frozen=True)
class Chosen:
    """What is to be shown: a lesson, from its beginning or from where it is, or none."""

    course: Course | None
    again: bool = False


class LessonList(Modal[Chosen | None]):
    """Lists the lessons, with what the highlighted one is about; None when left with escape."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave", show=False, id="lessons.leave"),
        Binding("r", "again", "from the start", show=False, id="lessons.again"),
        Binding("h", "hide", "hide the lesson", show=False, id="lessons.hide"),
    ]
    DEFAULT_CSS = f"""
    LessonList {{
        {FRAME}
        & OptionList {{ height: auto; max-height: 10; background: $surface; }}
        & #about {{ height: 6; margin-top: 1; }}
        & #hint {{ color: $text-muted; }}
    }}
    """

    def __init__(self, courses: Sequence[Course], taken: str = "") -> None:
        super().__init__()
        self._courses = courses
        self._first = next((n for n, c in enumerate(courses) if c.lesson.name == taken), 0)

    def compose(self) -> ComposeResult:
        """The list, what one is about, the keys."""
        with Vertical() as frame:
            frame.border_title = Content("lessons")
            rows = (Option(Content(f"{c.lesson.title:<22}{c.marks}")) for c in self._courses)
            yield OptionList(*rows, compact=True)
            yield Static("", id="about", markup=False)
            yield Static("enter: take it   r: from the start   h: hide it   esc", id="hint")

    def on_mount(self) -> None:
        """Begin where this person is."""
        self.query_one(OptionList).highlighted = self._first

    @property
    def course(self) -> Course:
        """The highlighted one."""
        return self._courses[self.query_one(OptionList).highlighted or 0]

    @on(OptionList.OptionHighlighted)
    def _highlighted(self) -> None:
        course = self.course
        begun = course.entry is not None and course.step is not None
        why = course.step.why.strip() if begun and course.step else course.lesson.about
        self.query_one("#about", Static).update(Content(course.words(why)))

    @on(OptionList.OptionSelected)
    def _selected(self) -> None:
        self.dismiss(Chosen(self.course))

    def action_again(self) -> None:
        """Take it from its first step, for everybody."""
        self.dismiss(Chosen(self.course, again=True))

    def action_hide(self) -> None:
        """Show no lesson any more; how far it is stays."""
        self.dismiss(Chosen(None))


async def visit(workspace: Workspace) -> None:
    """Join the lesson that somebody begins, or choose one, and show it."""
    with told(workspace.work_pane):
        bar = workspace.query_one(LessonBar)
        if (begun := workspace.invitation.lesson) is not None:
            workspace.work_pane.notice.clear()
            await _take(workspace, Course(workspace.studio, begun))
            return
        courses = [Course(workspace.studio, lesson) for lesson in lessons()]
        taken = bar.taken or _last([c for c in courses if c.entry is not None and c.step])
        chosen = await workspace.app.push_screen_wait(LessonList(courses, taken))
        if chosen is not None:
            await _take(workspace, chosen.course, again=chosen.again)


def _last(begun: Sequence[Course]) -> str:
    """The name of the one that began last; "" for none."""
    times = {c.lesson.name: c.entry.time for c in begun if c.entry is not None}
    return max(times, key=lambda name: times[name], default="")


async def _take(workspace: Workspace, course: Course | None, *, again: bool = False) -> None:
    await workspace.query_one(LessonBar).take(course, again=again)
    if course is not None and not await course.suits():
        workspace.work_pane.notice.news(course.misfit)
