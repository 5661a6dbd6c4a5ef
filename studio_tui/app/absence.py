"""Why the host of a studio cannot be asked now, and what there is to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio_tui.app.truncate import clip, scrub
from studio_tui.errors import Away

if TYPE_CHECKING:
    from studio_tui.client.attachment import Attachment

NAME_CELLS = 20
OFFLINE = "offline"


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
