"""How far a copy is, on one line of a terminal."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

import click

from studio_tui.cli.listing import size_of
from studio_tui.cli.output import plain, say

if TYPE_CHECKING:
    from studio_tui.data.source import Going


class Bar:
    """A line on stderr, as long as the block lasts; nothing where that is no terminal."""

    def __init__(self) -> None:
        self._shown = 0.0
        self._on = sys.stderr.isatty()

    def going(self) -> Going:
        """A copy that shows here how far it is."""
        from studio_tui.data.source import Going

        going = Going()
        going.on_progress = lambda: self.show(going.done, going.total, going.text)
        return going

    def show(self, done: int, total: int | None, text: str) -> None:
        """Show it, ten times a second at most."""
        now = time.monotonic()
        if not self._on or now - self._shown < 0.1:
            return
        self._shown = now
        share = f"{done * 100 // total:>3}%  " if total else ""
        far = size_of(done) + (f" of {size_of(total)}" if total else "")
        click.echo(f"\r\x1b[K{share}{far}  {plain(text)[:40]}", nl=False, err=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the line away; what was called off can be taken up again."""
        if self._on:
            click.echo("\r\x1b[K", nl=False, err=True)
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            say("stopped: the same command takes it up again")
