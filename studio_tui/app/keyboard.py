"""Whose a terminal's keyboard is, what this person can do about it, and how that is said."""

from __future__ import annotations

from dataclasses import dataclass

from studio_tui.app.truncate import clip, scrub
from studio_tui.document.entries import TerminalEntry
from studio_tui.errors import Away, Refused, StudioError

NAME_CELLS = 20
ROLE_HINT = "ask the owner for another role"


@dataclass(frozen=True)
class Keyboard:
    """The keyboard of one terminal, as one person has it. The host decides; this only foresees.

    Args:
        entry: the terminal as it is listed.
        connection: this app's, None while it is not joined.
        name: what this person is called.
        role: owner, editor or viewer.
        leader: the leader key, as people write it.
    """

    entry: TerminalEntry
    connection: int | None
    name: str
    role: str
    leader: str

    @property
    def mine(self) -> bool:
        """Whether this very app has it."""
        return self.connection is not None and self.entry.driver_connection == self.connection

    @property
    def _usable(self) -> bool:
        """Whether this person may have anything to do with it."""
        return self.entry.state == "running" and self.role in ("owner", "editor")

    @property
    def _owned(self) -> bool:
        return self._usable and self.role == "owner"

    @property
    def can_take(self) -> bool:
        """Whether it can be taken."""
        access = self.entry.access
        allowed = access == "open" or (access == "locked" and self.role == "owner")
        return self._usable and allowed and not self.mine

    @property
    def can_ask(self) -> bool:
        """Whether it can be asked for: somebody else has it, or it is locked."""
        entry = self.entry
        other = entry.driver is not None or entry.access == "locked"
        asked = self.name in entry.asking
        return self._usable and other and not self.mine and not asked and entry.access != "cut"

    @property
    def can_give(self) -> bool:
        """Whether it can be handed to somebody."""
        owned = self._owned or (self.mine and self.entry.access == "open")
        return self._usable and owned and self.entry.access != "cut"

    @property
    def can_free(self) -> bool:
        """Whether its driver, or the lock, can be made to go."""
        held = self.entry.driver is not None or self.entry.access == "locked"
        return self._usable and self.entry.access != "cut" and (self.mine or (self._owned and held))

    @property
    def can_lock(self) -> bool:
        """Whether from then on only the owner can say who has it."""
        return self._owned and self.entry.access == "open"

    @property
    def can_size(self) -> bool:
        """Whether this person may say how large the terminal is."""
        return self._owned or (self._usable and (self.mine or self.entry.driver is None))

    # -- words --------------------------------------------------------------------------------

    @property
    def who(self) -> str:
        """Who types, or asks to."""
        entry = self.entry
        asking = [name for name in entry.asking if name != self.name]
        if entry.state != "running":
            return f"ended with {entry.exit_code or 0}"
        if entry.access == "cut":
            return "■ the owner has cut all input"
        locked = "locked · " * (entry.access == "locked")
        if asking and self.can_give:
            return f"{locked}{clip(scrub(asking[0]), NAME_CELLS)} asks for the keyboard"
        if self.mine:
            return f"{locked}you type"
        if entry.driver:
            return f"{locked}⌨ {clip(scrub(entry.driver), NAME_CELLS)} types"
        return f"{locked}nobody types"

    @property
    def hint(self) -> str:
        """What this person can do about it, "" for nothing."""
        entry, leader = self.entry, self.leader
        if entry.state != "running":
            return f"{leader} w closes it"
        if entry.access == "cut":
            return f"{leader} ! gives it back" if self._owned else ""
        if self.can_give and any(name != self.name for name in entry.asking):
            return f"{leader} h hands it over"
        if self.mine:
            return f"{leader} leads out"
        if self.can_take:
            return "just type" if entry.driver is None else f"{leader} k takes the keyboard"
        if self.can_ask:
            return f"{leader} a asks for it"
        return "you asked for it" if self.name in entry.asking else ""

    @property
    def lead(self) -> str:
        """Where keys go that are pressed now; the leader key follows these words."""
        free = self.can_take and self.entry.driver is None
        if self.entry.state == "running" and (self.mine or free):
            return "every key goes to the terminal except"
        if self.role not in ("owner", "editor"):
            return "you look on: a viewer may not type"
        return " · ".join(filter(None, [self.who, self.hint]))

    @property
    def request(self) -> str:
        """What whoever has just asked for it is told."""
        locked = self.entry.access == "locked" or not self.entry.driver
        whom = "the owner" if locked else clip(scrub(self.entry.driver or ""), NAME_CELLS)
        then = f"{self.leader} k takes it at once" if self.can_take else "wait until it is yours"
        return f"you asked {whom} for the keyboard · {then}"

    def refusal(self, away: StudioError | None = None) -> StudioError:
        """Why what is typed here goes nowhere; `away` is what keeps it from the host, if so."""
        entry, leader = self.entry, self.leader
        if entry.state != "running":
            return Refused(
                "the program has ended", f"{leader} w closes the tab, {leader} t opens another"
            )
        if away is not None:
            return Away(f"{away.message}: nothing can be typed here", away.hint)
        if self.role not in ("owner", "editor"):
            return Refused("you look on: a viewer may not type", ROLE_HINT)
        if entry.access == "cut":
            hint = self.hint or "only the owner gives it back"
            return Refused("the owner has cut all input", hint)
        if entry.driver is None:
            return Refused("the owner has locked this terminal", self.hint)
        return Refused(f"{clip(scrub(entry.driver), NAME_CELLS)} types here", self.hint)

    def asked(self, before: TerminalEntry) -> str:
        """Who has asked since `before`, in words for whoever can give it; "" for nobody new."""
        new = [n for n in self.entry.asking if n not in before.asking and n != self.name]
        if not new or not self.can_give:
            return ""
        who = clip(scrub(new[0]), NAME_CELLS)
        return f"{who} asks for the keyboard · {self.leader} h hands it over"
