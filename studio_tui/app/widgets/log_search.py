"""A log in which a line can be chosen, and text be found: here, and on the machine beyond it."""

from __future__ import annotations

import re

from textual import events

from studio_tui.app.widgets.log_buffer import LogBuffer
from studio_tui.app.widgets.log_stretch import LogStretch

FIND = "/"
"""The prompt of a search; others are a subclass's own."""
_QUERY_CAP = 200


class LogSearch(LogStretch, inherit_bindings=False):
    """A stretch of a log with a chosen line, a search, and a prompt for both in the title row."""

    def _forget(self, title: str, message: str) -> None:
        self._prompt, self._typed = "", ""
        self._query, self._back = "", False
        self._pattern: re.Pattern[str] | None = None
        super()._forget(title, message)

    def _hold(self, buffer: LogBuffer) -> None:
        self._found = ""
        self.chosen: int | None = None
        super()._hold(buffer)

    # -- a chosen line ------------------------------------------------------------------------

    def choose(self, number: int) -> None:
        """Choose a line by its number, and bring it into sight."""
        self.chosen = min(max(number, self.buffer.first), self.buffer.total - 1)
        self._show_line(self.chosen)

    def action_choose(self, step: int) -> None:
        """Choose the line above or below; at first, the last one that can be seen."""
        if len(self.buffer):
            self.choose(self._bottom if self.chosen is None else self.chosen + step)

    @property
    def _bottom(self) -> int:
        """The last line that can be seen."""
        row = self.scroll_offset.y + self.size.height - 2 - self._notices
        return min(self._rows.locate(row)[0], self.buffer.total - 1)

    # -- searching ----------------------------------------------------------------------------

    def action_search(self) -> None:
        """Ask in the title row for text to find."""
        self._prompt, self._typed = FIND, ""
        self.refresh()

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Whether a key is text for the prompt rather than a command."""
        return bool(self._prompt) and character is not None and character.isprintable()

    def on_key(self, event: events.Key) -> None:
        """Edit the prompt while it is open; escape leaves the search."""
        if not self._prompt:
            if event.key != "escape" or (self._pattern is None and self.chosen is None):
                return
            self._search("")
        elif event.key == "enter":
            self._entered()
        elif event.key == "escape":
            self._prompt = ""
        elif event.key == "backspace":
            self._typed = self._typed[:-1]
        elif event.character is not None and event.is_printable:
            self._typed = (self._typed + event.character)[:_QUERY_CAP]
        elif event.key in ("tab", "shift+tab"):
            self._prompt = ""
            return
        event.stop()
        event.prevent_default()
        self.refresh()

    def _entered(self) -> None:
        prompt, self._prompt = self._prompt, ""
        if prompt == FIND:
            self._search(self._typed)
        else:
            self._told(self._typed.strip())

    def _told(self, words: str) -> None:
        """What somebody typed into another prompt than that of a search."""

    def _search(self, query: str) -> None:
        self.chosen = None
        self._query, self._found = query, ""
        # Lower case finds both, as in less and vim.
        flags = re.IGNORECASE if query.islower() else 0
        self._pattern = re.compile(re.escape(query), flags) if query else None
        self._redraw()
        if query:
            self.action_find(-1)

    def action_find(self, step: int) -> None:
        """Go to the next (1) or previous (-1) line with a match, around the ends.

        What lies beyond the stretch that is here is searched on the machine.
        """
        if self._pattern is None:
            return
        search, first = self._pattern.search, self.buffer.first
        lines = [
            first + index for index in range(len(self.buffer)) if search(self.buffer[index].text)
        ]
        number = self._choose(lines, step)
        whole = self.buffer.start == 0 and self.buffer.end >= self.size_known
        if number is None and not whole:
            self._back, self._found = step < 0, "searching"
            self._want("match", self._query, back=self._back)
        elif not lines:
            self._found = "not found"
        else:
            number = lines[0 if step > 0 else -1] if number is None else number
            self._found = f"{lines.index(number) + 1} of {len(lines)}" if whole else ""
            self.choose(number)
        self.refresh()

    def _choose(self, lines: list[int], step: int) -> int | None:
        """The match after or before the chosen line; at first, the last one that can be seen."""
        start = self._bottom + 1 if self.chosen is None else self.chosen
        if step > 0:
            return next((number for number in lines if number > start), None)
        return next((number for number in reversed(lines) if number < start), None)

    def _redraw(self) -> None:
        """Draw every row anew: what stands out in them is something else."""
        self.refresh()

    def _show_line(self, number: int) -> None:
        row = self._rows.row_of((number, 0)) + self._notices
        visible = self.scroll_offset.y <= row < self.scroll_offset.y + self.size.height - 1
        if not visible:
            self.scroll_to(y=max(row - self.size.height // 2, 0), animate=False)
            self._set_follow(
                self.scroll_offset.y >= self.max_scroll_y and self.buffer.end >= self.size_known
            )
        self.refresh()

    def no_match(self) -> None:
        """What was searched for is nowhere in the log."""
        self._asked, self._found = "", "not found"
        self.refresh()
