"""One line in a place that says what went wrong there, and what to do next."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from studio_tui.errors import Away, StudioError

FADE_SECONDS = 10.0


class Notice(Static):
    """Hidden until there is something to say."""

    DEFAULT_CSS = """
    Notice {
        display: none;
        width: 1fr;
        height: auto;
        max-height: 3;
        padding: 0 1;
        background: $error 20%;
        color: $foreground;
        &.-shown { display: block; }
        &.-news { background: $primary 20%; }
        &:ansi { background: ansi_default; color: ansi_red; }
    }
    """

    def __init__(self) -> None:
        super().__init__("", markup=False)
        self.words = ""
        self._passing = False

    def problem(self, error: StudioError) -> None:
        """Show an error with its next step."""
        self.remove_class("-news")
        hint = f" · {error.hint}" if error.hint else ""
        self._say(
            Content.assemble(("! ", "bold $text-error"), error.message, (hint, "$text-muted"))
        )
        self._passing = isinstance(error, Away)

    def news(self, text: str) -> None:
        """Show something that is worth knowing, and no error."""
        self.add_class("-news")
        self._say(Content(text))

    def fade(self) -> None:
        """Take away in a while what is said now."""
        said = self.words
        self.set_timer(FADE_SECONDS, lambda: self.clear() if self.words == said else None)

    def passed(self) -> None:
        """Whoever was away is here, or away for another reason: say no more of that."""
        if self._passing:
            self.clear()

    def _say(self, content: Content) -> None:
        self._passing = False
        self.words = content.plain
        self.update(content)
        self.add_class("-shown")

    def clear(self) -> None:
        """Say nothing more."""
        self.words = ""
        self.remove_class("-shown")

    def on_click(self) -> None:
        """A click takes it away."""
        self.clear()
