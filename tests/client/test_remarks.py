"""Comments and marks between two people on a real relay."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from studio_tui.client import remarks as module
from studio_tui.document.remarks import CommentEntry, MarkEntry, Remark
from studio_tui.errors import NotFound, Refused, StudioError, UsageFault

if TYPE_CHECKING:
    from .conftest import Stage

TEXT = "import torch\n\nlr = 0.1\nprint(lr)\n"


async def test_a_comment_is_answered_resolved_and_taken_away(stage: Stage) -> None:
    await stage.host.opens("train.py", TEXT)
    ana, bob = await stage.attach("ana"), await stage.attach("bob", "editor")
    mine, theirs = await ana.file("train.py"), await bob.file("train.py")
    made = mine.comment(19, 22, "  why 0.1?\n")
    assert (made.by, made.text, made.line, made.quote) == ("ana", "why 0.1?", 3, "0.1")
    await bob.until(lambda: bool(theirs.comments))
    await theirs.insert(0, "# bob\n")
    (thread,) = theirs.comments
    assert (thread.line, thread.path, thread.open) == (4, "train.py", True)

    answer = bob.remarks.reply(made.id[:6], "because")
    again = bob.remarks.reply(answer.id, "see the paper")
    await ana.until(lambda: len(mine.comments[0].replies) == 2)
    assert [reply.text for reply in mine.comments[0].replies] == ["because", "see the paper"]
    assert again.reply_to == made.id
    bob.remarks.resolve(answer.id)
    await ana.until(lambda: not mine.comments[0].open)
    assert mine.comments[0].plain()["resolved_by"] == "bob"
    ana.remarks.resolve(made.id, resolved=False)
    assert mine.comments[0].open

    ana.remarks.remove(answer.id)
    assert [reply.text for reply in mine.comments[0].replies] == ["see the paper"]
    ana.remarks.remove(made.id)
    assert mine.comments == []
    with pytest.raises(NotFound):
        ana.remarks.remove(made.id)
    with pytest.raises(NotFound):
        ana.remarks.reply("", "to nobody")


async def test_marks_are_shared_and_set_twice_they_are_gone(stage: Stage) -> None:
    await stage.host.opens("train.py", TEXT)
    ana, bob = await stage.attach("ana"), await stage.attach("bob", "editor")
    mine, theirs = await ana.file("train.py"), await bob.file("train.py")
    assert mine.mark_line(3, "breakpoint") is not None
    mine.mark_line(1)
    await bob.until(lambda: len(theirs.marks) == 2)
    await theirs.insert(0, "\n\n")
    assert [(mark.line, mark.kind) for mark in theirs.marks] == [(3, "bookmark"), (5, "breakpoint")]
    assert theirs.mark_line(5, "breakpoint") is None
    assert [mark.kind for mark in theirs.marks] == ["bookmark"]
    with pytest.raises(UsageFault):
        mine.mark_line(1, "skull")
    with pytest.raises(ValueError, match="line 99"):
        mine.mark_line(99)


async def test_they_follow_a_file_that_is_renamed_or_gets_a_new_room(stage: Stage) -> None:
    await stage.host.opens("train.py", TEXT)
    ana = await stage.attach("ana")
    file = await ana.file("train.py")
    file.comment(14, 22, "what of this?")
    files = stage.host.document.files
    files.put(replace(files["f1"], path="src/train.py"))
    await ana.until(lambda: file.entry.path == "src/train.py")
    assert [thread.path for thread in ana.remarks.threads()] == ["src/train.py"]
    # The host closed the file and opened it again: another room, another history.
    files.put(replace(files["f1"], path="train.py"))
    await ana.until(lambda: file.entry.path == "train.py")
    files.remove("f1")
    await stage.host.opens("train.py", "# new\n" + TEXT, "f2")
    await ana.until(lambda: "f2" in ana.document.files)
    (thread,) = (await ana.file("train.py")).comments
    assert thread.line == 4


async def test_who_may_not_and_what_makes_no_sense(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.host.opens("train.py", TEXT)
    ana, vera = await stage.attach("ana"), await stage.attach("vera", "viewer")
    file, seen = await ana.file("train.py"), await vera.file("train.py")
    with pytest.raises(Refused):
        seen.comment(0, 1, "hm")
    with pytest.raises(Refused):
        seen.mark_line(1)
    with pytest.raises(UsageFault):
        file.comment(0, 1, " \n")
    with pytest.raises(ValueError, match="position 999"):
        file.comment(0, 999, "x")
    monkeypatch.setattr(module, "COMMENTS_CAP", 1)
    monkeypatch.setattr(module, "MARKS_CAP", 1)
    for number in range(3):  # somebody else's keep nobody from saying something
        ana.document.comments.put(CommentEntry(f"c{number}", by="eve"))
        ana.document.marks.put(MarkEntry(f"m{number}", by="eve"))
    file.comment(0, 1, "one")
    file.mark_line(1)
    with pytest.raises(StudioError, match="you have 1 comments already"):
        file.comment(0, 1, "one more")
    with pytest.raises(StudioError, match="you have 1 marks already"):
        file.mark_line(2)
    assert (len(file.comments), len(file.marks), ana.remarks.left_out) == (1, 1, 0)


async def test_a_keystroke_reads_no_entry_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.host.opens("train.py", TEXT)
    ana = await stage.attach("ana")
    mine = await ana.file("train.py")
    made = mine.comment(0, 1, "why?")
    mine.mark_line(3)
    assert (len(mine.comments), len(mine.marks)) == (1, 1)
    read: list[str] = []
    plain = Remark.read.__func__  # type: ignore[attr-defined]

    def counted(kind: type[Remark], value: dict[str, object]) -> Remark:
        read.append(str(value["id"]))
        entry: Remark = plain(kind, value)
        return entry

    monkeypatch.setattr(Remark, "read", classmethod(counted))
    await mine.insert(0, "\n")
    assert (mine.comments[0].line, mine.marks[0].line) == (2, 4)
    assert read == []
    ana.remarks.resolve(made.id)
    assert not mine.comments[0].open
