from __future__ import annotations

from typing import Any

from pycrdt import Doc

from studio_tui.document.text import DISK, LOCAL, SharedText
from studio_tui.document.undo import PAUSE, Undo


class Desk:
    """A text, its undo stack, and a hand that types into it."""

    def __init__(self, content: str = "") -> None:
        self.now = 0
        self.text = SharedText(Doc())
        self.text.insert(0, content, DISK)
        self.undo = Undo(self.text, clock=lambda: self.now)

    def put(self, at: int, inserted: str, removed: int = 0) -> None:
        self.undo.expect(str(self.text)[at : at + removed], inserted)
        self.text.replace(at, at + removed, inserted)

    def type(self, keys: str) -> None:
        for key in keys:
            self.now += 50
            self.put(len(self.text), key)

    def steps(self) -> list[str]:
        """The text after each undo, until there is nothing to undo."""
        seen = []
        while self.undo.undo():
            seen.append(str(self.text))
        return seen


def test_typing_is_undone_word_by_word() -> None:
    desk = Desk()
    desk.type("one two three")
    assert desk.steps() == ["one two ", "one ", ""]


def test_a_pause_starts_a_step() -> None:
    desk = Desk()
    desk.type("abc")
    desk.now += PAUSE + 1
    desk.type("def")
    assert desk.steps() == ["abc", ""]


def test_a_line_break_is_a_step() -> None:
    desk = Desk()
    desk.type("ab\ncd")
    assert desk.steps() == ["ab\n", "ab", ""]


def test_a_paste_and_a_cut_are_steps_of_their_own() -> None:
    desk = Desk()
    desk.type("ab")
    desk.put(2, "PASTED")
    desk.type("cd")
    desk.put(0, "", removed=3)
    assert desk.steps() == ["abPASTEDcd", "abPASTED", "ab", ""]


def test_deleting_and_typing_are_apart() -> None:
    desk = Desk("seed")
    desk.type("ab")
    desk.put(5, "", removed=1)
    desk.put(4, "", removed=1)
    desk.type("cd")
    assert desk.steps() == ["seed", "seedab", "seed"]


def test_a_checkpoint_starts_a_step() -> None:
    desk = Desk()
    desk.type("ab")
    desk.undo.checkpoint()
    desk.undo.checkpoint()
    desk.type("cd")
    assert desk.steps() == ["ab", ""]


def test_redo_does_it_again() -> None:
    desk = Desk()
    assert not desk.undo.can_undo
    assert not desk.undo.redo()
    desk.type("one two")
    desk.undo.undo()
    assert desk.undo.can_redo
    assert desk.undo.redo()
    assert str(desk.text) == "one two"
    assert not desk.undo.can_redo
    desk.undo.undo()
    desk.type("x")
    assert not desk.undo.can_redo


def test_only_own_edits_are_undone() -> None:
    desk = Desk("base ")
    desk.type("hello world")
    other: Doc[Any] = Doc()
    other.apply_update(desk.text.doc.get_update())
    theirs = SharedText(other)
    theirs.insert(0, "> ")
    theirs.insert(len(theirs) - 2, "NEW")
    with desk.text.doc.transaction(origin="remote"):
        desk.text.doc.apply_update(other.get_update())
    desk.text.insert(0, "# ", DISK)
    assert str(desk.text) == "# > base hello worNEWld"
    assert desk.steps()[-1] == "# > base NEW"


def test_what_others_put_into_a_removed_passage_survives_undo() -> None:
    desk = Desk("hello world")
    other: Doc[Any] = Doc()
    other.apply_update(desk.text.doc.get_update())
    desk.put(0, "", removed=11)
    SharedText(other).insert(5, " NEW")
    desk.text.doc.apply_update(other.get_update())
    desk.undo.undo()
    assert str(desk.text) == "hello NEW world"


def test_an_observer_can_tell_an_undo_from_an_edit() -> None:
    desk, heard = Desk(), []
    desk.text.observe(lambda spans, origin: heard.append(origin))
    desk.type("a")
    desk.undo.undo()
    desk.undo.redo()
    assert heard == [LOCAL, desk.undo.replay_origin, desk.undo.replay_origin]


def test_what_was_selected_before_a_step_is_known_again() -> None:
    desk = Desk("héllo 日本 😀 end")
    ends = [desk.text.anchor(desk.text.to_byte(at)) for at in (6, 9)]
    desk.undo.expect("日本 ", "x", lambda: (ends[0], ends[1]))
    desk.text.replace(6, 9, "x")
    desk.undo.expect("", "y", lambda: (ends[1], ends[1]))  # the same step
    desk.text.insert(7, "y")
    desk.text.insert(0, "theirs ", DISK)
    assert desk.undo.undo()
    assert desk.undo.selection is not None
    found = [desk.text.resolve(end) for end in desk.undo.selection]
    assert found == [desk.text.to_byte(13), desk.text.to_byte(16)]


def test_edits_that_nobody_announced_do_not_shift_what_is_known() -> None:
    desk = Desk("base")
    place = desk.text.anchor(2), desk.text.anchor(3)
    desk.text.insert(0, "script ")
    desk.undo.undo()
    assert desk.undo.selection is None
    desk.undo.expect("", "a", lambda: place)
    desk.text.insert(0, "a")
    desk.undo.undo()
    desk.undo.redo()
    desk.undo.undo()
    assert desk.undo.selection == place
    assert not desk.undo.undo()
    assert desk.undo.selection is None
