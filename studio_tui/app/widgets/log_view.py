"""A log as it grows: colours, progress bars, follow mode, folding, search, filters and pins."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from studio_tui.app import units
from studio_tui.app.truncate import cells, clip, scrub
from studio_tui.app.widgets.log_buffer import Line, LogBuffer
from studio_tui.app.widgets.log_rows import LogRows, Place, parts
from studio_tui.app.widgets.log_sieve import LEVELS, Sieve, rank_of
from studio_tui.app.widgets.sgr import PLAIN, style_of

NOTHING = "no log yet: run a file, or choose a job"
_MATCH = Style(reverse=True)
_QUERY_CAP = 200
_GUTTER = 2
_PIN = "◆"


@dataclass(frozen=True)
class Pin:
    """What somebody noted at the line that starts at byte `offset`; `ink` is their colour."""

    offset: int
    who: str
    text: str
    ink: str


def pieces(line: Line, start: int, end: int, marks: list[tuple[int, int]]) -> Iterator[Segment]:
    """The characters of `line` from `start` to `end` as segments, with `marks` standing out."""
    edges = {start, end}
    spans = [(a, b) for a, b, _ in line.inks] + marks
    edges.update(edge for span in spans for edge in span if start < edge < end)
    cuts = sorted(edges)
    inks, pending = iter(line.inks), (0, 0, PLAIN)
    for at, until in zip(cuts, cuts[1:], strict=False):
        while pending[1] <= at and (following := next(inks, None)) is not None:
            pending = following
        style = style_of(pending[2] if pending[0] <= at < pending[1] else PLAIN)
        marked = any(a <= at < b for a, b in marks)
        yield Segment(line.text[at:until], style + _MATCH if marked else style)


def _remarks(pins: Sequence[Pin]) -> Iterator[Segment]:
    """What was noted at a line, to stand behind it."""
    for pin in pins:
        text = f"  {_PIN} {scrub(pin.who)}" + (f": {scrub(pin.text)}" if pin.text else "")
        yield Segment(text, Style(color=pin.ink))


class LogView(ScrollView, can_focus=True, inherit_bindings=False):
    """The log of one job or command.

    Bytes go in as they come; the view keeps one stretch of the log (see LogBuffer) and draws only
    the rows that can be seen. What a reader wants beyond that stretch it asks for by `Wanted`.
    Row 0 of the widget is its title and never scrolls.
    """

    ALLOW_SELECT = True
    HELP = """\
### Log

The output of a job as it runs. It **follows** the newest line until you scroll up.

- **End**, **G** or a press on the title: follow again; **Home**, **g**: the first line
- **/** finds text, **n** and **N** go to the next and the previous match, **Esc** leaves
- **v** shows all, warnings and errors, or errors alone; **r** one rank after the other
- **shift+up**, **shift+down** or a press choose a line; **p** pins it, with a remark for all
- **P** lists the pins: go to one, or take it away
- **w** folds long lines or cuts them; **left** and **right** move along cut ones

A stretch of the log is kept here; the rest is read from the machine as you scroll to it.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_up", "Up", show=False, id="log.up"),
        Binding("down,j", "scroll_down", "Down", show=False, id="log.down"),
        Binding("left,h", "scroll_left", "Left", show=False, id="log.left"),
        Binding("right,l", "scroll_right", "Right", show=False, id="log.right"),
        Binding("pageup", "page_up", "Page up", show=False, id="log.page_up"),
        Binding("pagedown,space", "page_down", "Page down", show=False, id="log.page_down"),
        Binding("home,g", "first", "Start", show=False, id="log.home"),
        Binding("end,G", "follow", "Follow", id="log.follow"),
        Binding("slash", "search", "Find", key_display="/", id="log.search"),
        Binding("n", "find(1)", "Next match", show=False, id="log.next"),
        Binding("N", "find(-1)", "Previous match", show=False, id="log.previous"),
        Binding("v", "level", "Level", id="log.level"),
        Binding("r", "rank", "Rank", show=False, id="log.rank"),
        Binding("shift+up,K", "choose(-1)", "Line up", show=False, id="log.choose_up"),
        Binding("shift+down,J", "choose(1)", "Line down", show=False, id="log.choose_down"),
        Binding("p", "pin", "Pin", id="log.pin"),
        Binding("P", "pins", "Pins", show=False, id="log.pins"),
        Binding("w", "wrap", "Fold lines", id="log.wrap"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "log-view--title",
        "log-view--good",
        "log-view--warn",
        "log-view--muted",
        "log-view--chosen",
    }
    DEFAULT_CSS = """
    LogView {
        scrollbar-size-vertical: 1;
        scrollbar-size-horizontal: 0;
        & > .log-view--title { text-style: bold; }
        & > .log-view--good { color: $text-success; }
        & > .log-view--warn { color: $text-warning; }
        & > .log-view--muted { color: $foreground 60%; }
        & > .log-view--chosen { background: $block-cursor-blurred-background; }
        &:ansi > .log-view--chosen { background: ansi_default; text-style: underline; }
    }
    """

    @dataclass
    class Wanted(Message):
        """A stretch of the log that is not here: see the methods named beside each.

        `what`: "earlier" (`precede`), "later" (`proceed`), "start" and "end" (`open`), "match" of
        the `query` before or after the stretch that is here (`open`, or `no_match`).
        """

        what: Literal["earlier", "later", "start", "end", "match"]
        query: str = ""
        back: bool = False

    @dataclass
    class PinMade(Message):
        """A line is to be pinned, with a remark that may be empty."""

        offset: int
        line: str
        text: str

    class PinsWanted(Message):
        """The pins are to be listed."""

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
        self._prompt, self._typed = "", ""
        self._query, self._back = "", False
        self._pattern: re.Pattern[str] | None = None
        self._pins: dict[int, list[Pin]] = {}
        self._hold(LogBuffer())

    def _hold(self, buffer: LogBuffer) -> None:
        """Show another stretch of the log."""
        self.buffer = buffer
        self.size_known = buffer.end
        self.follow = True
        self._rows = LogRows()
        # How many rows stand before the first line: one that says that there are earlier ones.
        self._notices = 0
        self._strips: LRUCache[tuple[Place, str], Strip] = LRUCache(512)
        self._found = ""
        self.chosen: int | None = None
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

    def open(self, offset: int, data: bytes, size: int, show: int | None = None) -> None:
        """Show another stretch of the same log.

        Args:
            offset: the byte that `data` starts at, the start of a line.
            size: of the whole log, in bytes.
            show: choose the line that starts at this byte; else its end is followed, or with a
                stretch that ends before the log does, its start shown.
        """
        self._hold(self._buffer(offset))
        end = offset + len(data)
        self.size_known = max(size, end)
        self.follow = show is None and end >= size
        if self.follow:
            self.buffer.write(data)
        else:
            self.buffer.proceed(data)
        self._settle()
        if show is not None and (number := self.buffer.at(show)) is not None:
            self.choose(number)
        elif not self.follow:
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

    def no_match(self) -> None:
        """What was searched for is nowhere in the log."""
        self._asked, self._found = "", "not found"
        self.refresh()

    def failed(self) -> None:
        """What was wanted cannot be had now; it is asked for again at the next move."""
        self._asked = ""

    def _buffer(self, offset: int) -> LogBuffer:
        sieve = Sieve(self._sieve.level, self._sieve.rank)
        all_of_it = sieve.level == 0 and sieve.rank is None
        return LogBuffer(offset=offset, keep=None if all_of_it else sieve)

    def _want(self, what: Literal["earlier", "later", "start", "end", "match"]) -> None:
        """Ask for a stretch: one at a time, and a person's own wish before what is read ahead."""
        if not self._asked or what not in ("earlier", "later"):
            self._asked = what
            back = self._back if what == "match" else False
            self.post_message(self.Wanted(what, self._query if what == "match" else "", back))

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
        return self.scrollable_content_region.width - self._gutter

    @property
    def _gutter(self) -> int:
        return _GUTTER if self._pins else 0

    def on_mount(self) -> None:
        """Show what was written before."""
        self._settle()

    def on_resize(self) -> None:
        """Fold again, and stay where the reader was."""
        self._strips.clear()
        self._settle()

    def notify_style_update(self) -> None:
        """Draw again with the new theme."""
        super().notify_style_update()
        self._strips.clear()

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
        self._strips.clear()
        self.scroll_to(x=0, animate=False)
        self._settle()

    def on_click(self, event: events.Click) -> None:
        """A press on the title switches following, one on a line chooses it."""
        if event.y == 0:
            if self.follow:
                self._set_follow(False)
            else:
                self.action_follow()
            return
        row = event.y - 1 + self.scroll_offset.y - self._notices
        if 0 <= row < len(self._rows):
            self.chosen = self._rows.locate(row)[0]
            self.refresh()

    # -- a chosen line, and pins --------------------------------------------------------------

    def choose(self, number: int) -> None:
        """Choose a line by its number, and bring it into sight."""
        self.chosen = min(max(number, self.buffer.first), self.buffer.total - 1)
        self._show_line(self.chosen)

    def action_choose(self, step: int) -> None:
        """Choose the line above or below; at first, the last one that can be seen."""
        if len(self.buffer):
            self.choose(self._bottom if self.chosen is None else self.chosen + step)

    @property
    def _bottom(self) -> int:
        """The last line that can be seen."""
        row = self.scroll_offset.y + self.size.height - 2 - self._notices
        return min(self._rows.locate(row)[0], self.buffer.total - 1)

    def action_pin(self) -> None:
        """Ask in the title row for a remark about the chosen line."""
        if not len(self.buffer):
            return
        if self.chosen is None:
            self.choose(self._bottom)
        self._set_follow(False)
        self._prompt, self._typed = "pin: ", ""
        self.refresh()

    def action_pins(self) -> None:
        """Ask for the list of pins."""
        self.post_message(self.PinsWanted())

    def show_pins(self, pins: Sequence[Pin]) -> None:
        """Show what was pinned in this log."""
        found: dict[int, list[Pin]] = {}
        for pin in pins:
            found.setdefault(pin.offset, []).append(pin)
        if found != self._pins:
            self._pins = found
            self._strips.clear()
            self._settle()

    # -- searching ----------------------------------------------------------------------------

    def action_search(self) -> None:
        """Ask in the title row for text to find."""
        self._prompt, self._typed = "/", ""
        self.refresh()

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Whether a key is text for the prompt rather than a command."""
        return bool(self._prompt) and character is not None and character.isprintable()

    def on_key(self, event: events.Key) -> None:
        """Edit the prompt while it is open; escape leaves the search."""
        if not self._prompt:
            if event.key != "escape" or (self._pattern is None and self.chosen is None):
                return
            self._search("")
        elif event.key == "enter":
            self._entered()
        elif event.key == "escape":
            self._prompt = ""
        elif event.key == "backspace":
            self._typed = self._typed[:-1]
        elif event.character is not None and event.is_printable:
            self._typed = (self._typed + event.character)[:_QUERY_CAP]
        elif event.key in ("tab", "shift+tab"):
            self._prompt = ""
            return
        event.stop()
        event.prevent_default()
        self.refresh()

    def _entered(self) -> None:
        prompt, self._prompt = self._prompt, ""
        if prompt == "/":
            self._search(self._typed)
        elif self.chosen is not None and self.buffer.first <= self.chosen < self.buffer.total:
            line = self.buffer[self.chosen - self.buffer.first]
            self.post_message(self.PinMade(line.offset, line.text, self._typed.strip()))

    def _search(self, query: str) -> None:
        self._strips.clear()
        self.chosen = None
        self._query, self._found = query, ""
        # Lower case finds both, as in less and vim.
        flags = re.IGNORECASE if query.islower() else 0
        self._pattern = re.compile(re.escape(query), flags) if query else None
        self.refresh()
        if query:
            self.action_find(-1)

    def action_find(self, step: int) -> None:
        """Go to the next (1) or previous (-1) line with a match, around the ends.

        What lies beyond the stretch that is here is searched on the machine.
        """
        if self._pattern is None:
            return
        search, first = self._pattern.search, self.buffer.first
        lines = [
            first + index for index in range(len(self.buffer)) if search(self.buffer[index].text)
        ]
        number = self._choose(lines, step)
        whole = self.buffer.start == 0 and self.buffer.end >= self.size_known
        if number is None and not whole:
            self._back, self._found = step < 0, "searching"
            self._want("match")
        elif not lines:
            self._found = "not found"
        else:
            number = lines[0 if step > 0 else -1] if number is None else number
            self._found = f"{lines.index(number) + 1} of {len(lines)}" if whole else ""
            self.choose(number)
        self.refresh()

    def _choose(self, lines: list[int], step: int) -> int | None:
        """The match after or before the chosen line; at first, the last one that can be seen."""
        start = self._bottom + 1 if self.chosen is None else self.chosen
        if step > 0:
            return next((number for number in lines if number > start), None)
        return next((number for number in reversed(lines) if number < start), None)

    def _show_line(self, number: int) -> None:
        row = self._rows.row_of((number, 0)) + self._notices
        visible = self.scroll_offset.y <= row < self.scroll_offset.y + self.size.height - 1
        if not visible:
            self.scroll_to(y=max(row - self.size.height // 2, 0), animate=False)
            self._set_follow(
                self.scroll_offset.y >= self.max_scroll_y and self.buffer.end >= self.size_known
            )
        self.refresh()

    # -- drawing ------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """The title, or a row of the log."""
        width = self.scrollable_content_region.width
        base = self.rich_style
        if y == 0:
            return self._title(width, base)
        row = y - 1 + self.scroll_offset.y
        if not len(self.buffer):
            text = clip(f" {self._nothing}", width) if row == 0 else ""
            return self._plain(text, "muted", width, base)
        if self._notices and row == 0:
            earlier = f"… {units.size(self.buffer.start)} before this"
            return self._plain(clip(earlier, width), "muted", width, base)
        return self._row(row - self._notices, width, base)

    @property
    def _nothing(self) -> str:
        if self.buffer.end == 0 and self.size_known == 0:
            return self._message
        if self.buffer.start or self._asked == "end":
            return f"reading back · {units.size(self.buffer.start)} to go"
        return "no such line in this log: v and r show others"

    def _row(self, row: int, width: int, base: Style) -> Strip:
        if row >= len(self._rows):
            return Strip.blank(width, base)
        place = self._rows.locate(row)
        index = place[0] - self.buffer.first
        # A frame may come between a write and the settling that follows it.
        if not 0 <= index < len(self.buffer):
            return Strip.blank(width, base)
        line, room = self.buffer[index], width - self._gutter
        pins = self._pins.get(line.offset, []) if place[1] == 0 else []
        key = (place, line.text)
        strip = self._strips.get(key)
        if strip is None:
            strip = self._strips[key] = Strip([*self._draw(line, place[1]), *_remarks(pins)])
        offset = self.scroll_offset.x
        shown = strip.crop(offset, offset + room)
        if strip.cell_length > offset + room > 1:
            shown = Strip([*shown.crop(0, room - 1), Segment("…", self._style("muted"))])
        shown = self._select(shown.apply_offsets(offset, row + self._notices), row, offset)
        if place[0] == self.chosen:
            chosen = self.get_component_rich_style("log-view--chosen")
            base += Style(bgcolor=chosen.bgcolor, underline=chosen.underline)
        shown = shown.apply_style(base).adjust_cell_length(room, base)
        if not self._gutter:
            return shown
        mark = Segment(f"{_PIN} ", base + Style(color=pins[0].ink)) if pins else Segment("  ", base)
        return Strip([mark, *shown])

    def _draw(self, line: Line, part: int) -> Strip:
        start, end = self._span(line.text, part)
        marks = [m.span() for m in self._pattern.finditer(line.text)] if self._pattern else []
        return Strip(list(pieces(line, start, min(end, len(line.text)), marks)))

    def _select(self, strip: Strip, row: int, offset: int) -> Strip:
        """`strip` with the mouse's selection on it."""
        selection = self.text_selection
        span = selection.get_span(row + self._notices) if selection is not None else None
        if span is None:
            return strip
        end = (
            strip.cell_length if span[1] == -1 else min(max(span[1] - offset, 0), strip.cell_length)
        )
        start = min(max(span[0] - offset, 0), end)
        style = self.screen.get_component_rich_style("screen--selection", partial=True)
        return Strip.join(
            [
                strip.crop(0, start),
                Strip(list(Segment.apply_style(strip.crop(start, end), post_style=style))),
                strip.crop(end),
            ]
        )

    def selection_updated(self, selection: Selection | None) -> None:
        """Draw the mouse's selection."""
        self.refresh()

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text; a folded line comes back as it is shown, in several."""
        self._settle()
        rows = (self._rows.locate(row) for row in range(len(self._rows)))
        shown = [self._text_of(place) for place in rows]
        return selection.extract("\n".join([""] * self._notices + shown)), "\n"

    def _text_of(self, place: Place) -> str:
        text = self.buffer[place[0] - self.buffer.first].text
        start, end = self._span(text, place[1])
        return text[start:end]

    def _span(self, text: str, part: int) -> tuple[int, int]:
        """Where part `part` of a line starts and ends; empty when the line got shorter since."""
        if self._rows.width is None:
            return 0, len(text)
        spans = list(parts(text, self._rows.width))
        return spans[part] if part < len(spans) else (0, 0)

    def _title(self, width: int, base: Style) -> Strip:
        if self._prompt:
            asked = f"{self._prompt}{scrub(self._typed)}▏"
            return self._plain(clip(asked, width), "title", width, base)
        state, meaning = ("▼ follows", "good") if self.follow else ("‖ End follows", "warn")
        if not len(self.buffer):
            state = ""
        elif self._pattern is not None:
            state = f"/{clip(scrub(self._query), 16)} {self._found}  {state}"
        if sieve := self._sieved:
            state = f"{sieve}  {state}"
        state = clip(state, width)
        room = max(width - cells(state) - 1, 0)
        count = f"  {self._amount}" if len(self.buffer) else ""
        title = clip(f"log · {self.title}" if self.title else "log", room)
        count = clip(count, room - cells(title)) if room - cells(title) >= cells(count) else ""
        gap = " " * max(width - cells(title) - cells(count) - cells(state), 0)
        segments = [
            Segment(title, base + self._style("title")),
            Segment(count, base + self._style("muted")),
            Segment(gap, base),
            Segment(state, base + self._style(meaning)),
        ]
        return Strip([s for s in segments if s.text]).adjust_cell_length(width, base)

    @property
    def _sieved(self) -> str:
        level = LEVELS[self._sieve.level] if self._sieve.level else ""
        rank = f"rank {self._sieve.rank}" if self._sieve.rank is not None else ""
        return " · ".join(word for word in (level, rank) if word)

    @property
    def _amount(self) -> str:
        """How many lines there are; with a part of the log, where it is."""
        if self.buffer.start == 0 and self.buffer.end >= self.size_known:
            return f"{self.buffer.total:,} lines"
        index = self._bottom - self.buffer.first
        seen = self.buffer[index].offset if not self.follow else self.size_known
        return f"{seen * 100 // max(self.size_known, 1)} % of {units.size(self.size_known)}"

    def _plain(self, text: str, part: str, width: int, base: Style) -> Strip:
        return Strip([Segment(text, base + self._style(part))]).adjust_cell_length(width, base)

    def _style(self, part: str) -> Style:
        style = self.get_component_rich_style(f"log-view--{part}")
        return Style(color=style.color, bold=style.bold or None)
