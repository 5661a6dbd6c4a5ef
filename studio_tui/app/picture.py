"""The app's screen as a picture, without a terminal."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from textual.app import App
from textual.pilot import Pilot

from studio_tui.app.app import StudioApp
from studio_tui.client.studio import Studio
from studio_tui.errors import NotFound

JOIN_SECONDS = 20.0

_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
"""The toolkit's pictures fetch a font from the web; ours open without a network."""


_NUMBER = re.compile(r"terminal-\d+")
"""A checksum of the whole in every name: one changed cell would change every line of the file."""


def picture(app: App[Any], title: str) -> str:
    """What the app shows now, as SVG."""
    svg = app.export_screenshot(title=title, simplify=True)
    return _NUMBER.sub("terminal", _FONTS.sub("", svg))


async def draw(
    studio: Studio, open_file: str | None, size: tuple[int, int], seconds: float, **options: Any
) -> str:
    """The screen as SVG once the studio is joined and has had `seconds` to stream.

    Raises:
        StudioError: the studio could not be joined.
    """
    app = StudioApp(studio, open_file=open_file, **options)
    pictures: list[str] = []

    async def photograph(pilot: Pilot[object]) -> None:
        try:
            async with asyncio.timeout(JOIN_SECONDS):
                await app.decided.wait()
            if app.refusal is not None:
                return
            await asyncio.sleep(seconds)
            await pilot.pause()
            pictures.append(picture(app, f"studio-tui · {studio.id}"))
        finally:
            app.exit()

    await app.run_async(headless=True, size=size, auto_pilot=photograph)
    app.check()
    if not pictures:
        raise NotFound(
            f"{studio.id} could not be drawn: it was not joined in time", "is it running?"
        )
    return pictures[0]
