"""Everything the workspace can do, as one table: keys, the leader's letters and the palette."""

from __future__ import annotations

from dataclasses import dataclass

from textual.binding import Binding


@dataclass(frozen=True, slots=True)
class Command:
    """One thing a person can do anywhere in the workspace.

    Args:
        id: stable name, for remapping its key in the settings.
        key: the key it has unless it is remapped; several with commas.
        letter: the key after the leader, "" for none.
        label: two or three words, for the hints and the leader's strip.
        help: one sentence, for the palette.
        action: the workspace's action.
        hint: whether the bottom line shows it.
    """

    id: str
    key: str
    letter: str
    label: str
    help: str
    action: str
    hint: bool = False

    @property
    def binding(self) -> Binding:
        """The command as a key of the workspace."""
        return Binding(self.key, self.action, self.label, show=self.hint, id=self.id)


LEADER = "leader"

COMMANDS = (
    Command("commands", "ctrl+p", "p", "commands", "Search everything", "commands", True),
    Command("open", "ctrl+o", "o", "open", "Open a file by typing part of its name", "find", True),
    Command("run", "ctrl+r", "r", "run", "Run a script as a job", "run", True),
    Command("terminal", "ctrl+t", "t", "terminal", "Open a new shared terminal", "terminal", True),
    Command("save", "ctrl+s", "s", "save", "Write the open file to disk now", "save"),
    Command("machine", "ctrl+e", "e", "machine", "Show the studio's machines", "machine"),
    Command("point", "f9", "j", "go there", "Go where somebody points", "point"),
    Command("take", "f8", "k", "take the keyboard", "Drive this terminal", "take"),
    Command("hand", "shift+f8", "h", "hand over", "Give the keyboard to somebody", "hand"),
    Command("history", "shift+f7", "pageup", "history", "Show what scrolled away", "history"),
    Command("tab.next", "ctrl+pagedown", "tab", "next tab", "Go to the next tab", "tab(1)"),
    Command("tab.previous", "ctrl+pageup", "shift+tab", "previous tab", "Go back a tab", "tab(-1)"),
    Command("tab.close", "ctrl+f4", "w", "close tab", "Close the file or terminal", "close_tab"),
    Command("files", "f2", "1", "files", "Go to the files", "go('files')"),
    Command("work", "f3", "2", "work", "Go to the open files and terminals", "go('work')"),
    Command("jobs", "f4", "3", "jobs", "Go to the machine and the jobs", "go('side')"),
    Command("log", "f5", "4", "log", "Go to the log", "go('log')"),
    Command("place.next", "f6", "", "next place", "Go to the next place", "step(1)"),
    Command("place.previous", "shift+f6", "", "previous place", "Go to the one before", "step(-1)"),
    Command("fold.files", "ctrl+b", "b", "fold files", "Fold or unfold the files", "fold('files')"),
    Command("fold.side", "ctrl+g", "g", "fold jobs", "Fold or unfold the jobs", "fold('side')"),
    Command("fold.log", "ctrl+l", "l", "fold log", "Fold or unfold the log", "fold('log')"),
    Command(
        "wider", "alt+shift+right", "right", "wider", "Make the focused place wider", "size(2, 0)"
    ),
    Command(
        "narrower", "alt+shift+left", "left", "narrower", "Make the focused place narrower",
        "size(-2, 0)",
    ),
    Command("taller", "alt+shift+up", "up", "taller log", "Give the log more rows", "size(0, 1)"),
    Command(
        "shorter", "alt+shift+down", "down", "shorter log", "Give the log fewer rows", "size(0, -1)"
    ),
    Command("theme", "shift+f9", "", "theme", "Change the colours", "theme"),
    Command("help", "f1,question_mark", "question_mark", "help", "Explain this", "help", True),
    Command("quit", "ctrl+q", "q", "quit", "Leave; the studio runs on", "leave", True),
)  # fmt: skip


def bindings(leader: str) -> list[Binding]:
    """The workspace's keys, the leader first."""
    first = Binding(leader, "leader", "leader", show=True, id=LEADER)
    return [first, *(command.binding for command in COMMANDS)]
