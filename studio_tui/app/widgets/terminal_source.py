"""The terminal that a view shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from studio_tui.client.terminal import SharedTerminal
from studio_tui.terminal.screen import Changed, Screen


class TerminalSource(Protocol):
    """The terminal that is shown. `view` may become another Screen after any change."""

    @property
    def view(self) -> Screen:
        """The screen to paint."""

    @property
    def driver(self) -> str | None:
        """Who types, None when nobody does."""

    @property
    def driving(self) -> bool:
        """Whether what is typed here reaches the program."""

    @property
    def mine(self) -> bool:
        """Whether we have the keyboard already; a free one is taken by typing and pressing."""

    @property
    def input_seq(self) -> int:
        """Number of the last input."""

    @property
    def round_trip(self) -> float | None:
        """Seconds to the relay and back, None while unknown."""

    def send(self, events: list[dict[str, Any]]) -> None:
        """Send input events."""

    def observe(self, callback: Callable[[Changed], None]) -> Callable[[], None]:
        """Call back with the rows to draw again after each change; returns how to stop it."""


class Seen:
    """A shared terminal that looking at neither takes nor resizes.

    Any input takes a free keyboard, and a size is input: only typing and pressing may do that.
    """

    def __init__(self, shared: SharedTerminal) -> None:
        self._shared = shared
        self._studio = shared.studio

    @property
    def view(self) -> Screen:
        """The screen to paint."""
        return self._shared.view

    @property
    def driver(self) -> str | None:
        """Who types."""
        return None if self._shared.closed else self._shared.driver

    @property
    def driving(self) -> bool:
        """Whether what is typed here reaches the program."""
        return not self._shared.closed and self._studio.reachable and self._shared.driving

    @property
    def mine(self) -> bool:
        """Whether this app has the keyboard already."""
        me = self._studio.me
        return self.driving and me is not None and self._held_by(me.connection)

    def _held_by(self, connection: int) -> bool:
        return self._shared.entry.driver_connection == connection

    @property
    def input_seq(self) -> int:
        """Number of the last input."""
        return self._shared.input_seq

    @property
    def round_trip(self) -> float | None:
        """Seconds to the relay and back, None while unknown."""
        return self._studio.round_trip

    def send(self, events: list[dict[str, Any]]) -> None:
        """Send input; a size goes only from whoever has the keyboard."""
        if self.mine or any("resize" not in event for event in events):
            self._shared.send(events)

    def observe(self, callback: Callable[[Changed], None]) -> Callable[[], None]:
        """Call back after each change."""
        return self._shared.observe(callback)
