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
    Command("search", "alt+s", "f", "search", "Search in all files, and replace", "search"),
    Command("run", "ctrl+r", "r", "run", "Run a script as a job", "run", True),
    Command("terminal", "ctrl+t", "t", "terminal", "Open a new shared terminal", "terminal", True),
    Command("people", "f9", "u", "people", "Show who is here, and where", "people"),
    Command("invite", "alt+i", "", "share an invite", "Let somebody into the studio", "invite"),
    Command("follow", "shift+f5", "j", "follow", "Follow somebody until your next key", "follow"),
    Command("comment", "alt+c", "c", "comment", "Comment, or answer one", "in_file('comment')"),
    Command("comments", "alt+v", "v", "comments", "List the comments of all files", "comments"),
    Command("bookmark", "alt+k", "m", "bookmark", "Mark this line for all", "in_file('bookmark')"),
    Command("break", "alt+d", "d", "breakpoint", "Mark it to stop at", "in_file('breakpoint')"),
    Command("mark.next", "alt+j", "n", "next mark", "Go to the next mark", "in_file('next_mark')"),
    Command("authors", "alt+a", "a", "who wrote", "Show each line's author", "in_file('authors')"),
    Command("save", "ctrl+s", "s", "save", "Write the open file to disk now", "save"),
    Command("machine", "ctrl+e", "e", "machine", "Show the studio's machines", "machine"),
    Command("data", "f10", "i", "data", "Look at buckets and warehouses", "data"),
    Command("point", "shift+f10", "y", "go there", "Go where somebody points", "point"),
    Command("take", "f8", "k", "take the keyboard", "Drive this terminal", "take"),
    Command("hand", "shift+f8", "h", "hand over", "Give the keyboard to somebody", "hand"),
    Command("history", "shift+f7", "pageup", "history", "Show what scrolled away", "history"),
    Command("look", "f7", "slash", "search it", "Search what the terminal printed", "look_back"),
    Command("ask", "alt+f8", "a", "ask for it", "Ask for the keyboard of this terminal", "ask"),
    Command("free", "ctrl+f8", "s", "let it go", "Free the keyboard, and unlock it", "free"),
    Command("lock", "ctrl+shift+f8", "x", "lock it", "Only the owner says who types here", "lock"),
    Command(
        "cut", "shift+f12", "exclamation_mark", "panic", "Nobody types anywhere, or again they can",
        "cut",
    ),
    Command("name", "shift+f2", "n", "name it", "Give this terminal a name", "rename"),
    Command("pin", "shift+f3", "z", "pin its size", "Keep this terminal's size, or let go", "pin"),
    Command("record", "ctrl+f5", "c", "record it", "Record this terminal, or stop that", "record"),
    Command("link", "shift+f4", "d", "addresses", "Follow an address on the screen", "link"),
    Command("pan.left", "ctrl+alt+left", "shift+left", "pan left", "See left", "pan(-1, 0)"),
    Command("pan.right", "ctrl+alt+right", "shift+right", "pan right", "See right", "pan(1, 0)"),
    Command("pan.up", "ctrl+alt+up", "shift+up", "pan up", "See above", "pan(0, -1)"),
    Command("pan.down", "ctrl+alt+down", "shift+down", "pan down", "See below", "pan(0, 1)"),
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
    Command("learn", "shift+f11", "", "learn", "Take a lesson, alone or together", "learn"),
    Command("theme", "shift+f9", "", "theme", "Change the colours", "theme"),
    Command("help", "f1,question_mark", "question_mark", "help", "Explain this", "help", True),
    Command("quit", "ctrl+q", "q", "quit", "Leave; the studio runs on", "leave", True),
)  # fmt: skip


def bindings(leader: str) -> list[Binding]:
    """The workspace's keys, the leader first."""
    first = Binding(leader, "leader", "leader", show=True, id=LEADER)
    return [first, *(command.binding for command in COMMANDS)]
