"""What scrolled out of a terminal, to read, search and copy from."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events, work
from textual.binding import Binding, BindingType
from textual.geometry import Offset
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from studio_tui.app.problems import told
from studio_tui.app.widgets import terminal_strips as strips
from studio_tui.terminal.row import Row
from studio_tui.terminal.scrollback import PAGE, Scrollback, Spot, Stretch, needle

WHEEL_LINES = 3
Ask = Callable[[int, int], Awaitable[tuple[int, list[Row]]]]
"""(start, count) to the number of the first line that came, and the lines."""


class ScrollbackView(Widget, can_focus=True):
    """Shows lines that stay where they are, whatever the terminal prints meanwhile.

    Args:
        ask: fetches older lines.
        printed: lines that the terminal printed since the view was opened.
    """

    HELP = """\
### What scrolled away

The terminal's older lines, as they were when you looked; the program goes on meanwhile.

- arrows, **page up**, **page down**, **g**, **G** and the wheel move
- **/** searches, **n** finds what is older, **N** what is newer
- **v** begins to select, **V** whole lines, **y** or **enter** copies; the mouse selects as well,
  a double press a word, a triple one a line, and copies at once
- **esc** goes back to now
"""
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "scrollback--selected", "scrollback--match", "scrollback--found",
    }  # fmt: skip
    DEFAULT_CSS = """
    ScrollbackView {
        height: 1fr;
        & > .scrollback--selected { background: $primary; color: $background; }
        & > .scrollback--match { background: $warning 40%; }
        & > .scrollback--found { background: $warning; color: $background; }
    }
    """
    ALLOW_SELECT: ClassVar[bool] = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "ask", "search", id="scrollback.search"),
        Binding("n", "find(True)", "older match", show=False, id="scrollback.older"),
        Binding("N", "find(False)", "newer match", show=False, id="scrollback.newer"),
        Binding("v,space", "select", "select", id="scrollback.select"),
        Binding("V", "select_lines", "select lines", show=False, id="scrollback.lines"),
        Binding("y,enter,ctrl+c", "copy", "copy", id="scrollback.copy"),
        Binding("escape,q", "leave", "back to now", id="scrollback.leave"),
        Binding("up,k", "move(-1, 0)", "line up", show=False, id="scrollback.up"),
        Binding("down,j", "move(1, 0)", "line down", show=False, id="scrollback.down"),
        Binding("left,h", "move(0, -1)", "left", show=False, id="scrollback.left"),
        Binding("right,l", "move(0, 1)", "right", show=False, id="scrollback.right"),
        Binding("home,0", "edge(False)", "line start", show=False, id="scrollback.home"),
        Binding("end,dollar_sign", "edge(True)", "line end", show=False, id="scrollback.end"),
        Binding("pageup,ctrl+b", "page(-1)", "page up", show=False, id="scrollback.pageup"),
        Binding("pagedown,ctrl+f", "page(1)", "page down", show=False, id="scrollback.pagedown"),
        Binding("g,ctrl+home", "oldest", "oldest", show=False, id="scrollback.oldest"),
        Binding("G,ctrl+end", "newest", "newest", show=False, id="scrollback.newest"),
    ]

    class Moved(Message):
        """Another part is seen, or something else is selected or found."""

    class Searched(Message):
        """Somebody wants to search."""

    class Left(Message):
        """Somebody goes back to now."""

    class Copied(Message):
        """Somebody copies `text`; `done` when that is all they came for."""

        def __init__(self, text: str, done: bool) -> None:
            super().__init__()
            self.text = text
            self.done = done

    def __init__(self, ask: Ask, printed: Callable[[], int]) -> None:
        super().__init__()
        self._ask, self._printed = ask, printed
        self.back = Scrollback(())
        self.cols = self.top = self.left = 0
        self.cursor = Spot(0, 0)
        self.mark: Spot | None = None
        self.pattern: re.Pattern[str] | None = None
        self.missed = False
        """Whether the last search found nothing."""
        self._by_lines = self._dragging = self._visit = False
        self._loading = False
        self._owed = 0
        """Lines to scroll back once older ones are here."""

    def open(self, rows: Sequence[Row], cols: int, corner: Offset, cursor: Spot) -> None:
        """Begin with the screen's rows, seen from `corner`."""
        self.back, self.cols = Scrollback(rows), cols
        self.top, self.left = corner.y, corner.x
        self.cursor, self.mark, self.pattern = cursor, None, None
        self.missed = self._by_lines = self._dragging = self._visit = False
        self._loading, self._owed = False, 0
        self._shown()

    def drag(self, start: Spot) -> None:
        """Go on with a selection that the mouse began at `start`; its end leaves the view."""
        self.mark = self.cursor = start
        self._dragging = self._visit = True
        self.capture_mouse()
        self.refresh()

    # -- where it is --------------------------------------------------------------------------

    @property
    def below(self) -> int:
        """Lines under those that are seen."""
        return max(0, self.back.end - self.top - max(1, self.size.height))

    @property
    def _lowest(self) -> int:
        """The top when the last line is seen."""
        return max(self.back.first, self.back.end - max(1, self.size.height))

    def scroll(self, lines: int) -> None:
        """Move what is seen; the cursor stays in it. Beyond the end one is back at now."""
        if lines > 0 and self.top >= self._lowest:
            self.post_message(self.Left())
            return
        wanted = min(self.top + lines, self._lowest)
        self.top = max(self.back.first, wanted)
        self._owed = 0 if self.back.complete else wanted - self.top
        line = min(max(self.cursor.line, self.top), self.top + max(1, self.size.height) - 1)
        self.cursor = self.cursor._replace(line=min(line, self.back.end - 1))
        self._shown()

    def _go(self, spot: Spot) -> None:
        """Put the cursor somewhere, and bring it into view."""
        line = min(max(spot.line, self.back.first), self.back.end - 1)
        self.cursor = Spot(line, min(max(0, spot.x), max(0, self.cols - 1)))
        height, width = max(1, self.size.height), max(1, self.size.width)
        if not self.top - height < line < self.top + 2 * height:
            self.top = line - height // 2  # far away: in the middle, with what is around it
        self.top = max(line - height + 1, min(self.top, line))
        self.top = max(self.back.first, min(self.top, self._lowest))
        self.left = max(self.cursor.x - width + 1, min(self.left, self.cursor.x))
        self._shown()

    def _shown(self) -> None:
        self.refresh()
        self.post_message(self.Moved())
        if self.top - self.back.first < PAGE // 2 and not (self._loading or self.back.complete):
            self._load()

    def on_resize(self) -> None:
        """Keep the cursor in view."""
        if self.back.end:
            self._go(self.cursor)

    # -- older lines --------------------------------------------------------------------------

    async def _more(self) -> bool:
        """Fetch older lines; whether some came."""
        back = self.back
        if back.complete:
            return False
        start, count = back.wanted(self._printed())
        first, rows = await self._ask(start, count)
        return back is self.back and back.extend(first, rows) > 0

    @work(exclusive=True, group="history")
    async def _load(self) -> None:
        """Have some pages more than what is seen."""
        self._loading = True
        try:
            with told(self):
                while self.top + self._owed - self.back.first < PAGE and await self._more():
                    pass
        finally:  # another search or way to the oldest line may take this one's place
            self._loading = False
            owed, self._owed = self._owed, 0
        if owed and self.top > self.back.first:
            self.scroll(owed)
        else:  # not `_shown`: what cannot be fetched now is not asked for again by itself
            self.refresh()
            self.post_message(self.Moved())

    @work(exclusive=True, group="history")
    async def action_oldest(self) -> None:
        """Go to the oldest line that the host has kept."""
        with told(self):
            while await self._more():
                self.post_message(self.Moved())
        self._go(Spot(self.back.first, 0))

    def action_newest(self) -> None:
        """Go to the last line."""
        self._go(Spot(self.back.end - 1, self.cursor.x))

    # -- moving and selecting -----------------------------------------------------------------

    def action_move(self, lines: int, columns: int) -> None:
        """Move the cursor."""
        if lines > 0 and self.cursor.line == self.back.end - 1 and self.mark is None:
            self.post_message(self.Left())
        else:
            self._go(Spot(self.cursor.line + lines, self.cursor.x + columns))

    def action_edge(self, end: bool) -> None:
        """Go to the start or end of the line."""
        cells = self.back.row(self.cursor.line).cells
        self._go(self.cursor._replace(x=max(0, cells - 1) if end else 0))

    def action_page(self, pages: int) -> None:
        """Go back or on by a page."""
        lines = pages * max(1, self.size.height - 1)
        if self.mark is None:
            self.scroll(lines)
        else:
            self._go(self.cursor._replace(line=self.cursor.line + lines))

    def action_select(self) -> None:
        """Begin to select at the cursor, or select nothing."""
        self.mark = self.cursor if self.mark is None else None
        self._by_lines = False
        self._shown()

    def action_select_lines(self) -> None:
        """Begin to select whole lines."""
        self.mark, self._by_lines = self.cursor, True
        self._shown()

    @property
    def selected(self) -> tuple[Spot, Spot] | None:
        """First and last place of what is selected."""
        if self.mark is None:
            return None
        first, last = sorted((self.mark, self.cursor))
        if self._by_lines:
            first, last = first._replace(x=0), last._replace(x=self.cols)
        return first, last

    def action_copy(self) -> None:
        """Copy what is selected, or the line of the cursor."""
        first, last = self.selected or (
            self.cursor._replace(x=0), self.cursor._replace(x=self.cols)
        )  # fmt: skip
        text = self.back.text(first, last)
        self.mark, done, self._visit = None, self._visit, False
        self._shown()
        if text:
            self.post_message(self.Copied(text, done))
        elif done:
            self.post_message(self.Left())

    def action_leave(self) -> None:
        """Select nothing; if nothing was, go back to now."""
        if self.mark is not None:
            self.mark = None
            self._shown()
        else:
            self.post_message(self.Left())

    # -- searching ----------------------------------------------------------------------------

    def action_ask(self) -> None:
        """Ask what to search for."""
        self.post_message(self.Searched())

    def search(self, text: str) -> None:
        """Find `text`, the nearest above the cursor first."""
        self.pattern = needle(text) if text else None
        self.missed = False
        self._shown()
        if text:
            self.action_find(True)

    @work(exclusive=True, group="history")
    async def action_find(self, back: bool) -> None:
        """Go to the next match, older or newer."""
        if self.pattern is None:
            return
        found = self.back.find(self.pattern, self.cursor, back=back)
        with told(self):
            while found is None and back and await self._more():
                self.post_message(self.Moved())
                found = self.back.find(self.pattern, self.cursor, back=True)
        self.missed = found is None
        self._go(Spot(found.line, found.start) if found else self.cursor)

    # -- mouse --------------------------------------------------------------------------------

    def _spot(self, event: events.MouseEvent) -> Spot:
        x, y = event.get_content_offset_capture(self)
        line = min(max(self.back.first, self.top + y), self.back.end - 1)
        return Spot(int(line), min(max(0, int(x) + self.left), max(0, self.cols - 1)))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Begin to select."""
        if event.button == 1 and self.back.end:
            self.mark, self.cursor, self._by_lines = None, self._spot(event), False
            self._dragging = True
            self.capture_mouse()
            self._shown()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Select to where the mouse is, scrolling at the edges."""
        if self._dragging and (spot := self._spot(event)) != self.cursor:
            self.mark = self.mark or self.cursor
            self._go(spot)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Copy what was selected."""
        if self._dragging:
            self._dragging = False
            self.release_mouse()
            if self.mark is not None or self._visit:
                self.action_copy()

    def on_click(self, event: events.Click) -> None:
        """A second press copies the word, a third the line."""
        if event.chain == 2 and self.back.end:
            word = self.back.word(self._spot(event))
            self._copy_stretch(word.line, word.start, word.end - 1)
        elif event.chain == 3:
            self._copy_stretch(self.cursor.line, 0, self.cols)

    def _copy_stretch(self, line: int, first: int, last: int) -> None:
        self.mark, self.cursor = Spot(line, first), Spot(line, last)
        if text := self.back.text(*sorted((self.mark, self.cursor))):
            self.post_message(self.Copied(text, False))
        self._shown()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll back."""
        event.stop()
        self.scroll(-WHEEL_LINES)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll on, and at the end back to now."""
        event.stop()
        self.scroll(WHEEL_LINES)

    # -- painting -----------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """One line of the view, `y` from its top."""
        width, line = self.size.width, self.top + y
        base = self.visual_style.rich_style
        if not self.back.first <= line < self.back.end:
            return Strip([strips.filler(base, width)], width)
        strip = strips.row_strip(self.back.row(line), self.cols, base)
        for name, stretches in self._marks(line):
            style = self.get_component_rich_style(f"scrollback--{name}", partial=True)
            strip = _marked(strip, stretches, style)
        if line == self.cursor.line:
            caret = Stretch(line, self.cursor.x, self.cursor.x + 1)
            strip = _marked(strip, [caret], Style(reverse=True))
        return strips.beside(strip.crop(self.left, self.left + width), base, width)

    def _marks(self, line: int) -> Iterable[tuple[str, list[Stretch]]]:
        """What is to be marked in a line, and how."""
        if self.pattern is not None:
            found = self.back.matches(line, self.pattern)
            yield "match", found
            yield "found", [m for m in found if (m.line, m.start) == self.cursor]
        if self.selected is not None:
            first, last = self.selected
            if first.line <= line <= last.line:
                start = first.x if line == first.line else 0
                end = last.x + 1 if line == last.line else self.cols
                yield "selected", [Stretch(line, start, min(end, self.cols))]


def _marked(strip: Strip, stretches: Iterable[Stretch], style: Style) -> Strip:
    """The line with `style` over some of its columns."""
    for _, start, end in stretches:
        inside = strip.crop(start, end)
        painted = [Segment(text, (old or Style()) + style) for text, old, _ in inside]
        parts = [strip.crop(0, start), Strip(painted, inside.cell_length), strip.crop(end)]
        strip = Strip.join(parts)
    return strip
