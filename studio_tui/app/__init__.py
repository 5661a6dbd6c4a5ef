"""The terminal app: a client that attaches to a studio and shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from studio_tui.client.studio import Studio


def run(studio: Studio | Callable[[], Studio], *, offer: str | None = None, **options: Any) -> int:
    """Show the studio until the person leaves; returns the exit code. See `app.StudioApp`.

    Leader, theme and keys come from the settings unless they are given.

    Raises:
        StudioError: the studio could not be joined, or the app ended unexpectedly.
    """
    from studio_tui.app.app import StudioApp
    from studio_tui.settings import load

    settings = load.load().settings
    usual = {"leader": settings.leader, "theme": settings.theme, "keys": settings.keys}
    app = StudioApp(studio, offer=offer, **{**usual, **options})
    code = app.run()
    app.check()
    return code or 0


async def screenshot(
    studio: Studio,
    *,
    open_file: str | None = None,
    width: int = 140,
    height: int = 42,
    seconds: float = 3.0,
    **options: Any,
) -> str:
    """The studio's screen as SVG, drawn without a terminal.

    Args:
        studio: the studio, not yet joined.
        open_file: a file to show in the middle.
        width: columns.
        height: rows.
        seconds: how long the screen is given to fill with what is streamed.
        options: see `app.StudioApp`.

    Raises:
        StudioError: the studio could not be joined.
    """
    from studio_tui.app.picture import draw

    return await draw(studio, open_file, (width, height), seconds, **options)
