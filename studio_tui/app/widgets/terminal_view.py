"""A shared terminal on the screen: paints rows and cursor, sends keys, pastes and mouse."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, ClassVar, Protocol

from rich.cells import cell_len
from rich.color import Color
from rich.segment import Segment
from rich.style import Style as RichStyle
from textual import events
from textual.geometry import Offset, Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from studio_tui.app.exact_keys import exact
from studio_tui.terminal import row as rows
from studio_tui.terminal.row import Cursor, Mouse, Row, Run, Shape, Style
from studio_tui.terminal.screen import ALL, Changed, Screen

LEADER = "ctrl+right_square_bracket"
WHEEL_LINES = 3
FILLER = "·"
_SAFE_LINKS = ("http://", "https://")


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

    def send(self, events: list[dict[str, Any]]) -> None:
        """Send input events."""

    def observe(self, callback: Callable[[Changed], None]) -> Callable[[], None]:
        """Call back with the rows to draw again after each change; returns how to stop it."""


class TerminalView(Widget, can_focus=True):
    """Shows a terminal and types into it.

    A terminal larger than the view is cropped, with the cursor kept in view; around a smaller one
    the rest is filled with dots. While it has the focus every key goes to the program but the
    leader: after one press the next key is left to the app; pressed twice it goes to the program.

    Args:
        source: the terminal.
        leader: Textual's name of the leader key.
        on_scroll: called with lines (negative: back) when the wheel turns and the program has no
            use for it.
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
        """The leader was pressed: the next key is the app's."""

    class Bell(_Said):
        """The program rang the bell."""

    class NotDriving(_Said):
        """Somebody typed while `driver` (None: nobody) drives."""

        def __init__(self, view: TerminalView, driver: str | None) -> None:
            super().__init__(view)
            self.driver = driver

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
        super().__init__(id=id, classes=classes)
        self.source = source
        self.leader = leader
        self.leading = False
        self._led = False
        self._on_scroll = on_scroll
        self._strips: dict[int, Strip] = {}
        self._pan = Offset(0, 0)
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
        return self._pan

    def _changed(self, changed: Changed) -> None:
        screen = self.source.view
        if screen.bells > self._bells:
            self.post_message(self.Bell(self))
        self._bells = screen.bells
        if changed is ALL:
            self._strips.clear()
        else:
            for y in changed:
                self._strips.pop(y, None)
        if self._follow_cursor() or changed is ALL:
            self.refresh()
        else:
            top = self._pan.y
            shown = sorted(y - top for y in changed if top <= y < top + self.size.height)
            if shown:  # without a region everything would be painted
                self.refresh(*(Region(0, y, self.size.width, 1) for y in shown))

    def _follow_cursor(self) -> bool:
        """Pan as little as brings the cursor into view; whether that moved anything."""
        screen, size = self.source.view, self.size
        x = _panned(self._pan.x, screen.cursor.x, size.width, screen.cols)
        y = _panned(self._pan.y, screen.cursor.y, size.height, screen.lines)
        moved = (x, y) != self._pan
        self._pan = Offset(x, y)
        return moved

    def render_line(self, y: int) -> Strip:
        """One line of the view, `y` from its top."""
        screen, width = self.source.view, self.size.width
        base = self.visual_style.rich_style
        line = y + self._pan.y
        if line >= screen.lines:
            return Strip([_filler(base, width)], width)
        strip = self._strips.get(line)
        if strip is None:
            strip = self._strips[line] = _strip(screen.rows[line], screen.cols, base)
        cursor = screen.cursor
        if cursor.visible and cursor.y == line:
            strip = _with_cursor(strip, screen.rows[line], cursor, self.has_focus)
        strip = strip.crop(self._pan.x, self._pan.x + width)
        if strip.cell_length == width:
            return strip
        rest = width - strip.cell_length
        return Strip([*strip, _filler(base, rest)], width)

    def notify_style_update(self) -> None:
        """Forget what was painted in other colours."""
        super().notify_style_update()
        self._strips.clear()

    def on_resize(self) -> None:
        """Keep the cursor in view and say what size would fit."""
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
        self.leading = self._led = False
        self.refresh()

    # Input

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Every key is ours but the leader and the one after it; takes the app's bindings away."""
        return key != self.leader and not (self.leading or self._led)

    def on_key(self, event: events.Key) -> None:
        """Hand the key to the program, or to the app after the leader."""
        led, self.leading = self.leading, False
        # While the key after the leader travels up to the app its bindings must still count, so
        # `_led` holds until the next key.
        self._led = led and event.key != self.leader
        if self._led:
            return
        event.stop()
        event.prevent_default()
        if event.key == self.leader and not led:
            self.leading = True
            self.post_message(self.LeaderPressed(self))
        else:
            self.send_key(*exact(event.key, event.character))

    def send_key(self, key: str, character: str | None = None) -> None:
        """Press a key, named as Textual names it."""
        self._send({"key": key, "char": character})

    def on_paste(self, event: events.Paste) -> None:
        """Hand the paste to the program."""
        event.stop()
        event.prevent_default()
        if event.text:
            self._send({"paste": event.text})

    def _send(self, *what: dict[str, Any]) -> None:
        if self.source.driving:
            self.source.send(list(what))
        else:
            self.post_message(self.NotDriving(self, self.source.driver))

    # Mouse. Shift keeps an event from the program, as in other terminals.

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Press in the program when it listens."""
        self._button = event.button
        if self._mouse("down", event, event.button, Mouse.PRESS):
            self.capture_mouse()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Release in the program when it listens."""
        self._button = 0
        self.release_mouse()
        self._mouse("up", event, event.button, Mouse.CLICK)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Move in the program when it listens."""
        needed = Mouse.DRAG if self._button else Mouse.MOTION
        self._mouse("move", event, self._button, needed)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll back."""
        self._wheel("scroll_up", "up", -WHEEL_LINES, event)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll on."""
        self._wheel("scroll_down", "down", WHEEL_LINES, event)

    def _wheel(self, kind: str, key: str, lines: int, event: events.MouseEvent) -> None:
        """To a program that listens; as arrows to one that fills the screen; else to history."""
        if self._mouse(kind, event, 0, Mouse.CLICK):
            return
        event.stop()
        event.prevent_default()
        screen = self.source.view
        if screen.modes.alternate and self.source.driving and not screen.modes.mouse:
            self._send(*[{"key": key, "char": None}] * abs(lines))
        elif self._on_scroll is not None:
            self._on_scroll(lines)

    def _mouse(self, kind: str, event: events.MouseEvent, button: int, needed: Mouse) -> bool:
        """Send a mouse event when the program asked for such; whether it was sent."""
        screen, driving = self.source.view, self.source.driving
        place = event.get_content_offset(self)
        if event.shift or not driving or screen.modes.mouse < needed or place is None:
            return False
        x, y = place + self._pan
        if x >= screen.cols or y >= screen.lines:
            return False
        event.stop()
        mouse = {"kind": kind, "x": int(x), "y": int(y), "button": button}
        self._send({"mouse": {**mouse, "alt": event.meta, "ctrl": event.ctrl}})
        return True


def _panned(pan: int, cursor: int, room: int, extent: int) -> int:
    """The pan nearest to `pan` that shows the cursor and no more beyond the end than it must."""
    if room <= 0 or extent <= room:
        return 0
    return max(cursor - room + 1, min(pan, cursor, extent - room))


def _filler(base: RichStyle, width: int) -> Segment:
    return Segment(FILLER * width, base + RichStyle(dim=True))


def _strip(row: Row, cols: int, base: RichStyle) -> Strip:
    """A whole row of the terminal, `cols` cells wide."""
    segments = [Segment(_fitted(run), base + _style(run.style)) for run in row.runs]
    used = row.cells
    if used < cols:
        segments.append(Segment(" " * (cols - used), base))
    return Strip(segments, cols)


def _fitted(run: Run) -> str:
    """The run's text, made to be as wide for Textual as it is in the terminal.

    Emulators, Textual and the person's own terminal may disagree about emoji, flags and joined
    clusters; a blank beside such a character is a small price for everything else standing right.
    """
    text = run.text
    if text.isascii() or (cell_len(text) == run.cells and "\u200d" not in text):
        return text
    if run.width == 0:
        return _fit(text.rstrip("\u200d"), run.cells)
    return "".join([_fit(char, run.width) for char in text])


def _fit(glyph: str, cells: int) -> str:
    size = cell_len(glyph)
    if not 0 < size <= cells:
        glyph, size = "\ufffd", 1
    return glyph + " " * (cells - size)


def _with_cursor(strip: Strip, row: Row, cursor: Cursor, focused: bool) -> Strip:
    """The painted row with the cursor over whatever character stands there."""
    start, cells = _glyph_at(row, cursor.x)
    under = strip.crop(start, start + cells)
    text, look = under.text, RichStyle(reverse=True)
    if not focused or cursor.shape == Shape.HOLLOW:
        look = RichStyle(reverse=True, dim=True)
    elif cursor.shape == Shape.UNDERLINE:
        look = RichStyle(underline=True, bold=True)
    elif cursor.shape == Shape.BAR and not text.strip():
        text, look = "▏" + text[1:], RichStyle(bold=True)
    style = next((segment.style for segment in under), None) or RichStyle()
    painted = Strip([Segment(text, _inverted(style, look))], under.cell_length)
    return Strip.join([strip.crop(0, start), painted, strip.crop(start + cells)])


def _glyph_at(row: Row, x: int) -> tuple[int, int]:
    """Where the character that covers column `x` begins, and how many columns it covers."""
    start = 0
    for run in row.runs:
        if x < start + run.cells:
            if not run.width:
                return start, run.cells
            return start + (x - start) // run.width * run.width, run.width
        start += run.cells
    return x, 1


def _inverted(style: RichStyle, look: RichStyle) -> RichStyle:
    """`look` upon `style`; reversing what is reversed already shows it plain."""
    if look.reverse and style.reverse:
        return style + RichStyle(reverse=False, dim=look.dim)
    return style + look


@lru_cache(4096)
def _style(style: Style) -> RichStyle:
    flags = style.flags
    return RichStyle(
        color=_colour(style.fg),
        bgcolor=_colour(style.bg),
        bold=bool(flags & rows.BOLD) or None,
        italic=bool(flags & rows.ITALIC) or None,
        dim=bool(flags & rows.FAINT) or None,
        blink=bool(flags & rows.BLINK) or None,
        reverse=bool(flags & rows.INVERSE) or None,
        conceal=bool(flags & rows.INVISIBLE) or None,
        strike=bool(flags & rows.STRIKE) or None,
        overline=bool(flags & rows.OVERLINE) or None,
        underline=bool(style.underline) and style.underline != rows.Underline.DOUBLE or None,
        underline2=style.underline == rows.Underline.DOUBLE or None,
        link=style.link if style.link.startswith(_SAFE_LINKS) else None,
    )


def _colour(colour: int | None) -> Color | None:
    if colour is None:
        return None
    if colour < rows.RGB:
        return Color.from_ansi(colour)
    return Color.from_rgb(colour >> 16 & 0xFF, colour >> 8 & 0xFF, colour & 0xFF)
