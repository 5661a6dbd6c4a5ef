"""Look for something in all files of the studio, and replace it there once that has been seen."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Key
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from studio_tui.app.screens.dialogs import FRAME, Confirm
from studio_tui.app.screens.modal import Modal
from studio_tui.app.truncate import clip_middle, scrub
from studio_tui.app.widgets.text_field import TextField
from studio_tui.app.words import plural
from studio_tui.client.project import Hit, Hits
from studio_tui.document.pattern import Edit, Pattern
from studio_tui.errors import StudioError

if TYPE_CHECKING:
    from studio_tui.app.screens.workspace import Workspace
    from studio_tui.client.project import Project

PAUSE = 0.2
"""Seconds without a key before the machine is asked."""
SHOWN = 500


class ProjectSearch(Modal[Hit | None]):
    """Lists the lines that were found; the one that is chosen, None when it was left.

    Args:
        project: the studio's files.
        query: what to begin with.
    """

    HELP = """\
### Search in all files

Lines are found while you type; **up** and **down** choose one, **Enter** goes there. **Tab** goes
to what shall stand in their place, which **alt+a** writes into all of them.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave", show=False, id="search.leave"),
        Binding("tab,shift+tab", "focus_other", "other field", show=False, id="search.other"),
        Binding("alt+c", "option('case')", "case", show=False, id="search.case"),
        Binding("alt+w", "option('word')", "whole words", show=False, id="search.word"),
        Binding("alt+x", "option('regex')", "expression", show=False, id="search.regex"),
        Binding("alt+a", "replace_all", "replace all", show=False, id="search.all"),
    ]
    DEFAULT_CSS = f"""
    ProjectSearch {{
        {FRAME}
        & > Vertical {{ width: 110; height: 90%; }}
        & Input {{ padding: 0 1; background: $panel; }}
        & OptionList {{ height: 1fr; margin: 1 0; background: $surface; }}
        & Static {{ color: $text-muted; }}
    }}
    """

    def __init__(self, project: Project, query: str = "") -> None:
        super().__init__()
        self._project = project
        self._query = query
        self._options = {"case": False, "word": False, "regex": False}
        self._found = Hits([], False)
        self.words = ""

    def compose(self) -> ComposeResult:
        """Two fields, and between them what was found."""
        with Vertical() as frame:
            frame.border_title = Content("search in all files")
            yield TextField(self._query, id="find", compact=True, placeholder="text in any file")
            yield Static("", id="state", markup=False)
            yield OptionList(compact=True)
            yield TextField(
                id="replace", compact=True, placeholder="what shall stand there instead"
            )
            hint = "enter: go there   tab: replace   alt+a: replace all   esc: leave"
            yield Static(hint, markup=False)

    def on_mount(self) -> None:
        """Look for what is given."""
        self.query_one("#find").focus()
        self._search()

    @property
    def pattern(self) -> Pattern:
        """What is looked for."""
        return Pattern(self.query_one("#find", Input).value, **self._options)

    @property
    def template(self) -> str:
        """What shall stand there instead."""
        return self.query_one("#replace", Input).value

    # -- looking ------------------------------------------------------------------------------

    @on(Input.Changed, "#find")
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._search()

    def action_option(self, option: str) -> None:
        """Look for capital letters, whole words, or by an expression; or not any more."""
        self._options[option] = not self._options[option]
        self._search()

    @work(exclusive=True, group="search")
    async def _search(self) -> None:
        pattern = self.pattern
        self._found = Hits([], False)
        if not pattern.query:
            self._show("")
            return
        try:
            pattern.check()
            self._say("looking …")
            await asyncio.sleep(PAUSE)
            self._found = await self._project.search(pattern)
        except StudioError as problem:
            self._show(problem.message, "$text-error")
            return
        files = plural(len(self._found.paths), "file")
        more = ", and more" if self._found.truncated else ""
        self._show(f"{plural(len(self._found.hits), 'line')} in {files}{more}")

    @on(Input.Changed, "#replace")
    def _template_typed(self, event: Input.Changed) -> None:
        event.stop()
        self._show(self.words)

    def _show(self, words: str, style: str = "") -> None:
        """List what was found, as it would be once replaced when there is something for that."""
        results = self.query_one(OptionList)
        chosen = results.highlighted or 0
        results.clear_options()
        try:
            results.add_options([Option(self._row(hit)) for hit in self._found.hits[:SHOWN]])
        except StudioError as problem:
            words, style = problem.message, "$text-error"
        if results.option_count:
            results.highlighted = min(chosen, results.option_count - 1)
        self._say(words, style)

    def _row(self, hit: Hit) -> Content:
        where = f"{clip_middle(scrub(hit.path), 40)}:{hit.line}  "
        if self.template:
            edits = self.pattern.replacements(hit.text, self.template)
        else:
            edits = [(start, end, "") for start, end in _spans(hit)]
        return Content.assemble((where, "$text-muted"), *_parts(hit.text, edits, self.template))

    def _say(self, words: str, style: str = "") -> None:
        keys = {"case": "alt+c Aa", "word": "alt+w word", "regex": "alt+x .*"}
        parts = [
            (f" {label} ", "reverse" if self._options[option] else "")
            for option, label in keys.items()
        ]
        self.words = words
        state = Content.assemble((words, style), " " * bool(words), *parts)
        self.query_one("#state", Static).update(state)

    # -- choosing -----------------------------------------------------------------------------

    def on_key(self, event: Key) -> None:
        """Up and down move through what was found."""
        results = self.query_one(OptionList)
        if event.key in ("up", "down") and not results.has_focus:
            getattr(results, f"action_cursor_{event.key}")()
            event.stop()
            event.prevent_default()

    def action_focus_other(self) -> None:
        """From one of the two fields to the other."""
        self.focus_next(Input)

    @on(Input.Submitted, "#find")
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._choose(self.query_one(OptionList).highlighted)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._choose(event.option_index)

    def _choose(self, at: int | None) -> None:
        if at is not None and at < len(self._found.hits):
            self.dismiss(self._found.hits[at])

    @on(Input.Submitted, "#replace")
    def _replace_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_replace_all()

    @work(exclusive=True, group="replace")
    async def action_replace_all(self) -> None:
        """Replace in all files that are listed, after one question."""
        paths, pattern, template = self._found.paths, self.pattern, self.template
        if not paths:
            return
        some = ", ".join(paths[:3]) + (" …" if len(paths) > 3 else "")
        body = (
            f"{pattern.query!r} becomes {template!r} in {plural(len(paths), 'file')}: {some}\n"
            "for everybody, and on the disk. Undo is one step in each file that is open."
        )
        question = Confirm("replace?", body, "replace", "leave them", danger=False)
        if not await self.app.push_screen_wait(question):
            return
        try:
            counts = await self._project.replace(pattern, template, paths)
        except StudioError as problem:
            self._say(problem.message, "$text-error")
            return
        self._found = Hits([], False)
        places = plural(sum(counts.values()), "place")
        self._show(f"{places} replaced in {plural(len(counts), 'file')}", "$text-success")


def _spans(hit: Hit) -> list[tuple[int, int]]:
    """The places in a line that make sense: the host may have sent anything."""
    spans, last = [], 0
    for span in hit.spans:
        if len(span) == 2 and last <= span[0] <= span[1] <= len(hit.text):
            spans.append((span[0], span[1]))
            last = span[1]
    return spans


def _parts(text: str, edits: list[Edit], template: str) -> list[tuple[str, str]]:
    """The line in pieces with their styles; what goes is struck out, and what comes follows."""
    parts, last = [], 0
    for start, end, new in edits:
        parts.append((scrub(text[last:start]), ""))
        parts.append((scrub(text[start:end]), "$text-error strike" if template else "bold reverse"))
        parts.append((scrub(new), "$text-success"))
        last = end
    return [*parts, (scrub(text[last:]), "")]


async def visit(workspace: Workspace) -> None:
    """Search; go to the line that was chosen."""
    pane = workspace.work_pane.editor
    selected = pane.editor.selected_text if pane is not None else ""
    query = "" if "\n" in selected else selected
    hit = await workspace.app.push_screen_wait(ProjectSearch(workspace.studio.project, query))
    if hit is not None:
        workspace.open_file(hit.path, line=hit.line)
