"""A file that cannot be edited together: binary or too large, read piece by piece."""

from __future__ import annotations

from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Log, Static

from studio_tui.app import units
from studio_tui.app.panes.place import StatusChanged
from studio_tui.app.problems import told
from studio_tui.app.truncate import scrub
from studio_tui.client.studio import Studio
from studio_tui.document.presence import Gaze

PIECE = 64 * 1024
BYTES_PER_ROW = 16


def dump(offset: int, data: bytes) -> list[str]:
    """Rows of a binary piece: offset, bytes in hexadecimal, the printable ones as text."""
    rows = []
    for at in range(0, len(data), BYTES_PER_ROW):
        row = data[at : at + BYTES_PER_ROW]
        hexed = " ".join(f"{byte:02x}" for byte in row)
        text = "".join(chr(byte) if 32 <= byte < 127 else "·" for byte in row)
        rows.append(f"{offset + at:08x}  {hexed:<{BYTES_PER_ROW * 3 - 1}}  {text}")
    return rows


class PagerPane(Vertical):
    """Reads one file; nothing in it can be changed.

    Args:
        studio: where the file is.
        path: relative to the studio's folder.
        why: why it cannot be edited.
    """

    HELP = """\
### Pager

This file cannot be edited together, so it is only read, piece by piece.

- **up**, **down**, **page up**, **page down** move; **m** reads the next piece
"""
    BINDINGS: ClassVar[list[BindingType]] = [Binding("m", "more", "more", id="pager.more")]
    DEFAULT_CSS = """
    PagerPane {
        & > #why { height: 1; background: $warning 20%; padding: 0 1; }
        & > Log { height: 1fr; scrollbar-size-vertical: 1; background: $background; }
    }
    """

    def __init__(self, studio: Studio, path: str, why: str) -> None:
        super().__init__()
        self._studio = studio
        self.path = path
        self._why = why
        self._read = 0
        self._total: int | None = None
        self._rest = b""

    def compose(self) -> ComposeResult:
        """The reason, then the content."""
        yield Static(f"read only · {self._why}", id="why", markup=False)
        yield Log(highlight=False, auto_scroll=False)

    def on_mount(self) -> None:
        """Read the first piece."""
        self.action_more()

    @property
    def status(self) -> Content:
        """What the lower edge of the frame tells."""
        if self._total is None:
            return Content(f" {self.path} ")
        more = " · m reads more" if self._read < self._total else ""
        return Content(
            f" {self.path}  {units.size(self._read)} of {units.size(self._total)}{more} "
        )

    def enter(self) -> None:
        """The content has the focus."""
        self.query_one(Log).focus()

    def show(self) -> None:
        """Nothing here follows the studio."""

    def look(self) -> None:
        """Tell the others what this person reads."""
        if self.display:
            self._studio.look(Gaze(path=self.path))

    @work(exclusive=True, group="read")
    async def action_more(self) -> None:
        """Read the next piece."""
        if self._total is not None and self._read >= self._total:
            return
        with told(self):
            piece = await self._studio.project.piece(self.path, self._read, PIECE)
            self._write(piece.data, piece.binary)
            self._read += len(piece.data)
            self._total = piece.size
            self.post_message(StatusChanged())

    def _write(self, data: bytes, binary: bool) -> None:
        log = self.query_one(Log)
        if binary:
            log.write_lines(dump(self._read, data))
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        last = self._total is not None and self._read + len(data) >= self._total
        if self._rest and (last or len(data) < PIECE):
            lines.append(self._rest)
            self._rest = b""
        log.write_lines([scrub(line.decode(errors="replace").expandtabs(8)) for line in lines])
