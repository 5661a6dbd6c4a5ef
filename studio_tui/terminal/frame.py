"""One frame of a terminal, and its bytes.

    version  flags  [deflated] body
    body: seq, scroll, input_seq, bells, cursor, modes, [cols, lines, top], [title], styles, rows,
          [numbers of the rows that go on in the next one]

A keyframe says everything; a delta says what differs from the frame before it. Styles are numbered
within their frame, so that a frame can be read with nothing but the screen it applies to.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Final

from studio_tui.terminal.octets import FrameError, Reader, Writer
from studio_tui.terminal.row import (
    BLANK,
    MAX_CELLS,
    MAX_SIDE,
    PLAIN,
    RGB,
    Cursor,
    Modes,
    Mouse,
    Row,
    Run,
    Shape,
    Style,
)

VERSION: Final = 1
MAX_FRAME: Final = 3 << 18
"""Most bytes of a frame: it travels in one message."""

MAX_NUMBER: Final = 1 << 53
"""Most that a counter in a frame may say."""

_KEYFRAME, _DEFLATED, _TITLE, _WRAPPED = 1, 2, 4, 8
_WORTH_DEFLATING = 160
_MAX_BODY = 4 << 20
_MAX_STYLES = 1 << 16
_MAX_TITLE, _MAX_LINK = 1024, 2048
_VISIBLE, _BLINKING = 1, 2
_ALTERNATE, _APPLICATION, _BRACKETED, _PASSWORD = 1, 2, 4, 8
_HAS_FG, _HAS_BG, _HAS_UNDERLINE_COLOUR, _HAS_FLAGS, _HAS_UNDERLINE, _HAS_LINK = (
    1 << bit for bit in range(6)
)


@dataclass(frozen=True, slots=True)
class Size:
    """What only a keyframe carries: cells of the screen, and the line number of its first row."""

    cols: int
    lines: int
    top: int


@dataclass(frozen=True, slots=True)
class Frame:
    """What a viewer is told.

    Attributes:
        seq: one more than that of the frame before.
        scroll: lines that left at the top since the frame before; 0 in a keyframe.
        input_seq: number of the last input that this screen already shows the effect of.
        bells: how often the bell rang so far.
        size: set in a keyframe, None in a delta.
        title: None in a delta when it is as before.
        rows: (row number after scrolling, its new content), ascending; in a keyframe rows left out
            are blank.
    """

    seq: int
    scroll: int
    input_seq: int
    bells: int
    cursor: Cursor
    modes: Modes
    size: Size | None
    title: str | None
    rows: tuple[tuple[int, Row], ...]


def is_keyframe(data: bytes) -> bool:
    """Whether these bytes of a frame are a keyframe's."""
    return len(data) > 1 and bool(data[1] & _KEYFRAME)


def pack(frame: Frame) -> bytes:
    """The bytes of a frame; FrameError when nobody would take it, so big it is."""
    out = Writer()
    for number in (frame.seq, frame.scroll, frame.input_seq, frame.bells):
        out.number(number)
    _pack_cursor(out, frame.cursor)
    _pack_modes(out, frame.modes)
    flags = 0
    if frame.size is not None:
        flags |= _KEYFRAME
        for number in (frame.size.cols, frame.size.lines, frame.size.top):
            out.number(number)
    if frame.title is not None:
        flags |= _TITLE
        out.text(frame.title)
    _pack_rows(out, frame.rows)
    if wrapped := [y for y, row in frame.rows if row.wrapped]:
        flags |= _WRAPPED
        for number in (len(wrapped), *wrapped):
            out.number(number)
    body = out.done()
    size = len(body)
    if len(body) > _WORTH_DEFLATING:
        deflated = zlib.compress(body, 6, wbits=-15)
        if len(deflated) < len(body):
            body, flags = deflated, flags | _DEFLATED
    if size > _MAX_BODY or len(body) + 2 > MAX_FRAME:
        raise FrameError(f"{size} bytes for one screen")
    return bytes((VERSION, flags)) + body


def unpack(data: bytes) -> Frame:
    """The frame in these bytes; FrameError for anything that `pack` would not make."""
    if len(data) > MAX_FRAME:
        raise FrameError(f"{len(data)} bytes")
    if len(data) < 2 or data[0] != VERSION:
        raise FrameError(f"version {data[0]}, not {VERSION}" if data else "empty")
    flags = data[1]
    if flags & ~(_KEYFRAME | _DEFLATED | _TITLE | _WRAPPED):
        raise FrameError(f"unknown flags {flags:#x}")
    body = Reader(_inflate(data[2:]) if flags & _DEFLATED else data[2:])
    seq, scroll, input_seq, bells = (
        body.number(what, MAX_NUMBER) for what in ("seq", "scroll", "input_seq", "bells")
    )
    cursor, modes, size = _unpack_cursor(body), _unpack_modes(body), None
    if flags & _KEYFRAME:
        cols, lines = body.number("cols", MAX_SIDE), body.number("lines", MAX_SIDE)
        size = Size(cols, lines, body.number("top", MAX_NUMBER))
        if not (cols and lines) or scroll:
            raise FrameError("a keyframe without a size, or that scrolls")
    title = body.text("title", _MAX_TITLE) if flags & _TITLE else None
    rows = _unpack_rows(body)
    if flags & _WRAPPED:
        rows = _with_wrapped(rows, body)
    body.end()
    return Frame(seq, scroll, input_seq, bells, cursor, modes, size, title, rows)


def _inflate(data: bytes) -> bytes:
    inflater = zlib.decompressobj(wbits=-15)
    try:
        body = inflater.decompress(data, _MAX_BODY)
    except zlib.error:
        raise FrameError("not deflated data") from None
    if not inflater.eof or inflater.unused_data:
        raise FrameError("deflated data cut short, too long, or more than 4 MiB")
    return body


def _pack_cursor(out: Writer, cursor: Cursor) -> None:
    out.number(cursor.x)
    out.number(cursor.y)
    shown = _VISIBLE * cursor.visible | _BLINKING * cursor.blinking
    out.number(cursor.shape << 2 | shown)


def _unpack_cursor(body: Reader) -> Cursor:
    x, y = body.number("cursor x", MAX_SIDE), body.number("cursor y", MAX_SIDE)
    look = body.number("cursor shape", Shape.HOLLOW << 2 | 3)
    return Cursor(x, y, bool(look & _VISIBLE), Shape(look >> 2), bool(look & _BLINKING))


def _pack_modes(out: Writer, modes: Modes) -> None:
    flags = (
        _ALTERNATE * modes.alternate
        | _APPLICATION * modes.application_cursor
        | _BRACKETED * modes.bracketed_paste
        | _PASSWORD * modes.password
    )
    out.number(modes.mouse << 4 | flags)


def _unpack_modes(body: Reader) -> Modes:
    flags = body.number("modes", Mouse.MOTION << 4 | 15)
    return Modes(
        bool(flags & _ALTERNATE),
        bool(flags & _APPLICATION),
        bool(flags & _BRACKETED),
        Mouse(flags >> 4),
        bool(flags & _PASSWORD),
    )


def _pack_rows(out: Writer, rows: tuple[tuple[int, Row], ...]) -> None:
    """The styles in order of first use (0 is the plain one), then the rows."""
    styles = {PLAIN: 0}
    for _, row in rows:
        for run in row.runs:
            styles.setdefault(run.style, len(styles))
    if len(styles) > _MAX_STYLES:
        raise FrameError(f"{len(styles)} styles on one screen")
    out.number(len(styles) - 1)
    for style in list(styles)[1:]:
        _pack_style(out, style)
    out.number(len(rows))
    for y, row in rows:
        out.number(y)
        out.number(len(row.runs))
        for run in row.runs:
            out.number(styles[run.style] << 2 | run.width)
            out.number(len(run.text))
            if not run.width:
                out.number(run.cells)
        out.text(row.text)


def _unpack_rows(body: Reader) -> tuple[tuple[int, Row], ...]:
    count = body.number("styles", _MAX_STYLES)
    styles = [PLAIN, *(_unpack_style(body) for _ in range(count))]
    rows, last, cells = [], -1, 0
    for _ in range(body.number("rows", MAX_SIDE)):
        y = body.number("row number", MAX_SIDE - 1)
        if y <= last:
            raise FrameError("rows out of order")
        row = _unpack_row(body, styles)
        last, cells = y, cells + row.cells
        if cells > MAX_CELLS:
            raise FrameError(f"more than {MAX_CELLS} cells")
        rows.append((y, row))
    return tuple(rows)


def _with_wrapped(rows: tuple[tuple[int, Row], ...], body: Reader) -> tuple[tuple[int, Row], ...]:
    """The rows, those noted that go on in the next one."""
    count = body.number("wrapped rows", len(rows))
    wrapped = {body.number("a wrapped row", MAX_SIDE - 1) for _ in range(count)}
    if not wrapped <= {y for y, _ in rows}:
        raise FrameError("a wrapped row that is not there")
    return tuple((y, row._replace(wrapped=True) if y in wrapped else row) for y, row in rows)


def _unpack_row(body: Reader, styles: list[Style]) -> Row:
    parts = []
    for _ in range(body.number("runs", MAX_SIDE)):
        look = body.number("style of a run", len(styles) << 2)
        length = body.number("length of a run", MAX_FRAME)
        number, width = look >> 2, look & 3
        if number >= len(styles) or width > 2:
            raise FrameError("unknown style or width of a run")
        cells = length * width if width else body.number("width of a cluster", 2)
        if not (length and cells):
            raise FrameError("a run of nothing")
        parts.append((length, width, cells, styles[number]))
    text, at, runs = body.text("text of a row", _MAX_BODY), 0, []
    for length, width, cells, style in parts:
        runs.append(Run(text[at : at + length], width, cells, style))
        at += length
    if at != len(text):
        raise FrameError("text of a row does not fit its runs")
    return Row(tuple(runs)) if runs else BLANK


def _pack_style(out: Writer, style: Style) -> None:
    colours = (style.fg, style.bg, style.underline_colour)
    has = sum(1 << bit for bit, colour in enumerate(colours) if colour is not None)
    has |= _HAS_FLAGS * bool(style.flags) | _HAS_UNDERLINE * bool(style.underline)
    out.number(has | _HAS_LINK * bool(style.link))
    for colour in colours:
        if colour is not None:
            out.number(colour)
    if style.flags:
        out.number(style.flags)
    if style.underline:
        out.number(style.underline)
    if style.link:
        out.text(style.link)


def _unpack_style(body: Reader) -> Style:
    has = body.number("parts of a style", _HAS_LINK * 2 - 1)
    fg = _unpack_colour(body) if has & _HAS_FG else None
    bg = _unpack_colour(body) if has & _HAS_BG else None
    underline_colour = _unpack_colour(body) if has & _HAS_UNDERLINE_COLOUR else None
    flags = body.number("flags of a style", 0xFF) if has & _HAS_FLAGS else 0
    underline = body.number("underline", 5) if has & _HAS_UNDERLINE else 0
    link = body.text("link", _MAX_LINK) if has & _HAS_LINK else ""
    return Style(fg, bg, underline_colour, flags, underline, link)


def _unpack_colour(body: Reader) -> int:
    colour = body.number("colour", RGB | 0xFFFFFF)
    if 0xFF < colour < RGB:
        raise FrameError(f"{colour} is no colour")
    return colour
