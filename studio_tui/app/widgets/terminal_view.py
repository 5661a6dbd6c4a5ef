"""A shared terminal on the screen: paints rows and cursor, sends keys, pastes and mouse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Self

from textual import events
from textual.geometry import Offset, Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from studio_tui.app.exact_keys import exact
from studio_tui.app.widgets import terminal_strips as strips
from studio_tui.app.widgets.crop import Crop, is_cropped
from studio_tui.app.widgets.terminal_source import TerminalSource
from studio_tui.terminal import row as rows
from studio_tui.terminal.line import Spot
from studio_tui.terminal.links import link_at
from studio_tui.terminal.prediction import Prediction
from studio_tui.terminal.row import Mouse, Row
from studio_tui.terminal.screen import ALL, Changed

LEADER = "ctrl+right_square_bracket"
WHEEL_LINES = 3
PIECE = 32 * 1024
"""Characters of a paste that one message carries."""
LONGEST_PASTE = 1 << 18
PANS = {"up": (0, -1), "down": (0, 1), "left": (-1, 0), "right": (1, 0)}
"""Arrows of somebody who only looks on, and where they move what is seen."""


class TerminalView(Widget, can_focus=True):
    """Shows a terminal and types into it.

    A terminal larger than the view is cropped, with the cursor kept in view unless somebody panned
    away; a smaller one has a frame, and dots around that. While it has the focus every key goes to
    the program but the leader, and what comes after that while it is `leading`. Somebody who does
    not drive pans with the arrows instead.

    Args:
        source: the terminal.
        leader: Textual's name of the leader key.
        on_scroll: called with lines (negative: back) when the wheel turns and the program has no
            use for it, and for the page keys of somebody who does not drive.
    """

    DEFAULT_CSS = """
    TerminalView { width: 1fr; height: 1fr; }
    """
    ALLOW_SELECT: ClassVar[bool] = False

    class _Said(Message):
        """What every message of the view carries: the view."""

        def __init__(self, view: TerminalView) -> None:
            super().__init__()
            self.view = view

        @property
        def control(self) -> TerminalView:
            """The view."""
            return self.view

    class LeaderPressed(_Said):
        """The leader was pressed: what comes next is the app's, until it sets `leading` back."""

    class Led(_Said):
        """A key that came after the leader."""

        def __init__(self, view: TerminalView, key: str, character: str | None) -> None:
            super().__init__(view)
            self.key = key
            self.character = character

    class Bell(_Said):
        """The program rang the bell."""

    class NotDriving(_Said):
        """Somebody typed while `driver` (None: nobody) drives."""

        def __init__(self, view: TerminalView, driver: str | None) -> None:
            super().__init__(view)
            self.driver = driver

    class Dragged(_Said):
        """Somebody selects what they see, from cell `start` of the terminal on."""

        def __init__(self, view: TerminalView, start: Offset) -> None:
            super().__init__(view)
            self.start = start

    class LinkPressed(_Said):
        """Somebody pressed on a hyperlink."""

        def __init__(self, view: TerminalView, link: str) -> None:
            super().__init__(view)
            self.link = link

    class LinesPasted(_Said):
        """Lines were pasted into a program that takes each of them as typed."""

        def __init__(self, view: TerminalView, text: str) -> None:
            super().__init__(view)
            self.text = text

    class PasteTooLong(_Said):
        """Somebody pasted more than a terminal takes."""

    class Panned(_Said):
        """Another part of a terminal that is larger than the view is seen."""

    class Fits(_Said):
        """The view could show `cols` by `lines` now."""

        def __init__(self, view: TerminalView, cols: int, lines: int) -> None:
            super().__init__(view)
            self.cols = cols
            self.lines = lines

    def __init__(
        self,
        source: TerminalSource,
        *,
        leader: str = LEADER,
        on_scroll: Callable[[int], None] | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        self._lines: dict[int, Strip] = {}  # as printed, by their place in the view
        super().__init__(id=id, classes=classes)
        self.source = source
        self.leader = leader
        self.leading = False
        self._on_scroll = on_scroll
        self._strips: dict[
            int, tuple[Row, Strip]
        ] = {}  # by the id of the row, which it keeps alive
        self._guesses = Prediction()
        self._crop = Crop()
        self._alternate = False
        self._pressed: Offset | None = None
        self._bells = source.view.bells
        self._button = 0
        self._stop: Callable[[], None] = lambda: None

    def on_mount(self) -> None:
        """Begin to follow the terminal."""
        self._stop = self.source.observe(self._changed)

    def on_unmount(self) -> None:
        """Stop following it."""
        self._stop()

    # Painting

    @property
    def pan(self) -> Offset:
        """The cell of the terminal in the view's upper left corner."""
        return self._crop.offset

    @property
    def held(self) -> bool:
        """Whether somebody panned away from the cursor."""
        return self._crop.held

    @property
    def cropped(self) -> bool:
        """Whether the terminal is larger than the view."""
        return is_cropped(self._whole, self.size)

    @property
    def _whole(self) -> Size:
        return Size(self.source.view.cols, self.source.view.lines)

    def _changed(self, changed: Changed) -> None:
        screen = self.source.view
        if screen.bells > self._bells:
            self.post_message(self.Bell(self))
        self._bells = screen.bells
        guessed = self._guesses.rows
        self._guesses.seen(screen)
        if changed is not ALL:
            changed |= guessed | self._guesses.rows
        if len(self._strips) > 3 * screen.lines:
            self._strips = {id(row): kept for row in screen.rows if (kept := self._drawn(row))}
        if self._follow_cursor() or changed is ALL:
            self.refresh()
        else:
            top = self.pan.y
            shown = sorted(y - top for y in changed if top <= y < top + self.size.height)
            if shown:  # without a region everything would be painted
                self.refresh(*(Region(0, y, self.size.width, 1) for y in shown))

    def pan_by(self, x: int, y: int) -> bool:
        """Show another part of a larger terminal, and stay there; whether that moved anything."""
        moved = self._crop.move(x, y, self._whole, self.size)
        if moved:
            self.refresh()
            self.post_message(self.Panned(self))
        return moved

    def follow(self) -> None:
        """Keep the cursor in view again."""
        if self._crop.held:
            self._crop = Crop()
            self._follow_cursor()
            self.refresh()
            self.post_message(self.Panned(self))

    def _follow_cursor(self) -> bool:
        """Pan as little as brings the cursor into view; whether that moved anything.

        A program that fills the screen is seen from its upper left corner first, and stays where it
        is seen while it hides the cursor: then that stands anywhere.
        """
        screen = self.source.view
        if screen.modes.alternate != self._alternate:
            self._alternate = screen.modes.alternate
            self._crop = Crop()
        cursor = screen.cursor
        spot = Offset(cursor.x, cursor.y) if cursor.visible else self.pan
        return self._crop.follow(spot, self._whole, self.size)

    def refresh(
        self,
        *regions: Region,
        repaint: bool = True,
        layout: bool = False,
        recompose: bool = False,
    ) -> Self:
        """Paint all of it, or some lines, again."""
        for region in regions:
            for y in region.line_range:
                self._lines.pop(y, None)
        if not regions:
            self._lines.clear()
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines to print. There is no frame, padding or tint here that would make others of
        them, so a row that was printed before costs next to nothing, wherever it has moved."""
        lines = [self._lines.get(y) or self._line(y) for y in crop.line_range]
        if crop.column_span == (0, self.size.width):
            return lines
        return [strip.crop(*crop.column_span) for strip in lines]

    def _line(self, y: int) -> Strip:
        _, background = self.background_colors
        strip = self.render_line(y)
        for each in self.get_line_filters():
            strip = strip.apply_filter(each, background)
        self._lines[y] = strip
        return strip

    def render_line(self, y: int) -> Strip:
        """One line of the view, `y` from its top."""
        screen, width = self.source.view, self.size.width
        base = self.visual_style.rich_style
        line = y + self.pan.y
        if line == screen.lines and line:
            return strips.edge(base, screen.cols, width)
        if line >= screen.lines:
            return Strip([strips.filler(base, width)], width)
        row = self._guesses.over(screen.rows[line], line, screen.cols)
        drawn = self._drawn(row)
        if drawn is None or drawn[1].cell_length != screen.cols:
            drawn = self._strips[id(row)] = row, strips.row_strip(row, screen.cols, base)
        strip, cursor = drawn[1], self._guesses.placed(screen.cursor)
        if cursor.visible and cursor.y == line:
            strip = strips.with_cursor(strip, row, cursor, self.has_focus)
        if not self.pan.x and strip.cell_length == width:
            return strip
        return strips.beside(strip.crop(self.pan.x, self.pan.x + width), base, width)

    def _drawn(self, row: Row) -> tuple[Row, Strip] | None:
        """What a row looks like, if it was drawn before: one that scrolls is the same row still."""
        return self._strips.get(id(row))

    def notify_style_update(self) -> None:
        """Forget what was painted in other colours."""
        super().notify_style_update()
        self._strips.clear()
        self._lines.clear()

    def on_resize(self) -> None:
        """Keep the cursor in view and say what size would fit."""
        self._lines.clear()
        self._follow_cursor()
        self.offer_size()

    def offer_size(self) -> None:
        """Say what size would fit, and ask for it when we drive; call it after taking the wheel."""
        cols = min(self.size.width, rows.MAX_SIDE)
        lines = min(self.size.height, rows.MAX_SIDE)
        if not (cols and lines):
            return
        self.post_message(self.Fits(self, cols, lines))
        if self.source.driving:
            self.source.send([{"resize": [cols, lines]}])

    def on_focus(self) -> None:
        """Show the cursor as one that types."""
        self.refresh()

    def on_blur(self) -> None:
        """Show the cursor as one that waits; a leader pressed before is forgotten."""
        self.leading = False
        self.refresh()

    # Input

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Every key is ours but the leader; takes the app's bindings away."""
        return key != self.leader

    def on_key(self, event: events.Key) -> None:
        """Hand the key to the program, or to the app after the leader."""
        event.stop()
        event.prevent_default()
        if self.leading:
            self.post_message(self.Led(self, event.key, event.character))
        elif event.key == self.leader:
            self.leading = True
            self.post_message(self.LeaderPressed(self))
        elif self.source.driving or not self._look_about(event.key):
            self.follow()
            self.send_key(*exact(event.key, event.character))

    def _look_about(self, key: str) -> bool:
        """Somebody who does not drive pans and scrolls; whether the key does that."""
        page = max(1, self.size.height - 1)
        match key:
            case "up" | "down" | "left" | "right" if self.cropped:
                self.pan_by(*PANS[key])
            case "pageup" | "shift+pageup" if self._on_scroll is not None:
                self._on_scroll(-page)
            case "escape" if self.held:
                self.follow()
            case _:
                return False
        return True

    def send_key(self, key: str, character: str | None = None) -> None:
        """Press a key, named as Textual names it."""
        plain = len(key) == 1 or "+" not in key
        self._send({"key": key, "char": character}, shows=character if plain else None)

    def on_paste(self, event: events.Paste) -> None:
        """Hand the paste to the program; several lines only where it knows a paste from typing."""
        event.stop()
        event.prevent_default()
        lines = len(event.text.strip("\r\n").splitlines())
        bracketed = self.source.view.modes.bracketed_paste
        if len(event.text) > LONGEST_PASTE:
            self.post_message(self.PasteTooLong(self))
        elif lines > 1 and self.source.driving and not bracketed:
            self.post_message(self.LinesPasted(self, event.text))
        elif event.text:
            self.send_paste(event.text)

    def send_paste(self, text: str) -> None:
        """Paste `text`, however many lines it has."""
        self.follow()
        for at in range(0, len(text), PIECE):
            self._send({"paste": text[at : at + PIECE]})

    def _send(self, what: dict[str, Any], shows: str | None = None) -> None:
        """Send an input event, of which `shows` is all that is to be seen, as far as is known."""
        source = self.source
        if not source.driving:
            self.post_message(self.NotDriving(self, source.driver))
            return
        source.send([what])
        self._guesses.pace(source.round_trip)
        if source.mine:
            self._guesses.typed(shows, source.input_seq, source.view)
            self._changed(frozenset())

    # Mouse. What the program does not listen to, or shift keeps from it, selects and scrolls.

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Press in the program when it listens; else begin to select."""
        self._button, self._pressed = event.button, None
        if self._mouse("down", event, event.button, Mouse.PRESS):
            self.capture_mouse()
        elif event.button == 1:
            self._pressed = self._cell(event)
            self.capture_mouse()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Release in the program when it listens; a press on a link is told."""
        pressed, self._pressed = self._pressed, None
        if pressed is not None:
            spot = Spot(pressed.y, pressed.x)
            link = link_at(self.source.view.rows, spot) if event.ctrl else None
            if link is not None:
                self.post_message(self.LinkPressed(self, link.address))
        else:
            self._mouse("up", event, event.button, Mouse.CLICK)
        self._button = 0
        self.release_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Move in the program when it listens; with a button held, select."""
        if self._pressed is not None:
            if self._cell(event) != self._pressed:
                start, self._pressed = self._pressed, None
                self.post_message(self.Dragged(self, start))
            return
        needed = Mouse.DRAG if self._button else Mouse.MOTION
        self._mouse("move", event, self._button, needed)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll back."""
        self._wheel("scroll_up", 0, -WHEEL_LINES, event)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll on."""
        self._wheel("scroll_down", 0, WHEEL_LINES, event)

    def on_mouse_scroll_left(self, event: events.MouseScrollLeft) -> None:
        """Scroll to the left."""
        self._wheel("scroll_left", -WHEEL_LINES, 0, event)

    def on_mouse_scroll_right(self, event: events.MouseScrollRight) -> None:
        """Scroll to the right."""
        self._wheel("scroll_right", WHEEL_LINES, 0, event)

    def _wheel(self, kind: str, x: int, y: int, event: events.MouseEvent) -> None:
        """To a program that listens or fills the screen; else about the view, else to history."""
        event.stop()
        event.prevent_default()
        # Without a mouse mode the host makes arrows of it on the alternate screen.
        needed = Mouse.NONE if y and self.source.view.modes.alternate else Mouse.CLICK
        if self._mouse(kind, event, 0, needed):
            return
        if event.shift:
            x, y = y, x
        if not self.pan_by(x, y) and y and self._on_scroll is not None:
            self._on_scroll(y)

    def _mouse(self, kind: str, event: events.MouseEvent, button: int, needed: Mouse) -> bool:
        """Send a mouse event when the program asked for such; whether it was sent."""
        source = self.source
        allowed = source.driving if kind in ("down", "up") else source.mine
        if event.shift or not allowed or source.view.modes.mouse < needed:
            return False
        cell = self._cell(event, held=kind != "down" and self._button > 0)
        if cell is None:
            return False
        event.stop()
        mouse = {"kind": kind, "x": cell.x, "y": cell.y, "button": button}
        self._send({"mouse": {**mouse, "alt": event.meta, "ctrl": event.ctrl}})
        return True

    def _cell(self, event: events.MouseEvent, *, held: bool = False) -> Offset | None:
        """The terminal's cell under the mouse; the nearest one while a button is held."""
        screen = self.source.view
        place = event.get_content_offset_capture(self) if held else event.get_content_offset(self)
        if place is None:
            return None
        x, y = place + self.pan
        if held:
            x, y = min(max(0, x), screen.cols - 1), min(max(0, y), screen.lines - 1)
        return Offset(int(x), int(y)) if x < screen.cols and y < screen.lines else None
