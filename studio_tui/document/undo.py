"""Undo and redo of one person's own edits in a shared text, in the steps a person expects."""

from __future__ import annotations

import time
from collections.abc import Callable

from pycrdt import UndoManager

from studio_tui.document.anchor import Anchor
from studio_tui.document.text import LOCAL, SharedText

PAUSE = 500
"""Milliseconds without an edit after which the next one starts a new step."""

Selection = tuple[Anchor, Anchor]
"""Where a selection begins and where its caret is."""

_DELETION, _WHOLE = "deletion", "whole"  # kinds of edit that are no typed character


def _milliseconds() -> int:
    return time.monotonic_ns() // 1_000_000


class _Clock:
    """The time the CRDT's undo stack sees: jumping ahead of it is how a step is closed."""

    def __init__(self, read: Callable[[], int]) -> None:
        self._read = read
        self._ahead = 1  # the CRDT takes zero for "never"
        self._now = read() + self._ahead

    def __call__(self) -> int:
        return self._now

    def jump(self) -> None:
        self._ahead += PAUSE + 1

    def tick(self) -> bool:
        """Take the time for the edit to come; whether it starts a step for the CRDT, too."""
        before, self._now = self._now, self._read() + self._ahead
        return self._now - before >= PAUSE


class Undo:
    """The undo and redo stack of the edits made to `text` under `origin`.

    Edits of others are never undone: what they typed inside a removed passage stays when the
    passage comes back.

    Args:
        text: the text that is followed.
        origin: the origin of the edits that can be undone.
        clock: milliseconds that never go back.
    """

    def __init__(
        self,
        text: SharedText,
        origin: str = LOCAL,
        clock: Callable[[], int] = _milliseconds,
    ) -> None:
        self.origin = origin
        # A callback that knew this object would keep it alive through the CRDT.
        self._clock = _Clock(clock)
        self._manager = UndoManager(
            scopes=[text.crdt], capture_timeout_millis=PAUSE, timestamp=self._clock
        )
        self._manager.include_origin(origin)
        self._replay_origin = self._manager.origin  # must not be read while it undoes
        self._last = ""
        self._closed = True
        self._before: list[Selection | None] = []
        """What was selected before each step: those that can be undone, then those undone."""
        self._depth = 0
        self.selection: Selection | None = None
        """What was selected before the step that was undone last; None when that is not known."""

    @property
    def replay_origin(self) -> int:
        """The origin under which an observer hears of an undo or redo."""
        return self._replay_origin

    @property
    def can_undo(self) -> bool:
        """Whether there is an edit to undo."""
        return self._manager.can_undo()

    @property
    def can_redo(self) -> bool:
        """Whether there is an undone edit to do again."""
        return self._manager.can_redo()

    def undo(self) -> bool:
        """Take the last step back; False when there is none."""
        self.checkpoint()
        self._count()
        done = self._manager.undo()
        self._count()
        self.selection = self._before[self._depth] if done else None
        return done

    def redo(self) -> bool:
        """Do the last undone step again; False when there is none."""
        self.checkpoint()
        done = self._manager.redo()
        self._count()
        return done

    def checkpoint(self) -> None:
        """End the step: the next edit starts a new one."""
        if not self._closed:
            self._clock.jump()
        self._closed = True

    def _count(self) -> None:
        """Learn how many steps there are; those that nobody announced have no selection."""
        self._depth = len(self._manager.undo_stack)
        self._before += [None] * (self._depth - len(self._before))

    def expect(
        self, removed: str, inserted: str, selected: Callable[[], Selection | None] = lambda: None
    ) -> None:
        """Tell, just before it is made, what the next edit removes and inserts.

        Starts a new step at a word's first letter, at a line break, before and after anything
        longer than one character (a paste, a cut), and between typing and deleting. What is typed
        over a selection is one step with the word that it begins.

        Args:
            removed, inserted: the edit's texts.
            selected: asked, when a step starts, for what its undoing shall select again.
        """
        whole = len(removed) > 1 or len(inserted) > 1 or "\n" in inserted
        if whole or _parts(self._last, inserted):
            self.checkpoint()
        typed = len(inserted) == 1 and inserted != "\n"
        self._last = inserted if typed else _WHOLE if whole else _DELETION
        self._closed = False
        if self._clock.tick() or not self._depth:
            self._before[self._depth :] = [selected()]
            self._depth += 1


def _parts(last: str, inserted: str) -> bool:
    """Whether an edit of one character starts a step, given the edit before it."""
    if last == _WHOLE:
        return True
    if not inserted:
        return last not in ("", _DELETION)
    return last == _DELETION or (last.isspace() and not inserted.isspace())
