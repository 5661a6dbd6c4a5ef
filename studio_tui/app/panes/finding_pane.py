"""What a checker says of a text, around its editor: signs, words, and a way to the next one."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.color import Color

from studio_tui.app.panes.place import StatusChanged
from studio_tui.app.panes.remark_pane import RemarkPane
from studio_tui.app.truncate import clip
from studio_tui.app.widgets.margin import Sign
from studio_tui.document.findings import Finding
from studio_tui.errors import StudioError

if TYPE_CHECKING:
    from studio_tui.client.attachment import Topic

ERROR, WARNING = "✗", "▲"
_STATUS_CELLS = 60
_LIST_CELLS = 46


class FindingPane(RemarkPane):
    """Shows what the checker says of the file. Subclasses give `editor`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("alt+e", "next_finding", "next problem", show=False, id="editor.problem"),
        Binding("alt+l", "findings", "problems", show=False, id="editor.problems"),
    ]

    _asked = False

    def on_mount(self) -> None:
        """Follow what is found; ask once for what was found before."""
        studio = self.file.studio
        self._stops.append(studio.observe(self._found))
        self._found("link")

    def _found(self, topic: Topic) -> None:
        studio = self.file.studio
        if topic == "findings":
            self.call_later(self._show_findings)
        elif topic in ("link", "people") and studio.reachable != self._asked:
            self._asked = studio.reachable
            if self._asked:
                self._load()

    @work(exclusive=True, group="findings")
    async def _load(self) -> None:
        """What was found is a help: a host that does not say shows nothing."""
        with contextlib.suppress(StudioError):
            await self.file.studio.findings.load()
            self._show_findings()

    def _show_findings(self) -> None:
        self.show_remarks()
        self.post_message(StatusChanged())

    @property
    def findings(self) -> list[Finding]:
        """What is wrong with the file, by line."""
        return self.file.studio.findings.of(self.file.id)

    def signs(self) -> dict[int, Sign]:
        """What stands beside lines; an error hides the warnings of its line."""
        shown: dict[int, Sign] = {}
        for each in sorted(self.findings, key=lambda finding: not finding.error):
            sign = Sign(ERROR, self._ink("error")) if each.error else None
            shown.setdefault(each.line - 1, sign or Sign(WARNING, self._ink("warning")))
        return shown

    def _ink(self, role: str) -> str:
        return Color.parse(self.app.theme_variables[role]).rich_color.name

    @property
    def finding_here(self) -> tuple[str, str]:
        """What is wrong with the caret's line, and the colour to say it in; "" when nothing is."""
        row = self.editor.selection.end[0] + 1
        here = [each for each in self.findings if each.line == row]
        if not here:
            return "", ""
        worst = next((each for each in here if each.error), here[0])
        words = clip(worst.words, _STATUS_CELLS)
        return f" {words} ", "$text-error" if worst.error else "$text-warning"

    def action_next_finding(self) -> None:
        """Go to the next problem after the caret, around the end."""
        row, column = self.editor.selection.end
        after = [each for each in self.findings if (each.line, each.column) > (row + 1, column + 1)]
        if found := (after or self.findings)[:1]:
            self.editor.go_to(found[0].line, found[0].column)

    @work(exclusive=True, group="list")
    async def action_findings(self) -> None:
        """List the problems of the file; go to the one that is chosen."""
        from studio_tui.app.screens.dialogs import Pick

        found = self.findings
        words = [
            f"{ERROR if each.error else WARNING} {each.line:>5}  {clip(each.words, _LIST_CELLS)}"
            for each in found
        ]
        choices = [(str(number), line) for number, line in enumerate(words)]
        hint = "enter: go there   esc: leave it" if found else "nothing was found in this file"
        chosen = await self.app.push_screen_wait(Pick("problems", choices, hint))
        if chosen is not None:
            each = found[int(chosen)]
            self.editor.go_to(each.line, each.column)
