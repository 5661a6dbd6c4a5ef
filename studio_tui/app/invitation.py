"""A lesson that somebody begins: said in a line, and one key joins it; nobody's focus is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio_tui.app.truncate import scrub
from studio_tui.client.lesson import Lesson, lessons

if TYPE_CHECKING:
    from studio_tui.app.widgets.notice import Notice
    from studio_tui.document.studio import StudioDocument

FRESH_SECONDS = 600


class Invitation:
    """The last lesson that somebody else began, as this person has been told of it.

    Args:
        document: the studio document.
        notice: where it is said.
    """

    def __init__(self, document: StudioDocument, notice: Notice) -> None:
        self._document = document
        self._notice = notice
        self._told: dict[str, float] = {}  # when the lessons began, as last seen
        self._lesson: Lesson | None = None
        self._words = ""

    @property
    def lesson(self) -> Lesson | None:
        """The one to join; None when what was said of it no longer stands there."""
        return self._lesson if self._words and self._words == self._notice.words else None

    def show(self, now: float, key: str, taken: str) -> None:
        """Say once that a lesson has begun; one from long before this person came is no news.

        Args:
            now: Unix time in seconds.
            key: what a person presses to join.
            taken: the name of the lesson that this person has before them; "" for none.
        """
        begun = {entry.id: entry for entry in self._document.lessons.values()}
        told, self._told = self._told, {name: entry.time for name, entry in begun.items()}
        news = [
            entry
            for entry in sorted(begun.values(), key=lambda entry: entry.time)
            if entry.time != told.get(entry.id, 0.0)
            and now - entry.time <= FRESH_SECONDS
            and entry.id != taken
        ]
        # One that this version does not know is somebody's with a later one.
        known = {lesson.name: lesson for lesson in lessons()} if news else {}
        for entry in news:
            if (lesson := known.get(entry.id)) is not None and entry.done < len(lesson.steps):
                self._lesson, self._words = lesson, words(entry.by, lesson, key)
                self._notice.news(self._words)


def words(by: str, lesson: Lesson, key: str) -> str:
    """Who begins what."""
    return f"{scrub(by) or 'somebody'} begins a lesson, {lesson.title} · {key} to join"
