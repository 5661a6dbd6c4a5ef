"""What the middle shows while nothing is open: where this is, and what to press first."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from studio_tui.app.bound import bound
from studio_tui.app.truncate import clip_middle, scrub
from studio_tui.client.studio import Studio

KEYS = (
    ("open", "find a file and open it"),
    ("terminal", "open a terminal that everybody sees"),
    ("run", "run a script as a job"),
    ("commands", "everything else, by name"),
    ("help", "help for the place that has the focus"),
)


class Welcome(Static, can_focus=True):
    """Teaches the first keys."""

    HELP = """\
### Welcome

Nothing is open yet. Choose a file on the left, or press one of the keys on the screen.
"""
    DEFAULT_CSS = """
    Welcome {
        width: 1fr;
        height: 1fr;
        content-align: center middle;
        color: $text-muted;
    }
    """

    def __init__(self, studio: Studio) -> None:
        super().__init__("", id="welcome", markup=False)
        self._studio = studio
        self._shown = Content("")
        self._waiting = ""

    def on_mount(self) -> None:
        """Show what is known."""
        self.show()

    def show(self) -> None:
        """Show the studio's name and folder, and the keys."""
        if self._waiting:
            self._write(Content(f"{scrub(self._waiting)} opens once the studio's host gives it"))
            return
        info = self._studio.document.info
        width = max(len(words) for _, words in KEYS) + 4
        lines = [Content.styled(scrub(info.name or self._studio.id), "bold $accent")]
        if info.dir:
            lines.append(Content(clip_middle(scrub(info.dir), width + 4)))
        me = self._studio.me
        if me is not None and me.role == "owner":
            # Another user of this computer needs an invite as well.
            lines.append(Content(f"you, on this computer: studio-tui attach {self._studio.id}"))
            invite = bound(self.app, "invite")
            lines.append(Content(f"others: {invite}, or studio-tui share {self._studio.id}"))
        lines.append(Content(""))
        lines += [
            Content.assemble((bound(self.app, id), "bold $text"), f"  {words}".ljust(width))
            for id, words in KEYS
        ]
        self._write(Content("\n").join(lines))

    def wait_for(self, path: str) -> None:
        """Say that a file is on its way; "" for none."""
        self._waiting = path
        self.show()

    def _write(self, content: Content) -> None:
        if content != self._shown:
            self._shown = content
            self.update(content)
