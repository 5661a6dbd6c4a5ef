"""What people expect of a text area for code: whole lines, comments, brackets, wrapping."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import ClassVar

from textual import events
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.document._document import Location, Selection
from textual.message import Message
from textual.widgets import TextArea

from studio_tui.app.widgets.languages import comment_of
from studio_tui.app.widgets.line_edits import (
    LineEdit,
    indented,
    next_indent,
    outdented,
    toggled,
)
from studio_tui.app.widgets.text_field import InOrder

_BRACKETS = "([{)]}"


class CodeArea(TextArea, InOrder):
    """A text area with the keys of an editor for code. Subclasses give `make` and `path`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+underscore,ctrl+slash", "toggle_comment", show=False, id="editor.comment"),
        Binding("shift+tab", "outdent", show=False, id="editor.outdent"),
        Binding("ctrl+home", "text_start", show=False, id="editor.start"),
        Binding("ctrl+end", "text_end", show=False, id="editor.end"),
        Binding("ctrl+shift+home", "text_start(True)", show=False, id="editor.select_to_start"),
        Binding("ctrl+shift+end", "text_end(True)", show=False, id="editor.select_to_end"),
        Binding("alt+m", "bracket", "Other bracket", show=False, id="editor.bracket"),
        Binding("alt+z", "wrap", "Wrap lines", show=False, id="editor.wrap"),
        Binding("alt+n", "numbers", "Line numbers", show=False, id="editor.numbers"),
    ]

    path: str

    @dataclass
    class LinesToggled(Message):
        """The person chose how lines are shown: whether wrapped, whether with numbers."""

        wrap: bool
        numbers: bool

    def make(self, edits: Sequence[tuple[int, int, str]]) -> bool:
        """Make several edits, (start, end, text) in code points, as one undo step.

        Returns:
            Whether anything was done: nothing is in a text that must not be changed.
        """
        raise NotImplementedError

    # -- places -------------------------------------------------------------------------------

    @property
    def unit(self) -> str:
        """What one step of indentation is."""
        return "\t" if self.indent_type == "tabs" else " " * self.indent_width

    @property
    def selected_rows(self) -> range:
        """The lines that the selection touches; not one that it only ends at the start of."""
        (first, _), (last, column) = sorted(self.selection)
        return range(first, last + (column > 0 or first == last))

    def select_points(self, start: int, end: int) -> None:
        """Select from one code point of the text to another, and show it."""
        self.selection = Selection(self.location_of(start), self.location_of(end))
        self.scroll_cursor_visible(center=True)

    def location_of(self, point: int) -> Location:
        """Line and column of a code point."""
        before = self.text[:point]
        row = before.count("\n")
        return row, len(before) - (before.rfind("\n") + 1)

    def go_to(self, line: int, column: int = 1) -> None:
        """Put the caret on a line and column, both from 1, or where the text ends before that."""
        row = max(0, min(line, self.document.line_count) - 1)
        at = (row, max(0, min(column - 1, len(self.document.get_line(row)))))
        self.selection = Selection(at, at)
        self.scroll_cursor_visible(center=True)

    # -- keys ---------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        """Tab moves selected lines; Enter keeps the indentation."""
        if self.read_only:
            return
        (first, _), (last, _) = sorted(self.selection)
        if event.key == "tab" and first != last:
            self.action_indent()
        elif event.key == "enter" and self.selection.is_empty and self._indent_here():
            self._replace_via_keyboard("\n" + self._indent_here(), *self.selection)
        else:
            return
        event.stop()
        event.prevent_default()

    def _indent_here(self) -> str:
        row, column = self.selection.end
        return next_indent(self.document.get_line(row)[:column], self.unit)

    def action_indent(self) -> None:
        """Move the selected lines to the right."""
        self._change(indented(self.document.lines, self.selected_rows, self.unit))

    def action_outdent(self) -> None:
        """Move the selected lines to the left; shift+tab goes back where nothing can be changed."""
        if self.read_only:
            raise SkipAction
        self._change(outdented(self.document.lines, self.selected_rows, self.indent_width))

    def action_toggle_comment(self) -> None:
        """Make the selected lines comments, or code again."""
        mark = comment_of(self.path)
        if mark is None:
            self.app.bell()
        else:
            self._change(toggled(self.document.lines, self.selected_rows, mark))

    def _change(self, edits: Iterable[LineEdit]) -> None:
        """Edit lines; what was selected stays so, and all of the lines that were."""
        wanted = sorted(edits)
        if not wanted:
            return
        rows, whole = self.selected_rows, not self.selection.is_empty
        starts = list(accumulate((len(line) + 1 for line in self.document.lines), initial=0))
        made = self.make([(starts[r] + a, starts[r] + b, text) for r, a, b, text in wanted])
        if made and whole:
            last = rows[-1]
            self.selection = Selection((rows[0], 0), (last, len(self.document.get_line(last))))

    def action_text_start(self, select: bool = False) -> None:
        """Go to the start of the text; `select` what is in between."""
        self.move_cursor((0, 0), select=select)

    def action_text_end(self, select: bool = False) -> None:
        """Go to the end of the text; `select` what is in between."""
        self.move_cursor(self.document.end, select=select)

    def action_bracket(self) -> None:
        """Go to the other one of the pair of brackets that the caret is on, or behind."""
        row, column = self.selection.end
        line = self.document.get_line(row)
        for at in (column, column - 1):
            if 0 <= at < len(line) and line[at] in _BRACKETS:
                other = self.find_matching_bracket(line[at], (row, at))
                if other is not None:
                    self.selection = Selection(other, other)
                    self.scroll_cursor_visible()
                return

    def action_wrap(self) -> None:
        """Break long lines at the edge, or do not."""
        self.soft_wrap = not self.soft_wrap
        self._lines_toggled()

    def action_numbers(self) -> None:
        """Show the numbers of the lines, or do not."""
        self.show_line_numbers = not self.show_line_numbers
        self._lines_toggled()

    def _lines_toggled(self) -> None:
        self.post_message(self.LinesToggled(self.soft_wrap, self.show_line_numbers))
