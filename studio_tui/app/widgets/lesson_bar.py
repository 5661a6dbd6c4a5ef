"""The two rows of the lesson that is taken: which step it is, and what to do."""

from __future__ import annotations

from textual import work
from textual.content import Content
from textual.widgets import Static

from studio_tui.app.bound import bound
from studio_tui.app.problems import told
from studio_tui.client.lesson import Course
from studio_tui.errors import StudioError

LOOK_SECONDS = 1.0


class LessonBar(Static):
    """Hidden until a lesson is chosen; then it looks whether the step is done, and goes on."""

    DEFAULT_CSS = """
    LessonBar {
        display: none;
        height: 2;
        padding: 0 1;
        background: $primary-muted;
        text-wrap: nowrap;
        text-overflow: ellipsis;
        &.-shown { display: block; }
        &:ansi { text-style: reverse; }
    }
    """

    def __init__(self) -> None:
        super().__init__("", markup=False)
        self.course: Course | None = None
        self.words = ""

    def on_mount(self) -> None:
        """Look now and then: files, logs and curves do not tell by themselves."""
        self.set_interval(LOOK_SECONDS, self.look)

    @property
    def taken(self) -> str:
        """The name of the lesson; "" for none."""
        return self.course.lesson.name if self.course else ""

    async def take(self, course: Course | None, *, again: bool = False) -> None:
        """Take a lesson, or none.

        Raises:
            StudioError: it cannot be begun.
        """
        had, self.course = self.course, course  # whoever begins a lesson is not told of it
        try:
            if course is not None:
                await course.begin(again=again)
        except StudioError:
            self.course = had
            raise
        self.set_class(course is not None, "-shown")
        self.show()

    def look(self) -> None:
        """Look whether the step is done."""
        if self.course is not None:
            self.show()
            self._advance(self.course)

    def show(self) -> None:
        """Say how far everybody is."""
        said = self.words
        if self.course is None:
            self.words = ""
        elif (step := self.course.step) is None:
            done = f"{self.course.marks} {self.course.lesson.title} is done"
            self.words = f"{done}\n{bound(self.app, 'learn')}: the next one"
        else:
            say, do = self.course.words(step.say), self.course.words(step.do)
            self.words = f"{self.course.marks} {say}\n→ {do}"
        if self.words != said:
            self.update(Content(self.words))

    @work(exclusive=True, group="lesson")
    async def _advance(self, course: Course) -> None:
        with told(self):
            if await course.advance() and course is self.course:
                self.show()
