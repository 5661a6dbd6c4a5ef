"""Where somebody points: said in a line, and one key goes there; nobody's focus is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio_tui.app.truncate import clip_middle, scrub

if TYPE_CHECKING:
    from studio_tui.app.widgets.notice import Notice
    from studio_tui.document.entries import PointEntry
    from studio_tui.document.studio import StudioDocument

FRESH_SECONDS = 600
PATH_WIDTH = 40


class Pointer:
    """The last place that somebody pointed at, as this person has seen it.

    Args:
        document: the studio document.
        notice: where it is said.
    """

    def __init__(self, document: StudioDocument, notice: Notice) -> None:
        self._document = document
        self._notice = notice
        self._told: PointEntry | None = None

    @property
    def place(self) -> PointEntry | None:
        """Where to go; None when nobody has pointed."""
        return self._document.point

    def show(self, now: float, key: str) -> None:
        """Say a new place once; one from long before this person came is not news.

        Args:
            now: Unix time in seconds.
            key: what a person presses to go there.
        """
        place, told = self.place, self._told
        self._told = place
        if place is None or place == told or now - place.time > FRESH_SECONDS:
            return
        self._notice.news(words(place, key))


def words(place: PointEntry, key: str) -> str:
    """Who points where, and why."""
    line = f":{place.line}" if place.line else ""
    where = f"{clip_middle(scrub(place.path), PATH_WIDTH)}{line}"
    says = f": {scrub(place.text)}" if place.text else ""
    return f"{scrub(place.by) or 'somebody'} points at {where}{says} · {key} to go there"
