"""Doing one thing in an attached studio, from a command."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from studio_tui.cli.output import plain, say

if TYPE_CHECKING:
    from studio_tui.client.studio import Studio

T = TypeVar("T")


def attached(studio: str, work: Callable[[Studio], Awaitable[T]], *, patient: bool = False) -> T:
    """The result of `work`, done in the studio with this id.

    Args:
        studio: its id.
        work: what to do.
        patient: it may take long, so that a studio which cannot be reached meanwhile is told of.

    Raises:
        StudioError: it cannot be joined, or what `work` raises.
    """
    from studio_tui.client import locate

    async def run() -> T:
        async with locate.attach(studio) as joined:
            watches = [Questions(joined).heard, *([Watch(joined).heard] if patient else [])]
            stops = [joined.observe(heard) for heard in watches]
            try:
                return await work(joined)
            finally:
                for stop in stops:
                    stop()

    return asyncio.run(run())


class Watch:
    """Tells a person who waits that the studio cannot be reached, and that it is back."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._reachable = studio.reachable

    def heard(self, _: object) -> None:
        """Something has changed."""
        now = self._studio.reachable
        if now != self._reachable:
            self._reachable = now
            reason = self._studio.reason or "its host is away"
            say("the studio is back" if now else f"waiting for the studio: {plain(reason)}")


class Questions:
    """Tells a person who waits what a machine asks, which only the app can answer."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._told: set[str] = set()

    def heard(self, topic: str) -> None:
        """Something has changed."""
        if topic != "document":
            return
        for question in self._studio.document.questions.values():
            if question.id not in self._told:
                self._told.add(question.id)
                say(f"{plain(question.machine)} asks: {plain(question.text)}")
                where = f"studio-tui attach {self._studio.id}"
                say(f"answer it in the app, where the studio was opened: {where}")
