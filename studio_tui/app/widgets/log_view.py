"""A log as it grows: colours, progress bars, follow mode, folding and search."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from studio_tui.app.truncate import cells, clip, scrub
from studio_tui.app.widgets.log_buffer import Line, LogBuffer
from studio_tui.app.widgets.log_rows import LogRows, Place, parts
from studio_tui.app.widgets.sgr import PLAIN, style_of

NOTHING = "no log yet: run a file, or choose a job"
_MATCH = Style(reverse=True)
_QUERY_CAP = 200


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


class LogView(ScrollView, can_focus=True, inherit_bindings=False):
    """The log of one job or command.

    Bytes go in as they come; the view keeps the recent ones (see LogBuffer) and draws only the
    rows that can be seen. Row 0 of the widget is its title and never scrolls.
    """

    ALLOW_SELECT = True
    HELP = """\
### Log

The output of a job as it runs. It **follows** the newest line until you scroll up.

- **End**, **G** or a press on the title: follow again
- **/** finds text, **n** and **N** go to the next and the previous match, **Esc** leaves
- **w** folds long lines or cuts them; **left** and **right** move along cut ones

Only the most recent lines are kept here; `studio-tui job logs` prints all of them.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_up", "Up", show=False, id="log.up"),
        Binding("down,j", "scroll_down", "Down", show=False, id="log.down"),
        Binding("left,h", "scroll_left", "Left", show=False, id="log.left"),
        Binding("right,l", "scroll_right", "Right", show=False, id="log.right"),
        Binding("pageup", "page_up", "Page up", show=False, id="log.page_up"),
        Binding("pagedown,space", "page_down", "Page down", show=False, id="log.page_down"),
        Binding("home,g", "scroll_home", "Start", show=False, id="log.home"),
        Binding("end,G", "follow", "Follow", id="log.follow"),
        Binding("slash", "search", "Find", key_display="/", id="log.search"),
        Binding("n", "find(1)", "Next match", show=False, id="log.next"),
        Binding("N", "find(-1)", "Previous match", show=False, id="log.previous"),
        Binding("w", "wrap", "Fold lines", id="log.wrap"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "log-view--title",
        "log-view--good",
        "log-view--warn",
        "log-view--muted",
    }
    DEFAULT_CSS = """
    LogView {
        scrollbar-size-vertical: 1;
        scrollbar-size-horizontal: 0;
        & > .log-view--title { text-style: bold; }
        & > .log-view--good { color: $text-success; }
        & > .log-view--warn { color: $text-warning; }
        & > .log-view--muted { color: $foreground 60%; }
    }
    """

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
        self.buffer = LogBuffer()
        self.follow = True
        self._rows = LogRows()
        # How many rows stand before the first line: one that says what is no longer kept.
        self._notices = 0
        self._strips: LRUCache[tuple[Place, str], Strip] = LRUCache(512)
        self._prompting = False
        self._query = ""
        self._pattern: re.Pattern[str] | None = None
        self._found = ""
        self._match_line: int | None = None
        self._absorbing = False

    def start(self, title: str) -> None:
        """Forget what was shown; what is written from now on is the log called `title`."""
        self._forget(title, "waiting for the first line")
        self._settle()

    def empty(self, message: str) -> None:
        """Show no log but `message`, which should say how to get one."""
        self._forget("", message)
        self._settle()

    def write(self, data: bytes) -> None:
        """Append output. Cheap: the screen is brought up to date once for many calls."""
        self.buffer.write(data)
        if self.is_mounted and not self._absorbing:
            self._absorbing = True
            self.call_next(self._settle)

    def _settle(self) -> None:
        """Bring rows and scroll position up to date with the buffer, the width and the mode."""
        self._absorbing = False
        if not self.is_mounted:
            return
        place = self._rows.locate(self.scroll_offset.y - self._notices)
        width = self.scrollable_content_region.width
        folded = max(width, 2) if self.wrap else None
        if folded != self._rows.width:
            self._rows = LogRows(folded)
        self._rows.update(self.buffer)
        self._notices = 1 if self.buffer.dropped else 0
        across = width if self.wrap else max(width, self._rows.widest)
        self.virtual_size = Size(across, len(self._rows) + self._notices + 1)
        top = self.max_scroll_y
        if not self.follow:
            top = min(self._rows.row_of(place) + self._notices, top)
        if top != self.scroll_offset.y:
            self.scroll_to(y=top, animate=False, force=True)
        self.refresh()

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
            self._set_follow(True)

    def _set_follow(self, follow: bool) -> None:
        if follow != self.follow:
            self.follow = follow
            self.refresh()

    def action_follow(self) -> None:
        """Go to the end and stay there."""
        self._set_follow(True)
        self._settle()

    def action_wrap(self) -> None:
        """Fold long lines, or cut them."""
        self.wrap = not self.wrap
        self._strips.clear()
        self.scroll_to(x=0, animate=False)
        self._settle()

    def on_click(self, event: events.Click) -> None:
        """A press on the title switches following."""
        if event.y == 0:
            if self.follow:
                self._set_follow(False)
            else:
                self.action_follow()

    def action_search(self) -> None:
        """Ask in the title row for text to find."""
        self._prompting, self._query = True, ""
        self.refresh()

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Whether a key is text for the search prompt rather than a command."""
        return self._prompting and character is not None and character.isprintable()

    def on_key(self, event: events.Key) -> None:
        """Edit the search prompt while it is open; escape leaves the search."""
        if not self._prompting:
            if event.key != "escape" or self._pattern is None:
                return
            self._search("")
        elif event.key == "enter":
            self._prompting = False
            self._search(self._query)
        elif event.key == "escape":
            self._prompting = False
        elif event.key == "backspace":
            self._query = self._query[:-1]
        elif event.character is not None and event.is_printable:
            self._query = (self._query + event.character)[:_QUERY_CAP]
        elif event.key in ("tab", "shift+tab"):
            self._prompting = False
            return
        event.stop()
        event.prevent_default()
        self.refresh()

    def _search(self, query: str) -> None:
        self._strips.clear()
        self._match_line = None
        self._query, self._found = query, ""
        # Lower case finds both, as in less and vim.
        flags = re.IGNORECASE if query.islower() else 0
        self._pattern = re.compile(re.escape(query), flags) if query else None
        self.refresh()
        if query:
            self.action_find(-1)

    def action_find(self, step: int) -> None:
        """Go to the next (1) or previous (-1) line with a match, around the ends."""
        if self._pattern is None:
            return
        search, first = self._pattern.search, self.buffer.dropped
        lines = [
            first + index for index in range(len(self.buffer)) if search(self.buffer[index].text)
        ]
        if not lines:
            self._found = "not found"
            self.refresh()
            return
        number = self._choose(lines, step)
        self._match_line = number
        self._found = f"{lines.index(number) + 1} of {len(lines)}"
        self._show_line(number)

    def _choose(self, lines: list[int], step: int) -> int:
        """The match after or before the current one; at first, the last one that can be seen."""
        if self._match_line is None:
            bottom = self.scroll_offset.y + self.size.height - 2 - self._notices
            start = self._rows.locate(bottom)[0] + 1
        else:
            start = self._match_line
        if step > 0:
            return next((number for number in lines if number > start), lines[0])
        return next((number for number in reversed(lines) if number < start), lines[-1])

    def _show_line(self, number: int) -> None:
        row = self._rows.row_of((number, 0)) + self._notices
        visible = self.scroll_offset.y <= row < self.scroll_offset.y + self.size.height - 1
        if not visible:
            self.scroll_to(y=max(row - self.size.height // 2, 0), animate=False)
            self._set_follow(self.scroll_offset.y >= self.max_scroll_y)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """The title, or a row of the log."""
        width = self.scrollable_content_region.width
        base = self.rich_style
        if y == 0:
            return self._title(width, base)
        row = y - 1 + self.scroll_offset.y
        if not len(self.buffer):
            text = clip(f" {self._message}", width) if row == 0 else ""
            return self._plain(text, "muted", width, base)
        if self._notices and row == 0:
            text = clip(f"… {self.buffer.dropped:,} earlier lines not kept here", width)
            return self._plain(text, "muted", width, base)
        return self._row(row - self._notices, width, base)

    def _row(self, row: int, width: int, base: Style) -> Strip:
        if row >= len(self._rows):
            return Strip.blank(width, base)
        place = self._rows.locate(row)
        index = place[0] - self.buffer.dropped
        # A frame may come between a write and the settling that follows it.
        if not 0 <= index < len(self.buffer):
            return Strip.blank(width, base)
        line = self.buffer[index]
        key = (place, line.text)
        strip = self._strips.get(key)
        if strip is None:
            strip = self._strips[key] = self._draw(line, place[1])
        offset = self.scroll_offset.x
        shown = strip.crop(offset, offset + width)
        if strip.cell_length > offset + width > 1:
            shown = Strip([*shown.crop(0, width - 1), Segment("…", self._style("muted"))])
        shown = self._select(shown.apply_offsets(offset, row + self._notices), row, offset)
        return shown.apply_style(base).adjust_cell_length(width, base)

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
        text = self.buffer[place[0] - self.buffer.dropped].text
        start, end = self._span(text, place[1])
        return text[start:end]

    def _span(self, text: str, part: int) -> tuple[int, int]:
        """Where part `part` of a line starts and ends; empty when the line got shorter since."""
        if self._rows.width is None:
            return 0, len(text)
        spans = list(parts(text, self._rows.width))
        return spans[part] if part < len(spans) else (0, 0)

    def _title(self, width: int, base: Style) -> Strip:
        if self._prompting:
            return self._plain(clip(f"/{scrub(self._query)}▏", width), "title", width, base)
        state, meaning = ("▼ follows", "good") if self.follow else ("‖ End follows", "warn")
        if not len(self.buffer):
            state = ""
        elif self._pattern is not None:
            state = f"/{clip(scrub(self._query), 16)} {self._found}  {state}"
        state = clip(state, width)
        room = max(width - cells(state) - 1, 0)
        count = f"  {self.buffer.total:,} lines" if len(self.buffer) else ""
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

    def _plain(self, text: str, part: str, width: int, base: Style) -> Strip:
        return Strip([Segment(text, base + self._style(part))]).adjust_cell_length(width, base)

    def _style(self, part: str) -> Style:
        style = self.get_component_rich_style(f"log-view--{part}")
        return Style(color=style.color, bold=style.bold or None)
