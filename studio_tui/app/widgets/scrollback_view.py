"""What scrolled out of a terminal, to read, search and copy from."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from rich.style import Style
from textual import events, work
from textual.binding import BindingType
from textual.geometry import Offset
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from studio_tui.app.problems import told
from studio_tui.app.widgets import terminal_strips as strips
from studio_tui.app.widgets.scrollback_keys import BINDINGS, HELP
from studio_tui.terminal.line import Spot, Stretch
from studio_tui.terminal.reading import Reading
from studio_tui.terminal.row import Row
from studio_tui.terminal.scrollback import PAGE, Scrollback, needle

WHEEL_LINES = 3
Ask = Callable[[int, int], Awaitable[tuple[int, list[Row]]]]
"""(start, count) to the number of the first line that came, and the lines."""


class ScrollbackView(Widget, can_focus=True):
    """Shows lines that stay where they are, whatever the terminal prints meanwhile.

    Args:
        ask: fetches older lines.
        printed: lines that the terminal printed since the view was opened.
    """

    HELP = HELP
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
    BINDINGS: ClassVar[list[BindingType]] = [*BINDINGS]

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
        self.reading = Reading(Scrollback(()), 0, 0, 0, Spot(0, 0))
        self.pattern: re.Pattern[str] | None = None
        self.missed = False
        """Whether the last search found nothing."""
        self._dragging = self._visit = self._loading = False

    def open(self, rows: Sequence[Row], cols: int, corner: Offset, cursor: Spot) -> None:
        """Begin with the screen's rows, seen from `corner`."""
        self.reading = Reading(Scrollback(rows), cols, corner.y, corner.x, cursor)
        self.pattern, self.missed = None, False
        self._dragging = self._visit = self._loading = False
        self._fit()
        self._shown()

    def drag(self, start: Spot) -> None:
        """Go on with a selection that the mouse began at `start`; its end leaves the view."""
        self.reading.mark = self.reading.cursor = start
        self._dragging = self._visit = True
        self.capture_mouse()
        self.refresh()

    # -- where it is --------------------------------------------------------------------------

    @property
    def back(self) -> Scrollback:
        """The lines."""
        return self.reading.back

    def scroll(self, lines: int) -> None:
        """Move what is seen; beyond the end one is back at now."""
        if lines > 0 and self.reading.top >= self.reading.lowest:
            self.post_message(self.Left())
            return
        self.reading.scroll(lines)
        self._shown()

    def _go(self, spot: Spot) -> None:
        self.reading.go(spot)
        self._shown()

    def _shown(self) -> None:
        self.refresh()
        self.post_message(self.Moved())
        if self._near(PAGE // 2) and not (self._loading or self.back.complete):
            self._load()

    def _near(self, lines: int) -> bool:
        """Whether the oldest line is nearer than so many to what is, or is to be, seen."""
        return self.reading.top + self.reading.owed - self.back.first < lines

    def _fit(self) -> None:
        self.reading.width, self.reading.height = max(1, self.size.width), max(1, self.size.height)

    def on_resize(self) -> None:
        """Keep the cursor in view."""
        self._fit()
        if self.back.end:
            self._go(self.reading.cursor)

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
                while (
                    self.reading.top + self.reading.owed - self.back.first < PAGE
                    and await self._more()
                ):
                    pass
        finally:  # another search or way to the oldest line may take this one's place
            self._loading = False
            owed, self.reading.owed = self.reading.owed, 0
        if owed and self.reading.top > self.back.first:
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
        self._go(Spot(self.back.end - 1, self.reading.cursor.x))

    # -- moving and selecting -----------------------------------------------------------------

    def action_move(self, lines: int, columns: int) -> None:
        """Move the cursor."""
        line, x = self.reading.cursor
        if lines > 0 and line == self.back.end - 1 and self.reading.mark is None:
            self.post_message(self.Left())
        else:
            self._go(Spot(line + lines, x + columns))

    def action_edge(self, end: bool) -> None:
        """Go to the start or end of the line."""
        cursor = self.reading.cursor
        cells = self.back.row(cursor.line).cells
        self._go(cursor._replace(x=max(0, cells - 1) if end else 0))

    def action_page(self, pages: int) -> None:
        """Go back or on by a page."""
        lines, cursor = pages * max(1, self.size.height - 1), self.reading.cursor
        if self.reading.mark is None:
            self.scroll(lines)
        else:
            self._go(cursor._replace(line=cursor.line + lines))

    def action_select(self) -> None:
        """Begin to select at the cursor, or select nothing."""
        self.reading.select()
        self._shown()

    def action_select_lines(self) -> None:
        """Begin to select whole lines."""
        self.reading.select(lines=True)
        self._shown()

    def action_copy(self) -> None:
        """Copy what is selected, or the line of the cursor."""
        text = self.reading.take()
        done, self._visit = self._visit, False
        self._shown()
        if text:
            self.post_message(self.Copied(text, done))
        elif done:
            self.post_message(self.Left())

    def action_leave(self) -> None:
        """Select nothing; if nothing was, go back to now."""
        if self.reading.mark is not None:
            self.reading.mark = None
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
        found = self.back.find(self.pattern, self.reading.cursor, back=back)
        with told(self):
            while found is None and back and await self._more():
                self.post_message(self.Moved())
                found = self.back.find(self.pattern, self.reading.cursor, back=True)
        self.missed = found is None
        self._go(Spot(found.line, found.start) if found else self.reading.cursor)

    # -- mouse --------------------------------------------------------------------------------

    def _spot(self, event: events.MouseEvent) -> Spot:
        x, y = event.get_content_offset_capture(self)
        return self.reading.spot(int(x), int(y))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Begin to select."""
        if event.button == 1 and self.back.end:
            reading = self.reading
            reading.mark, reading.cursor, reading.by_lines = None, self._spot(event), False
            self._dragging = True
            self.capture_mouse()
            self._shown()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Select to where the mouse is, scrolling at the edges."""
        if self._dragging and (spot := self._spot(event)) != self.reading.cursor:
            self.reading.mark = self.reading.mark or self.reading.cursor
            self._go(spot)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Copy what was selected."""
        if self._dragging:
            self._dragging = False
            self.release_mouse()
            if self.reading.mark is not None or self._visit:
                self.action_copy()

    def on_click(self, event: events.Click) -> None:
        """A second press copies the word, a third the line."""
        if event.chain == 2 and self.back.end:
            self._copy_from(*self.back.word(self._spot(event)))
        elif event.chain == 3 and self.back.end:
            self._copy_from(*self.reading.line)

    def _copy_from(self, first: Spot, last: Spot) -> None:
        self.reading.mark, self.reading.cursor = first, last
        if text := self.back.text(first, last):
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
        reading, width = self.reading, self.size.width
        line, base = reading.top + y, self.visual_style.rich_style
        if not self.back.first <= line < self.back.end:
            return Strip([strips.filler(base, width)], width)
        strip = strips.row_strip(self.back.row(line), reading.cols, base)
        for name, stretches in reading.marks(line, self.pattern):
            style = self.get_component_rich_style(f"scrollback--{name}", partial=True)
            strip = strips.marked(strip, stretches, style)
        if line == reading.cursor.line:
            caret = Stretch(line, reading.cursor.x, reading.cursor.x + 1)
            strip = strips.marked(strip, [caret], Style(reverse=True))
        return strips.beside(strip.crop(reading.left, reading.left + width), base, width)
