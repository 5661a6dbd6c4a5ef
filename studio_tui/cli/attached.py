"""Doing one thing in an attached studio, from a command."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from studio_tui.client.studio import Studio

T = TypeVar("T")


def attached(studio: str, work: Callable[[Studio], Awaitable[T]]) -> T:
    """The result of `work`, done in the studio with this id."""
    from studio_tui.client import locate

    async def run() -> T:
        async with locate.attach(studio) as joined:
            return await work(joined)

    return asyncio.run(run())
