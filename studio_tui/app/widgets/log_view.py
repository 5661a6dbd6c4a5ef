"""A log as it grows: colours, progress bars, follow mode, folding, search, filters and pins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip

from studio_tui.app import units
from studio_tui.app.truncate import cells, clip, scrub
from studio_tui.app.widgets.log_buffer import Line, LogBuffer
from studio_tui.app.widgets.log_drawing import PIN, Pin, pieces, remarks
from studio_tui.app.widgets.log_rows import Place, parts
from studio_tui.app.widgets.log_search import LogSearch
from studio_tui.app.widgets.log_sieve import LEVELS
from studio_tui.app.widgets.restyle import restyled

_GUTTER = 2


class LogView(LogSearch, can_focus=True, inherit_bindings=False):
    """The log of one job or command.

    Draws only the rows that can be seen, and has a chosen line, pins and a search.
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
    class PinMade(Message):
        """A line is to be pinned, with a remark that may be empty."""

        offset: int
        line: str
        text: str

    class PinsWanted(Message):
        """The pins are to be listed."""

    def _forget(self, title: str, message: str) -> None:
        self._pins: dict[int, list[Pin]] = {}
        super()._forget(title, message)

    def _hold(self, buffer: LogBuffer) -> None:
        self._strips: LRUCache[tuple[Place, str], Strip] = LRUCache(512)
        super()._hold(buffer)

    def show(self, offset: int, data: bytes, size: int, line: int) -> None:
        """Show another stretch of the same log, see `open`, and choose its line at byte `line`."""
        self.open(offset, data, size, follow=False)
        if (number := self.buffer.at(line)) is not None:
            self.choose(number)

    @property
    def _room(self) -> int:
        return super()._room - self._gutter

    @property
    def _gutter(self) -> int:
        return _GUTTER if self._pins else 0

    def _redraw(self) -> None:
        self._strips.clear()
        super()._redraw()

    def on_resize(self) -> None:
        """Draw again."""
        self._strips.clear()

    def notify_style_update(self) -> None:
        """Draw again with the new theme."""
        super().notify_style_update()
        self._strips.clear()

    def action_wrap(self) -> None:
        """Fold long lines, or cut them."""
        self._strips.clear()
        super().action_wrap()

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

    # -- pins ---------------------------------------------------------------------------------

    def action_pin(self) -> None:
        """Ask in the title row for a remark about the chosen line."""
        if not len(self.buffer):
            return
        if self.chosen is None:
            self.choose(self._bottom)
        self._set_follow(False)
        self._prompt, self._typed = "pin: ", ""
        self.refresh()

    def _told(self, words: str) -> None:
        """A remark: the chosen line is pinned."""
        if self.chosen is not None and self.buffer.first <= self.chosen < self.buffer.total:
            line = self.buffer[self.chosen - self.buffer.first]
            self.post_message(self.PinMade(line.offset, line.text, words))

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
            strip = self._strips[key] = Strip([*self._draw(line, place[1]), *remarks(pins)])
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
        mark = Segment(f"{PIN} ", base + Style(color=pins[0].ink)) if pins else Segment("  ", base)
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
        return restyled(strip, start, end, style)

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
