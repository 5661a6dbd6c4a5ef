"""Find and replace in the text above it, with the keys for that in sight."""

from __future__ import annotations

from bisect import bisect_left
from itertools import islice
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Static

from studio_tui.app.widgets.carets import Wash
from studio_tui.app.widgets.editor import Editor
from studio_tui.app.widgets.text_field import TextField
from studio_tui.client.file import TEXT_CAP
from studio_tui.document.merge import joined
from studio_tui.document.pattern import Pattern, edited
from studio_tui.document.text import utf8_length
from studio_tui.errors import StudioError

MOST_EDITS = 2000
"""Edits of one replacement; above it neighbours are joined: each costs a walk through the text."""


MOST_MARKS = 500
"""Places in sight that are painted: a single line can have any number of them."""


class FindBar(Vertical):
    """Two fields under an editor: what is looked for, and what shall stand there.

    Args:
        editor: whose text is searched.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "back to the text", id="find.leave"),
        Binding("tab,shift+tab", "focus_other", "other field", show=False, id="find.other"),
        Binding("down", "step(1)", "next", show=False, id="find.next"),
        Binding("up", "step(-1)", "previous", show=False, id="find.previous"),
        Binding("alt+c", "option('case')", "case", show=False, id="find.case"),
        Binding("alt+w", "option('word')", "whole words", show=False, id="find.word"),
        Binding("alt+x", "option('regex')", "expression", show=False, id="find.regex"),
        Binding("alt+a", "replace_all", "replace all", show=False, id="find.all"),
    ]
    DEFAULT_CSS = """
    FindBar {
        display: none;
        height: 2;
        background: $panel;
        &.-open { display: block; }
        & > Horizontal { height: 1; }
        & Static { width: auto; padding: 0 1; color: $text-muted; }
        & Input { width: 1fr; padding: 0; background: $surface; }
        & Input:focus { background: $boost; }
    }
    """

    def __init__(self, editor: Editor) -> None:
        super().__init__()
        self._editor = editor
        self._options = {"case": False, "word": False, "regex": False}
        self._from = 0
        self._found: tuple[str, Pattern, list[tuple[int, int]]] | None = None
        self.words = ""

    def compose(self) -> ComposeResult:
        """The fields."""
        with Horizontal():
            yield Static("find   ", markup=False)
            yield TextField(id="find", compact=True, placeholder="text")
            yield Static("", id="state", markup=False)
        with Horizontal():
            yield Static("replace", markup=False)
            yield TextField(id="replace", compact=True, placeholder="enter: this one  alt+a: all")
            yield Static("tab  ↑↓  esc", markup=False)

    @property
    def pattern(self) -> Pattern:
        """What is looked for."""
        return Pattern(self.query_one("#find", Input).value, **self._options)

    def enter(self) -> None:
        """Look for what is selected, or for what was looked for last."""
        self.add_class("-open")
        start, end = sorted(self._editor.selection)
        field = self.query_one("#find", Input)
        self._from = self._point(start)
        if start[0] == end[0] and start != end:
            field.value = self._editor.get_text_range(start, end)
        self.screen.set_focus(field)  # now: what is typed next is looked for
        field.action_select_all()
        self._show()

    # -- looking ------------------------------------------------------------------------------

    @property
    def spans(self) -> list[tuple[int, int]]:
        """Where it stands in the text as it is now. Raises StudioError as `Pattern.spans` does."""
        text, pattern = self._editor.text, self.pattern
        if self._found is None or self._found[0] != text or self._found[1] != pattern:
            self._found = text, pattern, pattern.spans(text) if pattern.query else []
        return self._found[2]

    @on(Input.Changed, "#find")
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if event.input.has_focus:
            self._go(0)

    @on(Input.Submitted, "#find")
    def _next(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_step(1)

    def action_step(self, by: int) -> None:
        """Go to the next place, or the one before, around the end."""
        self._from = self._point(self._editor.selection.end if by > 0 else self._selected[0])
        self._go(by)

    def action_option(self, option: str) -> None:
        """Look for capital letters, whole words, or by an expression; or not any more."""
        self._options[option] = not self._options[option]
        self._go(0)

    def _go(self, by: int) -> None:
        """Select the first place from where the search began, or the last one before it."""
        try:
            spans = self.spans
        except StudioError as problem:
            self._say(problem.message, "$text-error")
            return
        if by < 0:
            before = [span for span in spans if span[0] < self._from]
            chosen = (before or spans)[-1:]
        else:
            chosen = [span for span in spans if span[0] >= self._from][:1] or spans[:1]
        if chosen:
            self._editor.select_points(*chosen[0])
        self._show()

    @property
    def _selected(self) -> list[tuple[int, int]]:
        return sorted(self._editor.selection)

    def _point(self, location: tuple[int, int]) -> int:
        row, column = location
        return sum(len(line) + 1 for line in self._editor.document.lines[:row]) + column

    def washes(self) -> list[Wash]:
        """The places in sight but the selected one, to be painted; none when this is closed."""
        lines = self._editor.lines_in_sight
        if not (self.has_class("-open") and lines):
            return []
        try:
            spans = self.spans
        except StudioError:
            return []
        document, color = self._editor.lf_document, self.app.theme_variables["warning"]
        at, end = (self._point((line, 0)) for line in (lines.start, lines.stop))
        byte, here, washes = document.byte_at((lines.start, 0)), self._selected, []
        text, point = "\n".join(document.lines[lines.start : lines.stop]), at
        for start, stop in islice(spans, *self._between(spans, at, end)):
            first = byte + utf8_length(text[point - at : start - at])
            byte = first + utf8_length(text[start - at : stop - at])
            point = stop
            washes.append(Wash(color, first, byte))
        selected = tuple(document.byte_at(location) for location in here)
        return [wash for wash in washes if (wash.start, wash.end) != selected]

    @staticmethod
    def _between(spans: list[tuple[int, int]], start: int, end: int) -> tuple[int, int]:
        """First and last number of the spans that begin there; no more than are painted."""
        first = bisect_left(spans, (start, 0))
        return first, min(bisect_left(spans, (end, 0)), first + MOST_MARKS)

    # -- replacing ----------------------------------------------------------------------------

    @on(Input.Submitted, "#replace")
    def _replace(self, event: Input.Submitted) -> None:
        """Replace the place that is selected, and go to the next one."""
        event.stop()
        here = tuple(self._point(location) for location in self._selected)
        edits = self._edits()
        this = [edit for edit in edits or [] if edit[:2] == here]
        if this and self._make(this):
            self._from = this[0][0] + len(this[0][2])
        if edits is not None:
            self._go(0)

    def action_replace_all(self) -> None:
        """Replace every place, as one step that can be undone."""
        edits = self._edits()
        if edits and self._make(edits):
            self._say(f"{len(edits)} replaced", "$text-success")
        elif edits is not None and not edits:
            self._show()

    def _edits(self) -> list[tuple[int, int, str]] | None:
        template = self.query_one("#replace", Input).value
        try:
            return self.pattern.replacements(self._editor.text, template)
        except StudioError as problem:
            self._say(problem.message, "$text-error")
            return None

    def _make(self, edits: list[tuple[int, int, str]]) -> bool:
        text = self._editor.text
        if utf8_length(edited(text, edits)) > TEXT_CAP:
            self._say(f"the text would be larger than {TEXT_CAP // 1024} KiB", "$text-error")
        elif self._editor.make(joined(edits, text, MOST_EDITS)):
            return True
        else:
            self._say("read only", "$text-warning")
        return False

    # -- showing ------------------------------------------------------------------------------

    def _show(self) -> None:
        """Tell which of how many places is selected, and what counts as one."""
        self._editor.refresh()
        here = tuple(self._point(location) for location in self._selected)
        try:
            spans = self.spans
        except StudioError as problem:
            self._say(problem.message, "$text-error")
            return
        number = spans.index(here) + 1 if here in spans else 0
        told = f"{number}/{len(spans)}" if number else str(len(spans))
        self._say(told if self.pattern.query else "", "")

    def _say(self, words: str, style: str) -> None:
        keys = {"case": "alt+c Aa", "word": "alt+w word", "regex": "alt+x .*"}
        parts = [
            (f" {label} ", "reverse" if self._options[option] else "$text-muted")
            for option, label in keys.items()
        ]
        self.words = words
        self.query_one("#state", Static).update(
            Content.assemble((words, style), " " * bool(words), *parts)
        )

    def action_focus_other(self) -> None:
        """From one of the two fields to the other."""
        first, second = self.query(Input)
        self.screen.set_focus(second if self.screen.focused is first else first)

    def action_leave(self) -> None:
        """Back to the text; what is selected stays so."""
        self.remove_class("-open")
        self._editor.refresh()
        self._editor.focus()
