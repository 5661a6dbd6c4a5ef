"""The Python API: everything the app can do, for scripts, notebooks and CI.

    async with sdk.attach("calm-otter", name="ci") as studio:
        text = await studio.file("train.py")
        await text.insert(0, "# hi\\n")
        await text.flush()

`sdk.sync` offers the same, blocking.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from studio_tui import blocking as sync
from studio_tui.errors import NotFound, Refused, StudioError, UsageFault

if TYPE_CHECKING:
    from studio_tui.client.studio import Studio

__all__ = ["NotFound", "Refused", "StudioError", "UsageFault", "attach", "open", "sync"]


@asynccontextmanager
async def attach(studio: str, *, name: str | None = None) -> AsyncIterator[Studio]:
    """Join the studio with this id; leaves it at the end of the block, the studio runs on.

    Args:
        studio: an id such as "calm-otter", or an invite, which is good once: it is exchanged for
            a token that is kept, and the id does from then on.
        name: how the others see you; the configured name when None.

    Raises:
        NotFound: there is no such studio, or it does not run or answer.
        Refused: the token does not open it, or the invite is used, expired or unknown.
    """
    from studio_tui.client import locate

    async with locate.attach(studio, name) as attached:
        yield attached


@asynccontextmanager
async def open(  # noqa: A001 - the name that scripts use: sdk.open(folder)
    folder: str | Path, *, name: str | None = None, relay: str | None = None
) -> AsyncIterator[Studio]:
    """Join the studio of `folder`, started in the background when it does not run.

    Args:
        folder: a project folder on this machine.
        name: how the others see you; the configured name when None.
        relay: URL of a team's relay; the studio brings its own when None.
    """
    import asyncio

    from studio_tui.client import start

    record = await asyncio.to_thread(start.ensure, Path(folder), relay)
    async with attach(record.id, name=name) as attached:
        yield attached
