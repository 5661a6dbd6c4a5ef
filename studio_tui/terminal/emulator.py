"""A terminal emulator for the host: bytes of a program in; rows, cursor, modes, replies out."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from studio_tui.errors import UsageFault
from studio_tui.terminal.cells import clean, read_row
from studio_tui.terminal.ghostty import library
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
    Shape,
    Style,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST_TITLE = 256
_LONGEST_LINK = 2048
_LINES_UNLIMITED = 1 << 40
_CELL_BYTES = 10
"""Memory of a cell above the screen, a row's own share included."""
_MOST_SCROLLBACK = 32 << 20
_MOUSE_MODES: Final = (
    (1003, Mouse.MOTION),
    (1002, Mouse.DRAG),
    (1000, Mouse.CLICK),
    (9, Mouse.PRESS),
)

RowId = tuple[int, int]


class Changed(NamedTuple):
    """A row that differs from when it was last read; `row_id` stays with it as it scrolls."""

    y: int
    row_id: RowId
    row: Row


class History(NamedTuple):
    """Lines as text: `rows[0]` is line `first` of `total` (scrollback, then screen)."""

    rows: list[str]
    first: int
    total: int


class Painting(NamedTuple):
    """Lines as bytes for a terminal of `cols` columns and `lines` lines; else as `History`.

    `wrapped` has the lines, from 0, that go on in the next one: the bytes end all of them alike.
    """

    data: bytes
    cols: int
    lines: int
    first: int
    total: int
    wrapped: tuple[int, ...] = ()


def check_size(cols: int, lines: int) -> None:
    """Raise UsageFault unless a terminal may have this size."""
    sides = 1 <= cols <= MAX_SIDE and 1 <= lines <= MAX_SIDE
    if not sides or cols * lines > MAX_CELLS:
        raise UsageFault(
            f"a terminal cannot be {cols}x{lines}",
            f"Choose at most {MAX_SIDE} columns, {MAX_SIDE} rows and {MAX_CELLS} cells.",
        )


class Emulator:
    """The state of one terminal.

    Args:
        cols, lines: size in cells.
        on_reply: gets the bytes that the terminal answers to the program (device attributes, cursor
            reports);
            they belong into the pty's input. Only the host may pass it: a second one answering
            would confuse the program.
        scrollback: about as many lines are kept above the screen, fewer where they are very wide.
    """

    def __init__(
        self,
        cols: int,
        lines: int,
        on_reply: Callable[[bytes], None] | None = None,
        *,
        scrollback: int = 10_000,
    ) -> None:
        check_size(cols, lines)
        self._on_reply = on_reply
        self._replies: list[bytes] = []
        self.cols, self.lines = cols, lines
        self.bells = 0
        self._scrollback = scrollback
        self._load()
        self._configure()
        self.rows: list[Row] = [BLANK] * lines
        self._ids: list[RowId] = []

    def _load(self) -> None:
        library_ = library()
        self._ffi, self._lib, self._core = library_
        self._terminal = self._core.Terminal(self.cols, self.lines, _LINES_UNLIMITED)
        self.handle: Any = self._terminal._t[0]
        self._state = library_.new("render_state")
        self._iterator = library_.new("render_state_row_iterator")
        self._cells = library_.new("render_state_row_cells")
        new = self._ffi.new
        self._iterator_box = new("GhosttyRenderStateRowIterator*", self._iterator)
        self._cells_box = new("GhosttyRenderStateRowCells*", self._cells)
        self._y, self._view = new("uint16_t*"), new("GhosttyCellsView*")
        self._id, self._dirty = new("GhosttyRenderStateRowId*"), new("GhosttyRenderStateDirty*")
        self._row, self._wrapped = new("GhosttyRow*"), new("bool*")
        self._style_box = self._core.init_sized("GhosttyStyle")
        self._cursor_box = self._core.init_sized("GhosttyRenderStateCursor")

    def _configure(self) -> None:
        ffi, lib = self._ffi, self._lib
        self._limit_scrollback()
        # Nobody draws images here, and their protocol can name files of the host to read.
        self._set(lib.GHOSTTY_TERMINAL_OPT_KITTY_IMAGE_STORAGE_LIMIT, ffi.new("uint64_t*", 0))
        self._bell_callback = ffi.callback("GhosttyTerminalBellFn", self._ring)
        self._set(lib.GHOSTTY_TERMINAL_OPT_BELL, self._bell_callback)
        self._size_callback = ffi.callback("GhosttyTerminalSizeFn", self._report_size)
        self._set(lib.GHOSTTY_TERMINAL_OPT_SIZE, self._size_callback)
        self._terminal.on_reply(self._collect)

    def _limit_scrollback(self) -> None:
        """By bytes alone: pruning by lines makes a flood ten times slower."""
        size = min(self._scrollback * self.cols * _CELL_BYTES, _MOST_SCROLLBACK)
        option = self._lib.GHOSTTY_TERMINAL_OPT_SCROLLBACK_MAX_BYTES
        self._set(option, self._ffi.new("size_t*", size))

    def _set(self, option: int, value: Any) -> None:
        self._lib.ghostty_terminal_set(self.handle, option, value)

    # Called by the library in the middle of a feed: they only note, because a callback must not
    # re-enter it.

    def _ring(self, _terminal: Any, _data: Any) -> None:
        self.bells += 1

    def _collect(self, reply: bytes) -> None:
        self._replies.append(reply)

    def _report_size(self, _terminal: Any, _data: Any, out: Any) -> bool:
        out.rows, out.columns, out.cell_width, out.cell_height = self.lines, self.cols, 8, 16
        return True

    def feed(self, data: bytes) -> None:
        """Take what the program wrote; it may be cut anywhere between two calls."""
        self._terminal.feed(data)
        # A program may ask for 132 columns (DECCOLM); the pty has the size that we gave it, so the
        # screen keeps it.
        if self._terminal.size != (self.cols, self.lines):
            self._terminal.resize(self.cols, self.lines)
        replies, self._replies = self._replies, []
        if self._on_reply is not None:
            for reply in replies:
                self._on_reply(reply)

    @property
    def settled(self) -> bool:
        """Whether what was fed so far ends with a whole character or sequence."""
        return bool(self._terminal.feed_until_ground(b"") == 0)

    def reference(self, x: int, y: int) -> Any:
        """The library's name for a cell of the screen; good until the next feed."""
        return self._terminal.ref(x, y)[0]

    def resize(self, cols: int, lines: int) -> None:
        """Change the size and wrap the primary screen anew; UsageFault when out of bounds."""
        check_size(cols, lines)
        if (cols, lines) != (self.cols, self.lines):
            self.cols, self.lines = cols, lines
            self._limit_scrollback()
            self._terminal.resize(cols, lines)

    def changed_rows(self) -> list[Changed]:
        """Rows that changed since the last call; `rows` and `row_ids` are brought up to date."""
        lib = self._lib
        lib.ghostty_render_state_update(self._state, self.handle)
        lib.ghostty_render_state_get(self._state, lib.GHOSTTY_RENDER_STATE_DATA_DIRTY, self._dirty)
        if len(self.rows) != self.lines:
            self.rows = [BLANK] * self.lines
        self._ids = self._read_ids()
        if not self._dirty[0]:
            return []
        changed = []
        self._rewind()
        while lib.ghostty_render_state_row_iterator_next_dirty(self._iterator, self._y):
            y = self._y[0]
            row = self.rows[y] = self._read_row(y)
            changed.append(Changed(y, self._ids[y], row))
        lib.ghostty_render_state_clean(self._state)
        return changed

    def row_ids(self) -> list[RowId]:
        """The id of every row of the screen as of the last `changed_rows`, top to bottom."""
        return self._ids

    def _rewind(self) -> None:
        key = self._lib.GHOSTTY_RENDER_STATE_DATA_ROW_ITERATOR
        self._lib.ghostty_render_state_get(self._state, key, self._iterator_box)

    def _read_ids(self) -> list[RowId]:
        self._rewind()
        lib, key = self._lib, self._lib.GHOSTTY_RENDER_STATE_ROW_DATA_ID
        ids = []
        while lib.ghostty_render_state_row_iterator_next(self._iterator):
            lib.ghostty_render_state_row_get(self._iterator, key, self._id)
            ids.append((self._id.bits[0], self._id.bits[1]))
        return ids

    def _read_row(self, y: int) -> Row:
        lib = self._lib
        lib.ghostty_render_state_row_get(
            self._iterator, lib.GHOSTTY_RENDER_STATE_ROW_DATA_CELLS_RAW, self._view
        )
        lib.ghostty_render_state_row_get(
            self._iterator, lib.GHOSTTY_RENDER_STATE_ROW_DATA_CELLS, self._cells_box
        )
        lib.ghostty_render_state_row_get(
            self._iterator, lib.GHOSTTY_RENDER_STATE_ROW_DATA_RAW, self._row
        )
        values = array("Q")
        values.frombytes(self._ffi.buffer(self._view.ptr, self._view.len * 8))
        row = read_row(values, _Line(self, y))
        return row._replace(wrapped=True) if self._is_wrapped() else row

    def _is_wrapped(self) -> bool:
        """Whether the row in `_row` goes on in the next one."""
        key = self._lib.GHOSTTY_ROW_DATA_WRAP
        self._lib.ghostty_row_get(self._row[0], key, self._wrapped)
        return bool(self._wrapped[0])

    def cell_style(self, x: int) -> Style:
        """The style of column `x` of the line being read."""
        lib, style = self._lib, self._style_box
        lib.ghostty_render_state_row_cells_select(self._cells, x)
        key = lib.GHOSTTY_RENDER_STATE_ROW_CELLS_DATA_STYLE
        if lib.ghostty_render_state_row_cells_get(self._cells, key, style):
            return PLAIN
        flags = (
            style.bold
            | style.italic << 1
            | style.faint << 2
            | style.blink << 3
            | style.inverse << 4
            | style.invisible << 5
            | style.strikethrough << 6
            | style.overline << 7
        )
        fg, bg = _colour(style.fg_color), _colour(style.bg_color)
        return Style(fg, bg, _colour(style.underline_color), flags, style.underline)

    def cell_cluster(self, x: int) -> str:
        """All code points of column `x` of the line being read."""
        ffi, lib = self._ffi, self._lib
        lib.ghostty_render_state_row_cells_select(self._cells, x)
        length = ffi.new("uint32_t*")
        key = lib.GHOSTTY_RENDER_STATE_ROW_CELLS_DATA_GRAPHEMES_LEN
        lib.ghostty_render_state_row_cells_get(self._cells, key, length)
        points = ffi.new("uint32_t[]", max(length[0], 1))
        key = lib.GHOSTTY_RENDER_STATE_ROW_CELLS_DATA_GRAPHEMES_BUF
        lib.ghostty_render_state_row_cells_get(self._cells, key, points)
        return "".join(map(chr, points[0 : length[0]])) or " "

    def cell_link(self, x: int, y: int) -> str:
        """The address of the hyperlink at (x, y); empty when there is none, or one too long."""
        buffer, length = self._ffi.new("uint8_t[]", _LONGEST_LINK), self._ffi.new("size_t*")
        place = self._terminal.ref(x, y)
        if self._lib.ghostty_grid_ref_hyperlink_uri(place, buffer, _LONGEST_LINK, length):
            return ""
        link = clean(bytes(self._ffi.buffer(buffer, length[0])).decode(errors="replace"))
        return link if len(link.encode()) <= _LONGEST_LINK else ""

    @property
    def cursor(self) -> Cursor:
        """The cursor as of the last `changed_rows`."""
        lib, box = self._lib, self._cursor_box
        lib.ghostty_render_state_get(self._state, lib.GHOSTTY_RENDER_STATE_DATA_CURSOR, box)
        x, y = min(box.viewport_x, self.cols - 1), min(box.viewport_y, self.lines - 1)
        visible = bool(box.visible and box.viewport_has_value)
        return Cursor(x, y, visible, Shape(int(box.visual_style)), bool(box.blinking))

    @property
    def title(self) -> str:
        """What the program named the window, cleaned and cut; empty when it never did."""
        text = self._terminal.get("title", "GhosttyString")
        if not text.len:
            return ""
        return clean(bytes(self._ffi.buffer(text.ptr, text.len)).decode(errors="replace"))[
            :_LONGEST_TITLE
        ]

    @property
    def modes(self) -> Modes:
        """The modes that viewers need; `password` is the pty's business, so always False here."""
        terminal = self._terminal
        alternate = terminal.get("active_screen", "GhosttyTerminalScreen")
        mouse = next((kind for mode, kind in _MOUSE_MODES if terminal.mode(mode)), Mouse.NONE)
        return Modes(bool(alternate), terminal.mode(1), terminal.mode(2004), mouse)

    @property
    def kitty_keyboard(self) -> int:
        """The flags of kitty's keyboard protocol; 0 for an ordinary terminal."""
        return int(self._terminal.get("kitty_keyboard_flags", "uint8_t"))

    @property
    def scrolls_with_arrows(self) -> bool:
        """Whether the wheel is arrow keys: on the alternate screen, unless the program said no."""
        return self.modes.alternate and bool(self._terminal.mode(1007))

    @property
    def held(self) -> bool:
        """Whether the program asked not to be drawn until it is done (synchronized output)."""
        return bool(self._terminal.mode(2026))

    @property
    def scrollback(self) -> int:
        """Lines kept above the screen."""
        return int(self._terminal.get("scrollback_rows", "size_t"))

    def history(self, start: int, count: int) -> History:
        """Up to `count` lines from line `start`: 0 is the oldest kept, -1 the last."""
        first, count, total = self._stretch(start, count)
        if not count:
            return History([], first, total)
        rows = [clean(line) for line in self._formatted(first, count).split("\n")]
        return History(rows + [""] * (count - len(rows)), first, total)

    def painted_history(self, start: int, count: int) -> Painting:
        """The same lines as what a program would write to paint them."""
        first, count, total = self._stretch(start, count)
        if not count:
            return Painting(b"", self.cols, 0, first, total)
        painted = self._formatted(first, count, painted=True)
        # The library begins with its whole palette; nobody looks at it here.
        data = painted[painted.rfind("\x1b\\") + 2 if painted.startswith("\x1b]4;") else 0 :]
        wrapped = tuple(y for y in range(count) if self._goes_on(first + y))
        return Painting(data.encode(errors="replace"), self.cols, count, first, total, wrapped)

    def _goes_on(self, line: int) -> bool:
        """Whether a line, counted from the oldest one kept, goes on in the next one."""
        self._lib.ghostty_grid_ref_row(self._terminal.ref(0, line, "screen"), self._row)
        return self._is_wrapped()

    def _stretch(self, start: int, count: int) -> tuple[int, int, int]:
        """(first line, number of lines, lines in all) of what was asked for, as far as it is."""
        total = int(self._terminal.get("total_rows", "size_t"))
        first = max(0, min(start if start >= 0 else total + start, total))
        return first, max(0, min(count, total - first)), total

    def _formatted(self, first: int, count: int, *, painted: bool = False) -> str:
        core, lib = self._core, self._lib
        selection = core.init_sized("GhosttySelection")
        selection.start = self._terminal.ref(0, first, "screen")[0]
        selection.end = self._terminal.ref(self.cols - 1, first + count - 1, "screen")[0]
        options = core.init_sized("GhosttyTerminalSelectionFormatOptions")
        kind = "VT" if painted else "PLAIN"
        options.emit = getattr(lib, f"GHOSTTY_FORMATTER_FORMAT_{kind}")
        options.unwrap, options.trim, options.selection = False, not painted, selection
        write = lib.ghostty_terminal_selection_format_buf
        return str(core.read_buf(lambda *into: write(self.handle, options[0], *into)))

    def close(self) -> None:
        """Free the terminal's memory now instead of with the last reference."""
        self._cells = self._iterator = self._state = None
        self._terminal.close()


class _Line:
    """Looks things up for one line, while the library's row iterator stands on it."""

    def __init__(self, emulator: Emulator, y: int) -> None:
        self._y = y
        self.style = emulator.cell_style
        self.cluster = emulator.cell_cluster
        self._link = emulator.cell_link

    def link(self, x: int) -> str:
        return self._link(x, self._y)


def _colour(colour: Any) -> int | None:
    if colour.tag == 0:
        return None
    if colour.tag == 1:
        return int(colour.value.palette)
    rgb = colour.value.rgb
    return RGB | int(rgb.r) << 16 | int(rgb.g) << 8 | int(rgb.b)
