"""Documents for the editor: only LF ends a line, and bytes and locations convert both ways.

Textual's own documents break lines at form feeds, NEL and U+2028 too and give back other text
than they were given; and they count bytes from the top for each edit.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING

from textual._cells import cell_len
from textual.document._document import Document, EditResult, Location
from textual.document._syntax_aware_document import SyntaxAwareDocument
from textual.document._wrapped_document import WrappedDocument
from textual.geometry import Size
from tree_sitter import Parser

from studio_tui.app.widgets.kept_colors import Move
from studio_tui.document.text import utf8_length

if TYPE_CHECKING:
    from tree_sitter import Language, Node, Query, Tree

# Control characters, line separators and direction marks would act on the terminal or hide what
# a line says. Each becomes one visible character, so that columns stay what they are.
_VISIBLE = (
    {code: 0x2400 + code for code in range(0x20) if code != 0x09}
    | dict.fromkeys((*range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)), 0xFFFD)
    | {0x7F: 0x2421, 0x2028: 0x2424, 0x2029: 0x2424, 0x200E: 0xFFFD, 0x200F: 0xFFFD}
)


def visible(line: str) -> str:
    """The line as it is painted, column for column."""
    return line if line.isprintable() else line.translate(_VISIBLE)


class LFDocument(Document):
    """Lines of code points, with the byte length of each.

    `text` holds no lone surrogates, here and in `replace_range`.
    """

    def __init__(self, text: str) -> None:
        Document.__init__(self, "")
        self._newline = "\n"
        self._lines = text.split("\n")
        self._lengths = [utf8_length(line) + 1 for line in self._lines]
        self._text: str | None = text
        self._ends: list[int] = []  # byte after each line and its LF, for the first few lines
        self._widths: list[int] = []
        self._tab_width = 0

    @property
    def text(self) -> str:
        """The whole text; kept until the next edit, since each painted row asks for it."""
        if self._text is None:
            self._text = "\n".join(self._lines)
        return self._text

    def clamp(self, location: Location) -> Location:
        """The place in the text that is nearest to `location`."""
        row, column = location
        if row < 0:
            return (0, 0)
        if row >= len(self._lines):
            return self.end
        return (row, max(0, min(column, len(self._lines[row]))))

    def replace_range(self, start: Location, end: Location, text: str) -> EditResult:
        """Put `text` between two locations, which may be outside the text."""
        top, bottom = sorted((self.clamp(start), self.clamp(end)))
        replaced = self.get_text_range(top, bottom)
        lines = text.split("\n")
        column = len(lines[-1]) + (top[1] if len(lines) == 1 else 0)
        lines[0] = self._lines[top[0]][: top[1]] + lines[0]
        lines[-1] += self._lines[bottom[0]][bottom[1] :]
        rows = slice(top[0], bottom[0] + 1)
        self._lines[rows] = lines
        self._lengths[rows] = [utf8_length(line) + 1 for line in lines]
        if self._widths:
            self._widths[rows] = [self._width(line) for line in lines]
        del self._ends[top[0] :]
        self._text = None
        return EditResult((top[0] + len(lines) - 1, column), replaced)

    def get_size(self, tab_width: int) -> Size:
        """Cells of the widest line, and the number of lines."""
        if not self._widths or tab_width != self._tab_width:
            self._tab_width = tab_width
            self._widths = [self._width(line) for line in self._lines]
        return Size(max(self._widths), len(self._lines))

    def byte_at(self, location: Location) -> int:
        """The byte index of a location in the text."""
        row, column = location
        while len(self._ends) < row:
            self._add_end()
        return (self._ends[row - 1] if row else 0) + utf8_length(self._lines[row][:column])

    def location_at(self, byte: int) -> Location:
        """The location of a byte index; the end of the text for one that is past it."""
        while len(self._ends) < len(self._lines) and not (self._ends and self._ends[-1] > byte):
            self._add_end()
        row = bisect_right(self._ends, byte)
        if row >= len(self._lines):
            return self.end
        line, offset = self._lines[row], byte - (self._ends[row - 1] if row else 0)
        if self._lengths[row] == len(line) + 1:
            return (row, offset)
        return (row, len(line.encode()[:offset].decode(errors="ignore")))

    def _add_end(self) -> None:
        row = len(self._ends)
        self._ends.append((self._ends[-1] if row else 0) + self._lengths[row])

    def _width(self, line: str) -> int:
        return cell_len(line.expandtabs(self._tab_width))


QUICK_BYTES = 64 * 1024
"""A text of this size is parsed within a few milliseconds; one that is larger waits for a pause."""

_PROPERTIES = re.compile(r"\(#(?:set!|is\?|is-not\?)[^()]*\)")
"""What a query says of its captures for others to use. Beside a comparison in the same pattern it
makes tree-sitter 0.26.1 write over memory that is not its own; nothing here asks for it."""


class LFSyntaxDocument(LFDocument, SyntaxAwareDocument):
    """An `LFDocument` with a syntax tree, parsed only when somebody asks the tree.

    Attributes:
        moves: the edits since it was parsed.
    """

    def __init__(self, text: str, language: Language) -> None:
        LFDocument.__init__(self, text)
        self.language = language
        self.moves: list[Move] = []
        self._parser = Parser(language)
        self._tree: Tree | None = None
        self._parsed = False

    @property
    def slow(self) -> bool:
        """Whether parsing is due, and may take longer than a person notices."""
        return not self._parsed and sum(self._lengths) > QUICK_BYTES

    @property
    def new(self) -> bool:
        """Whether it was never parsed."""
        return self._tree is None

    def prepare_query(self, query: str) -> Query | None:
        """The query, for `query_syntax_tree`."""
        return super().prepare_query(_PROPERTIES.sub("", query))

    def replace_range(self, start: Location, end: Location, text: str) -> EditResult:
        """As `LFDocument.replace_range`, and tell the tree what moved."""
        top, bottom = sorted((self.clamp(start), self.clamp(end)))
        start_byte, end_byte = self.byte_at(top), self.byte_at(bottom)
        start_point, end_point = self._location_to_point(top), self._location_to_point(bottom)
        result = super().replace_range(top, bottom, text)
        move = Move(start_point, end_point, self._location_to_point(result.end_location))
        if self._tree is not None:
            self._tree.edit(
                start_byte=start_byte,
                old_end_byte=end_byte,
                new_end_byte=start_byte + utf8_length(text),
                start_point=move.start,
                old_end_point=move.old_end,
                new_end_point=move.new_end,
            )
        self.moves.append(move)
        self._parsed = False
        return result

    def parse(self) -> None:
        """Bring the tree up to date."""
        if not self._parsed:
            before = () if self._tree is None else (self._tree,)
            self._syntax_tree = self._tree = self._parser.parse(self.text.encode(), *before)
            self._parsed = True
            self.moves.clear()

    def query_syntax_tree(
        self,
        query: Query,
        start_point: tuple[int, int] | None = None,
        end_point: tuple[int, int] | None = None,
    ) -> dict[str, list[Node]]:
        """Captures of `query` between two points, each (row, byte in the row)."""
        self.parse()
        return super().query_syntax_tree(query, start_point, end_point)


class LFWrappedDocument(WrappedDocument):
    """The wrapped view, without sums over the whole text for every painted row."""

    @property
    def height(self) -> int:
        """Rows of the whole text as wrapped."""
        return len(self._offset_to_line_info)

    def get_sections(self, line_index: int) -> list[str]:
        """The rows of a line, as they are painted."""
        line = visible(self.document[line_index])
        cuts = [0, *self.get_offsets(line_index), len(line)]
        return [line[start:end] for start, end in pairwise(cuts)]
