"""The shared editor: Textual's text area, bound both ways to a `SharedText`.

Every local edit goes through `Editor.edit`, which writes to the shared text first; what others
do arrives as spans and is done to the widget's document directly. After each of them
`editor.text == str(editor.shared)`.

It leans on private parts of one version of Textual; its tests notice when they change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual._text_area_theme import TextAreaTheme
from textual._tree_sitter import get_language
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.document._document import EditResult, Location, Selection
from textual.document._document_navigator import DocumentNavigator
from textual.document._edit import Edit
from textual.document._history import EditHistory
from textual.geometry import Offset, Region
from textual.message import Message

from studio_tui.app.widgets.carets import Caret, CaretLayer, Wash
from studio_tui.app.widgets.code_area import CodeArea
from studio_tui.app.widgets.kept_colors import moved
from studio_tui.app.widgets.languages import language_of
from studio_tui.app.widgets.lf_document import (
    LFDocument,
    LFSyntaxDocument,
    LFWrappedDocument,
    visible,
)
from studio_tui.document.anchor import Anchor
from studio_tui.document.text import SharedText, Span, utf8_length, without_surrogates
from studio_tui.document.undo import Undo

if TYPE_CHECKING:
    from textual.strip import Strip
    from textual.timer import Timer

MAX_COLORED_LINES = 20_000
MAX_COLORED_BYTES = 1 << 20
MARGIN = 20
"""Rows above and below the visible ones that are coloured with them."""

COLOR_SECONDS = 0.25
"""How long the colours of a large text may be behind it."""

BRACKET_REACH = 20_000
"""Characters that are searched for the other bracket of a pair."""

_THEMES = {"studio-dark": "vscode_dark", "studio-light": "github_light"}


class _OwnHistory(EditHistory):
    """Textual's undo history, emptied: steps are kept by the `Undo` of the shared text."""

    def __init__(self, own_edits: Undo) -> None:
        super().__init__(max_checkpoints=1, checkpoint_timer=1, checkpoint_max_characters=1)
        self._own_edits = own_edits

    def record(self, edit: Edit) -> None:
        """Keep nothing."""

    def checkpoint(self) -> None:
        """End the undo step: the caret was moved, or the focus came."""
        self._own_edits.checkpoint()


class Editor(CodeArea):
    """An editor for a shared text.

    Args:
        shared: the text; it outlives the editor.
        path: the file's name, to choose its colours by.
        own_edits: the undo stack, when it shall outlive the editor.
        carets: gives the carets of others, and the ranges that are commented on, each time the
            editor is painted; call `refresh()` when they have changed.
        read_only: nothing that is done in this editor changes the text.
        soft_wrap: break long lines at the edge.
        show_line_numbers: show the numbers of the lines.
    """

    DEFAULT_CSS = """
    Editor, Editor:focus { border: none; padding: 0; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "Save", id="editor.save"),
        Binding("ctrl+z,super+z", "undo", "Undo", show=False, id="editor.undo"),
        Binding("ctrl+y,super+y", "redo", "Redo", show=False, id="editor.redo"),
        # The app's, as in every place; what Textual has on them has another key, too.
        Binding("ctrl+e,f6,ctrl+pageup,ctrl+pagedown", "give_way", show=False),
    ]

    @dataclass
    class SaveRequested(Message):
        """The person asked for the file to be written now."""

        editor: Editor

        @property
        def control(self) -> Editor:
            """The editor it came from."""
            return self.editor

    @dataclass
    class SelectionPublished(Message):
        """The selection, or the text it is anchored in, changed: material for presence.

        Not throttled; `anchor` and `head` are JSON for `SharedText.resolve`.
        """

        editor: Editor
        anchor: Anchor
        head: Anchor

        @property
        def control(self) -> Editor:
            """The editor it came from."""
            return self.editor

    def __init__(
        self,
        shared: SharedText,
        *,
        path: str = "",
        own_edits: Undo | None = None,
        carets: Callable[[], Sequence[Caret | Wash]] = tuple,
        read_only: bool = False,
        soft_wrap: bool = False,
        show_line_numbers: bool = True,
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        self.shared = shared
        self.own_edits = own_edits or Undo(shared)
        self.carets = carets
        self._path = path
        self._unsubscribe: Callable[[], None] | None = None
        self._writing = False
        self._replaying = False
        self._applying = False
        self._published: tuple[Anchor, Anchor, int] | None = None
        self._publishing = False
        self._colored_rows: range | None = None
        self._coloring: Timer | None = None
        self._layer: CaretLayer | None = None
        super().__init__(
            str(shared),
            language=self._language(),
            soft_wrap=soft_wrap,
            tab_behavior="indent",
            read_only=read_only,
            show_line_numbers=show_line_numbers,
            name=name,
            id=id,
            classes=classes,
        )
        self.history = _OwnHistory(self.own_edits)
        for theme, model in _THEMES.items():
            self.register_theme(_theme(theme, model))

    # -- the document --------------------------------------------------------------------------

    @property
    def path(self) -> str:
        """The file's name; setting it chooses the colours anew."""
        return self._path

    @path.setter
    def path(self, path: str) -> None:
        self._path = path
        language = self._language()
        if language != self.language:
            self.language = language

    @property
    def lf_document(self) -> LFDocument:
        """The document, as what it always is here."""
        assert isinstance(self.document, LFDocument)
        return self.document

    def _language(self) -> str | None:
        lines = str(self.shared).count("\n") + 1
        if lines > MAX_COLORED_LINES or self.shared.size > MAX_COLORED_BYTES:
            return None
        language = language_of(self._path)
        return language if language and get_language(language) is not None else None

    def _set_document(self, text: str, language: str | None) -> None:
        """Make a new document of the text; the selection stays."""
        grammar = get_language(language) if language else None
        document: LFDocument
        if language and grammar is not None:
            document = syntax = LFSyntaxDocument(text, grammar)
            query = self._get_builtin_highlight_query(language)
            self._highlight_query = syntax.prepare_query(query)
        else:
            document = LFDocument(text)
            self._highlight_query = None
        start, end = (document.clamp(location) for location in self.selection)
        self.document = document
        self.wrapped_document = LFWrappedDocument(document, tab_width=self.indent_width)
        self.navigator = DocumentNavigator(self.wrapped_document)
        self._build_highlight_map()
        self.selection = Selection(start, end)
        self._rewrap_and_refresh_virtual_size()

    def load_text(self, text: str) -> None:
        """Replace the whole text, as an edit like any other."""
        self.replace(text, (0, 0), self.document.end)

    # -- from this person ----------------------------------------------------------------------

    def edit(self, edit: Edit) -> EditResult:
        """Make an edit, in the shared text first. Nothing happens when it is read-only."""
        document = self.lf_document
        top, bottom = sorted((document.clamp(edit.from_location), document.clamp(edit.to_location)))
        text = _normalized(edit.text)
        if self.read_only or not self.shared.writable or (top == bottom and not text):
            return EditResult(top, "")
        removed = document.get_text_range(top, bottom)
        self.own_edits.expect(removed, text, self._selected)
        self._writing = True
        try:
            start, end = document.byte_at(top), document.byte_at(bottom)
            self.shared.replace_bytes(start, end, text, self.own_edits.origin)
        finally:
            self._writing = False
        result = super().edit(Edit(text, top, bottom, edit.maintain_selection_offset))
        self._drop_colors_of_large_text()
        return result

    def make(self, edits: Sequence[tuple[int, int, str]]) -> bool:
        """Make several edits, (start, end, text) in code points, as one undo step."""
        if self.read_only or not self.shared.writable or not edits:
            return False
        self.own_edits.expect("\n", "\n", self._selected)
        self.shared.edit(edits, self.own_edits.origin)
        return True

    def undo(self) -> None:
        """Take back this person's last step, and select what they had; what others did stays."""
        if not self._replay(self.own_edits.undo):
            return
        ends = [self.shared.resolve(end) for end in self.own_edits.selection or ()]
        locations = [self.lf_document.location_at(byte) for byte in ends if byte is not None]
        if len(locations) == 2:
            self.selection = Selection(*locations)

    def redo(self) -> None:
        """Do this person's last undone step again."""
        self._replay(self.own_edits.redo)

    def action_give_way(self) -> None:
        """Let the app have a key."""
        raise SkipAction

    def action_save(self) -> None:
        """Ask for the file to be written."""
        self.post_message(self.SaveRequested(self))

    def _replay(self, step: Callable[[], bool]) -> bool:
        if self.read_only or not self.shared.writable:
            return False
        self._replaying = True
        try:
            return step()
        finally:
            self._replaying = False

    # -- from others ---------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Follow the shared text from now on."""
        self._unsubscribe = self.shared.observe(self._on_shared)
        if self.text != str(self.shared):
            self._set_document(str(self.shared), self._language())
        self._app_theme_changed()
        self._publish_soon()

    def on_unmount(self) -> None:
        """Follow it no longer."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None

    def _on_shared(self, spans: list[Span], origin: object) -> None:
        if self._writing:
            return
        self._applying = not self._replaying
        try:
            self._apply(spans)
        finally:
            self._applying = False

    def _apply(self, spans: list[Span]) -> None:
        """Do to the document what was done to the shared text.

        The selection and the first visible line stay with their characters; after an undo the
        caret goes to what was undone.
        """
        document = self.lf_document
        selection = [document.byte_at(location) for location in self.selection]
        first_line, first_section = self._first_visible()
        first_byte = document.byte_at((first_line, 0))
        self._splice(spans)
        for span in spans:
            selection = [_moved(byte, span) for byte in selection]
            first_byte = _moved(first_byte, span)
        if self._replaying:
            selection = [spans[-1].at + utf8_length(spans[-1].inserted)] * 2
        # The selection first: a new size may show a scroll bar, which looks for the caret.
        start, end = (document.location_at(byte) for byte in selection)
        self.selection = Selection(start, end)
        self._build_highlight_map()
        self._refresh_size()
        if self._replaying:
            self.scroll_cursor_visible()
        else:
            self._keep_first_visible(first_byte, first_section)
        self._drop_colors_of_large_text()
        self.post_message(self.Changed(self))
        self.refresh()

    def _splice(self, spans: list[Span]) -> None:
        """Change the lines, and wrap those from the first to the last changed one again."""
        document = self.lf_document
        gutter, lines = self.gutter_width, document.line_count
        top = document.location_at(spans[0].at)
        bottom = top
        for span in spans:
            start = document.location_at(span.at)
            end = document.location_at(span.at + utf8_length(span.removed))
            bottom = document.replace_range(start, end, span.inserted).end_location
        if self.gutter_width != gutter:
            self.wrapped_document.wrap(self.wrap_width, self.indent_width)
        else:
            old_bottom = (bottom[0] - (document.line_count - lines), 0)
            self.wrapped_document.wrap_range(top, old_bottom, bottom)

    def _first_visible(self) -> tuple[int, int]:
        """Line, and row within the line, at the top edge of the view."""
        rows = self.wrapped_document._offset_to_line_info
        return rows[max(0, min(self.scroll_offset.y, len(rows) - 1))]

    def _keep_first_visible(self, byte: int, section: int) -> None:
        line, _ = self.lf_document.location_at(byte)
        rows = self.wrapped_document._line_index_to_offsets[line]
        y = rows[min(section, len(rows) - 1)]
        if y != self.scroll_offset.y:
            self.scroll_to(y=y, animate=False, force=True, immediate=True)

    @property
    def first_line(self) -> int:
        """The line at the top edge of the view."""
        return self._first_visible()[0]

    def show_from(self, top: int | None, head: int | None) -> None:
        """Scroll so that byte `top` is in the first row, and byte `head` in sight; the caret stays.

        Args:
            top: None to scroll no further than `head` needs.
            head: None for nothing that must be seen.
        """
        x, y = self.scroll_offset
        if top is not None:
            x, y = 0, self._offset_of(top).y
        if head is not None:
            at, size = self._offset_of(head), self.scrollable_content_region.size
            width = max(1, size.width - self.gutter_width)
            x = min(max(x, at.x - width + 2), at.x)
            y = min(max(y, at.y - size.height + 1), at.y)
        self.scroll_to(x, y, animate=False, force=True, immediate=True)

    def _offset_of(self, byte: int) -> Offset:
        return self.wrapped_document.location_to_offset(self.lf_document.location_at(byte))

    def scroll_cursor_visible(self, center: bool = False, animate: bool = False) -> Offset:
        """Scroll to the caret, but not because somebody else typed."""
        if self._applying:
            self._recompute_cursor_offset()  # type: ignore[no-untyped-call]
            return Offset()
        return super().scroll_cursor_visible(center, animate)

    # -- presence ------------------------------------------------------------------------------

    def _watch_selection(self, previous_selection: Selection, selection: Selection) -> None:
        super()._watch_selection(previous_selection, selection)
        self._publish_soon()

    def _publish_soon(self) -> None:
        """Publish the selection after this message: the text may be in a transaction now."""
        if self._unsubscribe is not None and not self._publishing:
            self._publishing = True
            self.call_later(self._publish)

    def _selected(self) -> tuple[Anchor, Anchor]:
        """The selection, as it stays with its characters."""
        anchor, head = (self.shared.anchor(self.lf_document.byte_at(at)) for at in self.selection)
        return anchor, head

    def _publish(self) -> None:
        self._publishing = False
        anchor, head = self._selected()
        # Lines above come and go: the caret is on another line then, at the same character.
        published = (anchor, head, self.selection.end[0])
        if published != self._published:
            self._published = published
            self.post_message(self.SelectionPublished(self, anchor, head))

    # -- painting ------------------------------------------------------------------------------

    def _build_highlight_map(self) -> None:
        """Forget the colours; the next painting finds those of the rows it needs.

        Those of a large text move along with the edit: it is parsed again once nobody types.
        """
        self._line_cache.clear()
        document = self.document
        if self._colored_rows and isinstance(document, LFSyntaxDocument) and document.slow:
            for move in document.moves:
                self._highlights, self._colored_rows = moved(
                    self._highlights, self._colored_rows, move
                )
            document.moves.clear()
            self._color_later()
        else:
            self._forget_colors()

    def _forget_colors(self) -> None:
        self._line_cache.clear()
        self._highlights.clear()
        self._colored_rows = None

    def _color_later(self) -> None:
        if self._coloring is None:
            self._coloring = self.set_timer(COLOR_SECONDS, self._color_now)

    def _color_now(self) -> None:
        self._coloring = None
        if isinstance(self.document, LFSyntaxDocument):
            self.document.parse()
        self._forget_colors()
        self.refresh()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Paint the rows inside `crop`."""
        self._color_visible_rows()
        self._layer = self._caret_layer()
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """Paint a row, and over it the carets of others."""
        strip = super().render_line(y)
        row = y + self.scroll_offset.y
        if self._layer is None or row >= self.wrapped_document.height:
            return strip
        gutter = self.gutter_width
        width = min(strip.cell_length, self.scrollable_content_region.width)
        return self._layer.paint(row, strip, gutter - self.scroll_offset.x, gutter, width)

    def get_line(self, line_index: int) -> Text:
        """A line as plain text, with what cannot be seen made visible."""
        return Text(visible(self.document.get_line(line_index)), end="", no_wrap=True)

    def _visible_rows(self) -> range:
        top = self.scroll_offset.y
        return range(top, min(top + self.size.height, self.wrapped_document.height))

    @property
    def lines_in_sight(self) -> range:
        """The lines that can be seen, or a part of them."""
        rows, lines = self._visible_rows(), self.wrapped_document._offset_to_line_info
        return range(lines[rows[0]][0], lines[rows[-1]][0] + 1) if rows else range(0)

    def _caret_layer(self) -> CaretLayer | None:
        carets = self.carets()
        if not carets:
            return None
        own = self.selection.end if self.has_focus else None
        wrapped = self.wrapped_document
        assert isinstance(wrapped, LFWrappedDocument)
        background = self.background_colors[1]
        return CaretLayer(carets, wrapped, self.indent_width, self._visible_rows(), background, own)

    def _color_visible_rows(self) -> None:
        """Query the syntax tree for the visible rows and a margin, unless that is done."""
        lines = self.lines_in_sight
        if self._highlight_query is None or not lines:
            return
        first, last = lines[0], lines[-1]
        done = self._colored_rows
        if done is not None and first in done and last in done:
            return
        document = self.document
        if isinstance(document, LFSyntaxDocument) and document.new and document.slow:
            self._color_later()  # a large text is there before its colours
            return
        wanted = range(max(0, first - MARGIN), min(self.document.line_count, last + 1 + MARGIN))
        self._colored_rows = wanted
        self._highlights.clear()
        self._color(wanted)

    def _color(self, lines: range) -> None:
        query = self._highlight_query
        assert query is not None
        found = self.document.query_syntax_tree(query, (lines.start, 0), (lines.stop, 0))
        for name, nodes in found.items():
            for node in nodes:
                (first, start), (last, end) = node.start_point, node.end_point
                for line in range(max(first, lines.start), min(last + 1, lines.stop)):
                    until = end if line == last else None
                    if until != 0:
                        self._highlights[line].append((start if line == first else 0, until, name))

    def _drop_colors_of_large_text(self) -> None:
        if self.language and (
            self.document.line_count > MAX_COLORED_LINES or self.shared.size > MAX_COLORED_BYTES
        ):
            self.language = None

    def _app_theme_changed(self) -> None:
        self.theme = "studio-dark" if self.app.current_theme.dark else "studio-light"

    # The search for the other bracket walks the text a character at a time.

    def _yield_character_locations(self, start: Location) -> Iterable[tuple[str, Location]]:
        return islice(super()._yield_character_locations(start), BRACKET_REACH)

    def _yield_character_locations_reverse(self, start: Location) -> Iterable[tuple[str, Location]]:
        return islice(super()._yield_character_locations_reverse(start), BRACKET_REACH)


def _normalized(text: str) -> str:
    """What may go into a shared text: LF line ends, no lone surrogates."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return without_surrogates(text)


def _moved(byte: int, span: Span) -> int:
    """Where a position is after a span: text put exactly at it goes behind it."""
    if byte <= span.at:
        return byte
    removed = utf8_length(span.removed)
    if byte < span.at + removed:
        return span.at
    return byte - removed + utf8_length(span.inserted)


def _theme(name: str, model: str) -> TextAreaTheme:
    """The colours of a built-in theme for syntax alone; all else comes from the app's theme."""
    builtin = TextAreaTheme.get_builtin_theme(model)
    styles: dict[str, Any] = builtin.syntax_styles if builtin is not None else {}
    return TextAreaTheme(name, syntax_styles=styles)
