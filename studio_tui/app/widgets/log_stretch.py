"""A stretch of a log on the screen: it follows the end, and asks for others as one scrolls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView

from studio_tui.app.truncate import scrub
from studio_tui.app.widgets.log_buffer import LogBuffer
from studio_tui.app.widgets.log_rows import LogRows
from studio_tui.app.widgets.log_sieve import LEVELS, Sieve, rank_of

NOTHING = "no log yet: run a file, or choose a job"
Other = Literal["earlier", "later", "start", "end", "match"]


class LogStretch(ScrollView, inherit_bindings=False):
    """Which stretch of a log is here, which rows of it are seen, and what is wanted beyond it.

    Bytes go in as they come. Row 0 of the widget is its title and never scrolls; subclasses draw.

    Args:
        wrap: fold long lines rather than cut them.
    """

    @dataclass
    class Wanted(Message):
        """A stretch of the log that is not here: see the methods named beside each.

        `what`: "earlier" (`precede`), "later" (`proceed`), "start" and "end" (`open`), "match" of
        the `query` before or after the stretch that is here (`open`, or `no_match`).
        """

        what: Other
        query: str = ""
        back: bool = False

    def __init__(
        self,
        *,
        wrap: bool = False,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.wrap = wrap
        self._forget("", NOTHING)

    def _forget(self, title: str, message: str) -> None:
        self.title, self._message = scrub(title), scrub(message)
        self._sieve = Sieve()
        self._ranks: set[int] = set()
        self._hold(LogBuffer())

    def _hold(self, buffer: LogBuffer) -> None:
        """Show another stretch of the log."""
        self.buffer = buffer
        self.size_known = buffer.end
        self.follow = True
        self._rows = LogRows()
        # How many rows stand before the first line: one that says that there are earlier ones.
        self._notices = 0
        self._asked = ""
        self._absorbing = False

    def start(self, title: str) -> None:
        """Forget what was shown; what is written from now on is the log called `title`."""
        self._forget(title, "waiting for the first line")
        self._settle()

    def empty(self, message: str) -> None:
        """Show no log but `message`, which should say how to get one."""
        self._forget("", message)
        self._settle()

    def write(self, data: bytes, offset: int | None = None) -> None:
        """Append output. Cheap: the screen is brought up to date once for many calls.

        What does not go on where the stretch that is here ends is not taken; nor is what would
        push away the lines that somebody reads. It is asked for once it is wanted.

        Args:
            offset: the byte of the log that `data` starts at; None when it goes on.
        """
        buffer = self.buffer
        offset = buffer.end if offset is None else offset
        self.size_known = max(self.size_known, offset + len(data))
        fresh = data[buffer.end - offset :] if offset <= buffer.end else b""
        if fresh and (self.follow or not buffer.full):
            buffer.write(fresh)
        if self.is_mounted and not self._absorbing:
            self._absorbing = True
            self.call_next(self._settle)

    # -- other stretches of the log -----------------------------------------------------------

    def open(self, offset: int, data: bytes, size: int, *, follow: bool = True) -> None:
        """Show another stretch of the same log, from its start on.

        Args:
            offset: the byte that `data` starts at, the start of a line.
            size: of the whole log, in bytes.
            follow: show the end instead, if the log ends where `data` does.
        """
        self._hold(self._buffer(offset))
        end = offset + len(data)
        self.size_known = max(size, end)
        self.follow = follow and end >= size
        if self.follow:
            self.buffer.write(data)
        else:
            self.buffer.proceed(data)
        self._settle()
        if not self.follow:
            self.scroll_to(y=0, animate=False, force=True)

    def precede(self, data: bytes) -> None:
        """Take in the lines that end where the stretch that is here starts."""
        self._asked = ""
        self.buffer.precede(data)
        self._settle()

    def proceed(self, data: bytes, size: int) -> None:
        """Take in the bytes that come after the stretch that is here."""
        self._asked = ""
        self.size_known = max(self.size_known, size, self.buffer.end + len(data))
        self.buffer.proceed(data)
        self._settle()

    def failed(self) -> None:
        """What was wanted cannot be had now; it is asked for again at the next move."""
        self._asked = ""

    def _buffer(self, offset: int) -> LogBuffer:
        sieve = Sieve(self._sieve.level, self._sieve.rank)
        all_of_it = sieve.level == 0 and sieve.rank is None
        return LogBuffer(offset=offset, keep=None if all_of_it else sieve)

    def _want(self, what: Other, query: str = "", *, back: bool = False) -> None:
        """Ask for a stretch: one at a time, and a person's own wish before what is read ahead."""
        if not self._asked or what not in ("earlier", "later"):
            self._asked = what
            self.post_message(self.Wanted(what, query, back))

    def _look_beyond(self) -> None:
        """Ask for what the reader is about to see."""
        page = max(self.size.height - 1, 1)
        if self.buffer.end < self.size_known and (
            self.follow or self.scroll_offset.y >= self.max_scroll_y - page
        ):
            self._want("later")
        elif (
            self.buffer.start > 0
            and self.scroll_offset.y <= page
            and not (self.follow and len(self._rows) > page)
        ):
            self._want("earlier")

    def action_level(self) -> None:
        """Show all lines, warnings and errors, or errors alone."""
        self._sift(Sieve((self._sieve.level + 1) % len(LEVELS), self._sieve.rank))

    def action_rank(self) -> None:
        """Show the lines of the next rank that is met here; after the last, all."""
        here = (rank_of(self.buffer[index].text) for index in range(len(self.buffer)))
        ranks = {rank for rank in here if rank is not None}
        self._ranks = ranks if self._sieve.rank is None else self._ranks | ranks
        later = sorted(r for r in self._ranks if self._sieve.rank is None or r > self._sieve.rank)
        self._sift(Sieve(self._sieve.level, later[0] if later else None))

    def _sift(self, sieve: Sieve) -> None:
        if (sieve.level, sieve.rank) != (self._sieve.level, self._sieve.rank):
            self._sieve = sieve
            self._asked = ""
            self._want("end")
        self.refresh()

    # -- where one is in it -------------------------------------------------------------------

    def _settle(self) -> None:
        """Bring rows and scroll position up to date with the buffer, the width and the mode."""
        self._absorbing = False
        if not self.is_mounted:
            return
        place = self._rows.locate(self.scroll_offset.y - self._notices)
        width = self._room
        folded = max(width, 2) if self.wrap else None
        if folded != self._rows.width:
            self._rows = LogRows(folded)
        self._rows.update(self.buffer)
        self._notices = 1 if self.buffer.start else 0
        across = width if self.wrap else max(width, self._rows.widest)
        self.virtual_size = Size(across, len(self._rows) + self._notices + 1)
        top = self.max_scroll_y
        if not self.follow:
            top = min(self._rows.row_of(place) + self._notices, top)
        if top != self.scroll_offset.y:
            self.scroll_to(y=top, animate=False, force=True)
        self._look_beyond()
        self.refresh()

    @property
    def _room(self) -> int:
        """How many cells a line has."""
        return self.scrollable_content_region.width

    def on_mount(self) -> None:
        """Show what was written before."""
        self._settle()

    def on_resize(self) -> None:
        """Fold again, and stay where the reader was."""
        self._settle()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Scrolling up stops following, coming back to the end follows again."""
        super().watch_scroll_y(old_value, new_value)
        # Textual itself moves to the end when the content shrinks: that is not scrolling up.
        if new_value < old_value and new_value < self.max_scroll_y:
            self._set_follow(False)
        elif new_value > old_value and new_value >= self.max_scroll_y:
            self._set_follow(self.buffer.end >= self.size_known)
        if new_value != old_value:
            self._look_beyond()

    def _set_follow(self, follow: bool) -> None:
        if follow != self.follow:
            self.follow = follow
            self.refresh()

    def action_follow(self) -> None:
        """Go to the end and stay there."""
        if self.buffer.end < self.size_known:
            self._want("end")
            return
        self._set_follow(True)
        self._settle()

    def action_first(self) -> None:
        """Go to the first line of all."""
        if self.buffer.start > 0:
            self._want("start")
        else:
            self.scroll_home()

    def action_wrap(self) -> None:
        """Fold long lines, or cut them."""
        self.wrap = not self.wrap
        self.scroll_to(x=0, animate=False)
        self._settle()
