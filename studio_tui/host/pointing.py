"""Pointing: somebody shows everybody a place in a file."""

from __future__ import annotations

from collections.abc import Callable

from studio_tui.document.entries import PointEntry
from studio_tui.document.presence import LINE_LIMIT, PATH_CAP, printable
from studio_tui.document.studio import POINT, StudioDocument
from studio_tui.host.calls import Method, Params, Result, command

TEXT_CAP = 500


def pointing(document: StudioDocument, clock: Callable[[], float]) -> Method:
    """The call by which somebody points; the document keeps the last place.

    Args:
        clock: Unix time in seconds.
    """

    async def answer(params: Params) -> Result:
        document.point = PointEntry(
            POINT,
            path=params.text("path", cap=PATH_CAP),
            line=params.number("line", 0, LINE_LIMIT - 1, 0),
            text=printable(params.text("text", "", TEXT_CAP), TEXT_CAP),
            by=params.sender.name,
            time=clock(),
        )
        return {}

    return command("studio.point", answer)
