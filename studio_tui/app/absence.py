"""Why the host of a studio cannot be asked now, and what there is to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from studio_tui.app.keyboard import NAME_CELLS
from studio_tui.app.truncate import clip, scrub
from studio_tui.errors import Away

if TYPE_CHECKING:
    from studio_tui.app.panes.work_pane import WorkPane
    from studio_tui.app.widgets.notice import Notice
    from studio_tui.client.attachment import Attachment

OFFLINE = "offline"
PAUSE_SECONDS = 3.0
"""How long a host may be away before that is said: one that loses its link comes back by itself."""


def absence(studio: Attachment) -> Away | None:
    """What keeps the studio from its machine; None while nothing does."""
    if studio.reachable:
        return None
    if who := clip(scrub(studio.document.info.stopped), NAME_CELLS):
        return Away(f"{who} stopped the studio", _opens(studio))
    if studio.state != "live":
        return Away(OFFLINE, "it reconnects by itself")
    return Away("the studio's host is away", _opens(studio))


def _opens(studio: Attachment) -> str:
    """Who can start the host again; an owner has its folder, as a rule."""
    if studio.me is not None and studio.me.role != "owner":
        return "whoever has its folder opens it again"
    return "start it again: studio-tui open"


class Absence:
    """What is said of it where nobody has asked for anything.

    Args:
        studio: whose host may be away.
        work: where it is said.
    """

    def __init__(self, studio: Attachment, work: WorkPane) -> None:
        self._studio = studio
        self._work = work
        self._now: Away | None = Away(OFFLINE)

    def show(self, notices: Iterable[Notice]) -> bool:
        """Follow it: what was said of it before is over. Whether the host has just come."""
        before, self._now = self._now, absence(self._studio)
        if str(before) == str(self._now):
            return False
        if before is not None:
            for notice in notices:
                notice.passed()
        if self._now is not None:
            self._work.set_timer(PAUSE_SECONDS, self._tell)
        return self._now is None

    def _tell(self) -> None:
        """Say that nobody saves; of the link the top line says enough, and a terminal of itself."""
        now, notice = self._now, self._work.notice
        if now is not None and str(now) != OFFLINE and not self._work.terminal and not notice.words:
            notice.problem(now)
