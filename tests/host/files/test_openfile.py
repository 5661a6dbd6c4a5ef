from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from relay_server.wire import Message
from studio_tui.document.authors import Authors
from studio_tui.document.entries import FileEntry
from studio_tui.document.replica import Replica
from studio_tui.document.text import SharedText
from studio_tui.errors import StudioError
from studio_tui.host.files import disk, openfile
from studio_tui.host.files.backups import Backups
from studio_tui.host.files.disk import Stamp
from studio_tui.host.files.folder import Folder
from studio_tui.host.files.openfile import OpenFile
from studio_tui.host.files.shadow import Shadow, Written
from studio_tui.machines.connection import ConnectionLost
from studio_tui.sync.room import Phase, Room
from tests.host.conftest import folder_on

pytestmark = pytest.mark.usefixtures("brisk")

NAME = "src/a.py"
ROOM = "calm-otter/file/1@1"


class Desk:
    """One file, the host that has it open, and a person who edits it over a relay.

    The person's copy is the relay's, too: a new host gets the room's content from it.
    """

    def __init__(self, home: Path, root: Path, folder: Folder) -> None:
        self.home = home
        self.root = root
        self.path = root / NAME
        self.folder = folder
        self.told: list[FileEntry] = []
        self.relay = Replica()
        self.person = SharedText(self.relay.doc)
        self.file: OpenFile
        self._saving: asyncio.Task[None] | None = None

    async def start(self, *, saving: bool = False) -> OpenFile:
        """A host opens the file; after a crash it is the next one."""
        room = Room(ROOM, _nowhere, "")
        room.replica.apply(self.relay.missing_from(room.replica.state_vector()))
        self.backups = Backups(self.home / "backups")
        shadow = Shadow(self.home / "shadow.json", ROOM)
        entry = self.told[-1] if self.told else FileEntry("1", NAME, ROOM, "saved")
        self.file = OpenFile(entry, self.folder, room, shadow, self.backups, self.told.append)
        try:
            await self.file.bind(await self.folder.load(NAME))
        except StudioError as problem:
            await self.file.bind(problem)
        self.told.append(self.file.entry)
        self.sync()
        if saving:
            self._saving = asyncio.create_task(self.file.keep_saved())
        return self.file

    def crash(self) -> None:
        """The host is gone, without a word."""
        if self._saving is not None:
            self._saving.cancel()
        self.file.text.close()

    def sync(self) -> None:
        """What the host wrote reaches the person, and what the person wrote the host."""
        host = self.file.room.replica
        self.relay.apply(host.missing_from(self.relay.state_vector()))
        host.apply(self.relay.missing_from(host.state_vector()))

    def type(self, at: int, text: str) -> None:
        self.person.insert(at, text)
        self.sync()

    def delete(self, start: int, end: int) -> None:
        self.person.delete(start, end)
        self.sync()

    @property
    def text(self) -> str:
        self.sync()
        assert str(self.person) == str(self.file.text)
        return str(self.person)

    @property
    def state(self) -> str:
        return self.file.entry.state

    @property
    def note(self) -> str:
        return self.file.entry.note

    def kept(self) -> dict[str, bytes]:
        """The backups, by side."""
        return {path.suffix[1:]: path.read_bytes() for path in self.backups.folder.iterdir()}

    async def close(self) -> None:
        if self._saving is not None:
            self._saving.cancel()
            await asyncio.wait([self._saving])


def _nowhere(message: Message) -> None:
    """There is no relay to send to."""


async def until(desk: Desk, state: str) -> None:
    async with asyncio.timeout(10):
        while desk.state != state:
            await asyncio.sleep(0.005)


@asynccontextmanager
async def desk_in(home: Path, prelude: str = "") -> AsyncIterator[Desk]:
    root = (home / "project").resolve()
    (root / "src").mkdir(parents=True)
    async with folder_on(home / "machine", root, prelude=prelude) as folder:
        made = Desk(home, root, folder)
        yield made
        await made.close()


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk_in(tmp_path) as made:
        yield made


# -- seeding and saving -----------------------------------------------------------------------


async def test_a_file_is_seeded_and_saved(desk: Desk) -> None:
    desk.path.write_bytes(b"\xef\xbb\xbfa\r\nb")
    await desk.start()
    assert desk.text == "a\nb"
    assert desk.state == "saved"
    desk.type(2, "new\n")
    assert desk.state == "unsaved"
    await desk.file.save()
    assert desk.path.read_bytes() == b"\xef\xbb\xbfa\r\nnew\r\nb"
    assert desk.state == "saved"


async def test_a_file_is_seeded_once(desk: Desk) -> None:
    desk.path.write_text("a\n")
    for _ in range(3):
        await desk.start()
        assert desk.text == "a\n"
        desk.crash()
    assert [entry.state for entry in desk.told] == ["saved"] * 3


async def test_edits_are_saved_a_moment_after_the_last(desk: Desk) -> None:
    desk.path.write_text("a\n")
    await desk.start(saving=True)
    before = desk.path.stat().st_mtime_ns
    for number in range(5):
        desk.type(0, str(number))
    assert desk.path.stat().st_mtime_ns == before
    await until(desk, "saved")
    assert desk.path.read_text() == "43210a\n"
    assert [entry.state for entry in desk.told] == ["saved", "unsaved", "saved"]


async def test_the_entry_tells_which_text_is_on_the_disk(desk: Desk) -> None:
    desk.path.write_bytes(b"a\r\n")
    await desk.start()
    before = desk.person.digest
    assert desk.told[-1].digest == before
    desk.type(0, "new\n")
    assert desk.told[-1] == replace(desk.told[0], state="unsaved")
    await desk.file.save()
    assert desk.told[-1].digest == desk.person.digest != before
    desk.path.write_bytes(b"a\r\n")
    await desk.file.look()
    desk.sync()
    assert (desk.told[-1].digest, desk.person.digest) == (before, before)


async def test_who_never_pauses_is_saved_all_the_same(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openfile, "IDLE", 10.0)
    desk.path.write_text("a\n")
    await desk.start(saving=True)
    desk.type(0, "x")
    async with asyncio.timeout(10):
        while desk.path.read_text() == "a\n":
            desk.type(0, "x")
            await asyncio.sleep(0.01)


async def test_nothing_is_written_when_nothing_changed(desk: Desk) -> None:
    desk.path.write_text("a\n")
    await desk.start()
    before = os.stat(desk.path)
    await desk.file.save()
    desk.type(0, "x")
    desk.delete(0, 1)
    await desk.file.save()
    after = os.stat(desk.path)
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert desk.state == "saved"


async def test_what_is_typed_while_it_writes_is_unsaved(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.path.write_text("a\n")
    await desk.start()
    write = Folder.write

    async def slow(folder: Folder, path: str, data: bytes, before: Stamp | None) -> Stamp:
        desk.type(0, "2")
        return await write(folder, path, data, before)

    desk.type(0, "1")
    with monkeypatch.context() as patched:
        patched.setattr(Folder, "write", slow)
        await desk.file.save()
    assert desk.path.read_text() == "1a\n"
    assert desk.state == "unsaved"
    await desk.file.save()
    assert desk.path.read_text() == "21a\n"


async def test_an_emptied_text_empties_the_file(desk: Desk) -> None:
    desk.path.write_text("a\n")
    await desk.start()
    desk.delete(0, 2)
    await desk.file.save(recreate=False)
    assert desk.path.read_bytes() == b""


async def test_a_relay_that_forgot_everything_empties_nothing(desk: Desk) -> None:
    desk.path.write_text("a\n")
    await desk.start()
    desk.type(2, "b\n")
    await desk.file.save()
    desk.crash()
    desk.relay = Replica()
    desk.person = SharedText(desk.relay.doc)
    await desk.start()
    assert desk.text == "a\nb\n"
    assert desk.path.read_text() == "a\nb\n"
    assert desk.state == "saved"


async def test_a_relay_that_forgot_meets_a_person_who_did_not(desk: Desk) -> None:
    """The same history comes back, so the person's copy of it is no second text."""
    desk.path.write_text("a\n")
    await desk.start()
    desk.type(2, "b\n")
    await desk.file.save()
    desk.crash()
    person, desk.relay = desk.relay, Replica()
    desk.person = SharedText(desk.relay.doc)
    await desk.start()
    desk.relay.apply(person.missing_from(desk.relay.state_vector()))
    assert desk.text == "a\nb\n"


async def test_a_relay_that_forgot_the_last_edits_gets_them_back(desk: Desk) -> None:
    desk.path.write_text("")
    await desk.start()
    early = desk.relay.missing_from(b"\0")
    desk.type(0, "typed\n")
    await desk.file.save()
    desk.crash()
    desk.relay = Replica()
    desk.relay.apply(early)
    desk.person = SharedText(desk.relay.doc)
    await desk.start()
    await desk.file.save(recreate=False)
    assert desk.path.read_text() == desk.text == "typed\n"


async def test_a_damaged_document_is_not_saved(desk: Desk) -> None:
    desk.path.write_text("a\n")
    await desk.start()
    desk.type(0, "x")
    desk.file.room.phase = Phase.BROKEN
    with pytest.raises(StudioError, match="is damaged"):
        await desk.file.save()
    assert desk.path.read_text() == "a\n"
    assert desk.state == "unsavable"


# -- changes on disk --------------------------------------------------------------------------


async def test_a_clean_text_takes_a_change_on_disk(desk: Desk) -> None:
    desk.path.write_text("one\ntwo\nthree\n")
    await desk.start()
    caret = desk.person.anchor(len("one\ntwo\nth"))
    desk.path.write_text("new\none\ntwo!\nthree\n")
    await desk.file.look()
    assert desk.text == "new\none\ntwo!\nthree\n"
    assert desk.person.resolve(caret) == len("new\none\ntwo!\nth")
    assert desk.state == "saved"
    assert desk.kept() == {}


async def test_our_own_writes_are_none_of_that(desk: Desk) -> None:
    desk.path.write_text("a\n")
    await desk.start()
    for text in ("b", "c"):
        desk.type(0, text)
        await desk.file.save()
        assert await desk.folder.stamps([NAME]) == [desk.file.stamp]
        await desk.file.look()
    os.utime(desk.path, (0, 0))
    await desk.file.look()
    assert desk.text == "cba\n"
    assert desk.state == "saved"
    assert desk.kept() == {}


async def test_both_sides_of_a_change_are_kept_and_merged(desk: Desk) -> None:
    desk.path.write_text("one\ntwo\nthree\n")
    await desk.start(saving=True)
    desk.type(0, "typed\n")
    desk.path.write_text("one\ntwo\nthree\ndisk\n")
    await desk.file.look()
    assert desk.text == "typed\none\ntwo\nthree\ndisk\n"
    assert (desk.state, desk.note) == ("unsaved", "merged with a change on disk")
    assert desk.kept() == {
        "disk": b"one\ntwo\nthree\ndisk\n",
        "text": b"typed\none\ntwo\nthree\n",
    }
    await until(desk, "saved")
    assert desk.path.read_text() == desk.text
    assert desk.note == "merged with a change on disk"
    desk.type(0, "x")
    assert desk.note == ""


async def test_a_place_that_both_changed_is_told_of(desk: Desk) -> None:
    desk.path.write_text("one\ntwo\nthree\n")
    await desk.start()
    desk.delete(4, 7)
    desk.type(4, "MINE")
    desk.path.write_text("one\nTHEIRS\nthree\n")
    await desk.file.look()
    assert "1 place(s) that both changed" in desk.note
    assert "MINE" in desk.text
    assert "THEIRS" in desk.text


async def test_the_same_change_on_both_sides_is_one(desk: Desk) -> None:
    desk.path.write_text("one\n")
    await desk.start()
    desk.type(4, "two\n")
    desk.path.write_text("one\ntwo\n")
    await desk.file.look()
    assert (desk.text, desk.state, desk.kept()) == ("one\ntwo\n", "saved", {})


async def test_what_could_not_be_remembered_is_remembered_later(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.path.write_text("one\n")
    await desk.start(saving=True)

    def full(self: Shadow, *contents: Written) -> None:
        raise StudioError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(Shadow, "remember", full)
        desk.path.write_text("one\ntwo\n")
        await desk.file.look()
        assert (desk.state, desk.note) == ("unsavable", "the disk is full")
        assert desk.text == "one\ntwo\n"
    await until(desk, "saved")
    desk.crash()
    desk.person.insert(0, "typed\n")
    desk.path.write_text("one\ntwo\nthree\n")
    await desk.start()
    assert desk.text == "typed\none\ntwo\nthree\n"


async def test_what_is_no_text_in_the_text_is_not_merged(desk: Desk) -> None:
    """An editor's program can put anything into the document."""
    desk.path.write_text("one\n")
    await desk.start(saving=True)
    desk.person.crdt.insert_embed(0, b"bytes")
    desk.sync()
    assert not desk.file.text.writable
    desk.path.write_text("one\ntwo\n")
    await desk.file.look()
    assert desk.state == "unsavable"
    assert "holds what is no text" in desk.note
    assert desk.path.read_text() == "one\ntwo\n"


async def test_a_second_change_is_merged_against_the_first(desk: Desk) -> None:
    desk.path.write_text("1\n2\n3\n")
    await desk.start()
    desk.type(0, "typed\n")
    for line in (b"4\n", b"5\n"):
        with desk.path.open("ab") as file:
            file.write(line)
        await desk.file.look()
    assert desk.text == "typed\n1\n2\n3\n4\n5\n"
    await desk.file.save()
    assert desk.path.read_text() == desk.text


async def test_a_save_takes_a_change_that_nobody_noticed(desk: Desk) -> None:
    desk.path.write_text("1\n2\n")
    await desk.start()
    desk.type(0, "typed\n")
    desk.path.write_text("1\n2\n3\n")
    await desk.file.save()
    assert desk.path.read_text() == desk.text == "typed\n1\n2\n3\n"


async def test_a_change_in_the_middle_of_a_save_is_not_lost(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.path.write_text("1\n2\n")
    await desk.start()
    desk.type(0, "typed\n")
    write = Folder.write

    async def overtaken(folder: Folder, path: str, data: bytes, before: Stamp | None) -> Stamp:
        if "3" not in desk.path.read_text():
            desk.path.write_text("1\n2\n3\n")
        return await write(folder, path, data, before)

    monkeypatch.setattr(Folder, "write", overtaken)
    await desk.file.save()
    assert desk.path.read_text() == desk.text == "typed\n1\n2\n3\n"
    assert desk.state == "saved"


async def test_a_file_that_never_rests_is_not_saved(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.path.write_text("1\n")
    await desk.start()
    desk.type(0, "typed\n")
    number = iter(range(100))
    write = Folder.write

    async def overtaken(folder: Folder, path: str, data: bytes, before: Stamp | None) -> Stamp:
        desk.path.write_text(f"1\n{next(number)}\n")
        return await write(folder, path, data, before)

    monkeypatch.setattr(Folder, "write", overtaken)
    with pytest.raises(StudioError, match=r"keeps changing on disk") as raised:
        await desk.file.save()
    assert raised.value.hint
    assert desk.state == "unsavable"


async def test_the_new_shape_of_the_file_is_kept(desk: Desk) -> None:
    desk.path.write_bytes(b"a\nb\n")
    await desk.start()
    desk.path.write_bytes(b"a\r\nb\r\n")
    await desk.file.look()
    assert desk.text == "a\nb\n"
    desk.type(0, "x")
    await desk.file.save()
    assert desk.path.read_bytes() == b"xa\r\nb\r\n"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\0\1\2", "a binary file"),
        ("é".encode("latin-1"), "not UTF-8 text"),
        (b"x" * (disk.SIZE_CAP + 1), "larger than 768 KiB"),
    ],
)
async def test_a_file_that_is_no_text_any_more(desk: Desk, content: bytes, reason: str) -> None:
    desk.path.write_text("a\n")
    await desk.start(saving=True)
    desk.type(0, "x")
    desk.path.write_bytes(content)
    with pytest.raises(StudioError, match=reason):
        await desk.file.save()
    assert (desk.state, desk.note) == ("unsavable", reason)
    assert desk.path.read_bytes() == content
    assert desk.text == "xa\n"
    # Once it is one again the two are brought together, without anybody's help.
    desk.path.write_text("a\nb\n")
    await until(desk, "saved")
    assert desk.path.read_text() == desk.text == "xa\nb\n"


async def test_a_text_larger_than_what_can_be_opened_is_saved(desk: Desk) -> None:
    desk.path.write_text("a\n")
    await desk.start()
    desk.type(0, "x" * disk.SIZE_CAP)
    await desk.file.save()
    await desk.file.look()
    assert desk.state == "saved"
    desk.crash()
    await desk.start()
    assert desk.state == "saved"
    assert len(desk.text) == disk.SIZE_CAP + 2


async def test_a_pipe_in_the_place_of_the_file(desk: Desk) -> None:
    desk.path.write_text("a\n")
    await desk.start()
    desk.path.unlink()
    os.mkfifo(desk.path)
    await desk.file.look()
    assert (desk.state, desk.note) == ("unsavable", "not a regular file")
    with pytest.raises(StudioError, match="not a regular file"):
        await desk.file.save()
    assert stat.S_ISFIFO(desk.path.stat().st_mode)


# -- deleted ----------------------------------------------------------------------------------


async def test_a_deleted_file_comes_back_only_when_a_person_saves(desk: Desk) -> None:
    desk.path.write_text("a\n")
    await desk.start(saving=True)
    desk.path.unlink()
    desk.path.parent.rmdir()
    await desk.file.look()
    assert desk.state == "missing"
    assert "saving writes it again" in desk.note
    desk.type(0, "x")
    await desk.file.save(recreate=False)
    await asyncio.sleep(0.2)
    assert not desk.path.exists()
    assert desk.state == "missing"
    assert desk.text == "xa\n"
    await desk.file.save()
    assert desk.path.read_text() == "xa\n"
    assert (desk.state, desk.note) == ("saved", "")


async def test_another_file_in_the_place_of_a_deleted_one(desk: Desk) -> None:
    desk.path.write_text("a\n")
    await desk.start()
    desk.path.unlink()
    await desk.file.look()
    desk.path.write_text("")
    await desk.file.look()
    assert (desk.text, desk.state) == ("", "saved")
    assert "backups" in desk.note
    assert desk.kept() == {"disk": b"", "text": b"a\n"}


async def test_a_deleted_file_that_comes_back_by_itself(desk: Desk) -> None:
    desk.path.write_text("a\n")
    await desk.start()
    desk.path.unlink()
    await desk.file.look()
    desk.type(0, "x")
    desk.path.write_text("a\nb\n")
    await desk.file.look()
    assert desk.text == "xa\nb\n"
    assert desk.state == "unsaved"


# -- permissions ------------------------------------------------------------------------------


async def test_without_permission_the_text_is_kept_and_saved_later(somebody: Path) -> None:
    async with desk_in(somebody) as desk:
        desk.path.write_text("a\n")
        desk.path.chmod(0o444)
        await desk.start(saving=True)
        assert desk.state == "saved"
        desk.type(0, "x")
        with pytest.raises(StudioError) as raised:
            await desk.file.save()
        assert raised.value.message == "no permission for src/a.py"
        assert raised.value.hint == "check it: ls -ld src/a.py"
        assert (desk.state, desk.note) == ("unsavable", "no permission for src/a.py")
        desk.type(0, "y")
        assert desk.state == "unsavable"
        desk.path.chmod(0o644)
        await until(desk, "saved")
        assert desk.path.read_text() == "yxa\n"


async def test_what_could_not_be_written_is_not_taken_for_written(somebody: Path) -> None:
    async with desk_in(somebody) as desk:
        desk.path.write_text("a\n")
        desk.path.chmod(0o444)
        await desk.start()
        desk.type(0, "x\n")
        with pytest.raises(StudioError):
            await desk.file.save()
        desk.crash()
        desk.path.chmod(0o644)
        desk.path.write_text("a\nb\n")
        await desk.start()
        assert desk.text == "x\na\nb\n"


async def test_a_file_that_cannot_be_read_any_more(somebody: Path) -> None:
    async with desk_in(somebody) as desk:
        desk.path.write_text("a\n")
        await desk.start(saving=True)
        desk.path.chmod(0o000)
        desk.type(0, "x")
        await until(desk, "unsavable")
        assert desk.note == "no permission for src/a.py"
        desk.path.chmod(0o600)
        await until(desk, "saved")
        assert desk.path.read_text() == "xa\n"


# -- over a restart of the host ---------------------------------------------------------------


async def test_edits_made_while_the_host_was_away_reach_the_disk(desk: Desk) -> None:
    desk.path.write_text("a\n")
    await desk.start()
    desk.crash()
    desk.person.insert(0, "meanwhile\n")
    await desk.start(saving=True)
    await until(desk, "saved")
    assert desk.path.read_text() == desk.text == "meanwhile\na\n"
    assert desk.kept() == {}


async def test_a_change_on_disk_while_the_host_was_away(desk: Desk) -> None:
    desk.path.write_text("a\n")
    await desk.start()
    desk.crash()
    desk.path.write_text("a\nb\n")
    await desk.start()
    assert desk.text == "a\nb\n"
    assert desk.state == "saved"


async def test_both_at_once_while_the_host_was_away(desk: Desk) -> None:
    desk.path.write_text("1\n2\n")
    await desk.start()
    desk.crash()
    desk.person.insert(0, "typed\n")
    desk.path.write_text("1\n2\n3\n")
    await desk.start(saving=True)
    await until(desk, "saved")
    assert desk.path.read_text() == desk.text == "typed\n1\n2\n3\n"
    assert set(desk.kept()) == {"disk", "text"}


async def test_emptied_while_the_host_was_away(desk: Desk) -> None:
    desk.path.write_text("a\n")
    await desk.start()
    desk.crash()
    desk.person.delete(0, 2)
    await desk.start(saving=True)
    await until(desk, "saved")
    assert desk.path.read_bytes() == b""


async def test_deleted_while_the_host_was_away(desk: Desk) -> None:
    desk.path.write_text("a\n")
    await desk.start()
    desk.crash()
    desk.path.unlink()
    desk.person.insert(0, "x")
    await desk.start(saving=True)
    await asyncio.sleep(0.2)
    assert (desk.state, desk.text) == ("missing", "xa\n")
    assert not desk.path.exists()


async def test_binary_while_the_host_was_away(desk: Desk) -> None:
    desk.path.write_text("a\n")
    await desk.start()
    desk.crash()
    desk.path.write_bytes(b"\0")
    desk.person.insert(0, "x")
    await desk.start(saving=True)
    await until(desk, "unsavable")
    assert desk.text == "xa\n"
    assert desk.path.read_bytes() == b"\0"


@pytest.mark.parametrize("written", [True, False])
async def test_a_host_killed_around_the_write(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, written: bool
) -> None:
    """Whatever is on disk then is the host's own: taken for another's, it would be doubled."""
    desk.path.write_text("a\n")
    await desk.start()
    desk.type(0, "typed\n")
    write = Folder.write

    async def killed(folder: Folder, path: str, data: bytes, before: Stamp | None) -> Stamp:
        if written:
            await write(folder, path, data, before)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Folder, "write", killed)
        with pytest.raises(Killed):
            await desk.file.save()
    desk.crash()
    await desk.start(saving=True)
    await until(desk, "saved")
    assert desk.path.read_text() == desk.text == "typed\na\n"
    assert desk.kept() == {}


def dying(call: str, caller: str) -> str:
    """The machine's program, killed once when its function `caller` comes to os.`call`."""
    return f"""
import os, signal, sys
real = os.{call}
def killed(*args, **how):
    if sys._getframe(1).f_code.co_name == {caller!r} and not os.path.exists("died"):
        open("died", "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*args, **how)
os.{call} = killed
"""


@pytest.mark.parametrize(
    ("call", "caller"),
    [("open", "replace"), ("fsync", "put"), ("replace", "replace"), ("fsync", "replace")],
)
async def test_a_machine_whose_program_is_killed_around_the_write(
    tmp_path: Path, call: str, caller: str
) -> None:
    """The host looks what has come of it; nothing is doubled, whatever that was."""
    async with desk_in(tmp_path, dying(call, caller)) as desk:
        desk.path.write_text("a\n")
        await desk.start()
        desk.type(0, "typed\n")
        await desk.file.save()
        assert (tmp_path / "machine" / "died").exists()
        assert (desk.state, desk.note) == ("saved", "")
        assert desk.path.read_text() == desk.text == "typed\na\n"
        desk.type(0, "more\n")
        await desk.file.save()
        assert desk.path.read_text() == desk.text == "more\ntyped\na\n"
        assert desk.kept() == {}


@pytest.mark.parametrize("written", [True, False])
async def test_a_host_killed_around_the_write_whose_machine_is_away_for_the_next(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, written: bool
) -> None:
    desk.path.write_text("a\n")
    await desk.start()
    desk.type(0, "typed\n")
    write = Folder.write

    async def killed(folder: Folder, path: str, data: bytes, before: Stamp | None) -> Stamp:
        if written:
            await write(folder, path, data, before)
        raise Killed

    async def away(folder: Folder, *what: object) -> None:
        raise ConnectionLost("the machine is away")

    with monkeypatch.context() as patched:
        patched.setattr(Folder, "write", killed)
        with pytest.raises(Killed):
            await desk.file.save()
        desk.crash()
        patched.setattr(Folder, "load", away)
        await desk.start()
        assert (desk.state, desk.note) == ("unsavable", "the machine is away")
        desk.type(0, "meanwhile\n")
    await desk.file.save()
    assert desk.path.read_text() == desk.text == "meanwhile\ntyped\na\n"
    assert (desk.state, desk.kept()) == ("saved", {})


async def test_what_others_bring_back_is_not_taken_for_what_was_sent(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once a later content has been seen on disk an earlier one comes from somebody else."""
    desk.path.write_text("a\n")
    await desk.start()
    desk.type(0, "typed\n")
    write = Folder.write

    async def killed(folder: Folder, path: str, data: bytes, before: Stamp | None) -> Stamp:
        await write(folder, path, data, before)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Folder, "write", killed)
        with pytest.raises(Killed):
            await desk.file.save()
    desk.crash()
    await desk.start()
    assert desk.text == "typed\na\n"
    desk.path.write_text("a\n")
    await desk.file.look()
    assert (desk.text, desk.state) == ("a\n", "saved")


@pytest.mark.parametrize("written", [True, False])
async def test_an_answer_that_was_lost_and_a_machine_that_is_away_for_long(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, written: bool
) -> None:
    """What is typed meanwhile is merged with nothing: the disk has the host's own content."""
    desk.path.write_text("a\n")
    await desk.start()
    desk.type(0, "typed\n")
    write = Folder.write

    async def away(folder: Folder, *what: object) -> None:
        raise ConnectionLost("the machine is away")

    async def cut(folder: Folder, path: str, data: bytes, before: Stamp | None) -> Stamp:
        if written:
            await write(folder, path, data, before)
        patched.setattr(Folder, "load", away)
        raise ConnectionLost("the answer is lost")

    with monkeypatch.context() as patched:
        patched.setattr(Folder, "write", cut)
        with pytest.raises(ConnectionLost):
            await desk.file.save()
        assert (desk.state, desk.note) == ("unsavable", "the machine is away")
        await desk.file.look()
        assert (desk.state, desk.note) == ("unsavable", "the machine is away")
        desk.type(0, "meanwhile\n")
    await desk.file.look()
    assert desk.state == "unsaved"
    await desk.file.save()
    assert desk.path.read_text() == desk.text == "meanwhile\ntyped\na\n"
    assert desk.kept() == {}


async def test_a_program_that_is_killed_at_every_write(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.path.write_text("a\n")
    await desk.start()
    desk.type(0, "typed\n")

    async def cut(folder: Folder, *what: object) -> None:
        raise ConnectionLost("the answer is lost")

    with monkeypatch.context() as patched:
        patched.setattr(Folder, "write", cut)
        with pytest.raises(ConnectionLost, match="the answer is lost"):
            await desk.file.save()
    assert desk.state == "unsavable"
    desk.crash()
    await desk.start(saving=True)
    await until(desk, "saved")
    assert desk.path.read_text() == desk.text == "typed\na\n"


class Killed(RuntimeError):
    """Stands for the end of the process."""


async def test_without_a_memory_the_disk_is_shown_and_the_text_kept(desk: Desk) -> None:
    desk.path.write_text("a\n")
    await desk.start()
    desk.type(0, "x")
    desk.crash()
    (desk.home / "shadow.json").unlink()
    await desk.start()
    assert desk.text == "a\n"
    assert desk.state == "saved"
    assert "backups" in desk.note
    assert desk.kept() == {"disk": b"a\n", "text": b"xa\n"}


async def test_without_a_memory_the_same_text_is_no_problem(desk: Desk) -> None:
    desk.path.write_text("a\n")
    await desk.start()
    desk.crash()
    (desk.home / "shadow.json").write_text("damaged")
    await desk.start()
    assert (desk.text, desk.state, desk.note) == ("a\n", "saved", "")
    assert desk.kept() == {}


# -- moving and closing -----------------------------------------------------------------------


async def test_it_can_be_moved_while_it_is_still(desk: Desk) -> None:
    desk.path.write_text("a\n")
    await desk.start()
    desk.type(0, "x")
    async with desk.file.still():
        await desk.folder.rename(NAME, "b.py")
        desk.file.move("b.py")
    await desk.file.save()
    assert desk.path.with_name("b.py").exists() is False
    assert (desk.root / "b.py").read_text() == "xa\n"
    assert not desk.path.exists()
    assert desk.told[-1].path == "b.py"


async def test_it_can_be_moved_to_another_machine(desk: Desk, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / "src").mkdir(parents=True)
    for path in (desk.path, other / NAME):
        path.write_text("a\n")
    await desk.start()
    told = len(desk.told)
    desk.type(0, "x")
    async with folder_on(tmp_path / "machine-2", other) as folder:
        async with desk.file.still():
            desk.file.move_to(folder)
        assert desk.file.stamp not in await folder.stamps([NAME])
        await desk.file.look()
        assert await folder.stamps([NAME]) == [desk.file.stamp]
        await desk.file.save()
        assert (other / NAME).read_text() == "xa\n"
        assert desk.path.read_text() == "a\n"
        assert [entry.state for entry in desk.told[told:]] == ["unsaved", "saved"]
        assert desk.kept() == {}
        (other / NAME).unlink()
        await desk.file.look()
        assert desk.state == "missing"


async def test_a_save_waits_while_it_is_still(desk: Desk) -> None:
    desk.path.write_text("a\n")
    await desk.start()
    desk.type(0, "x")
    async with desk.file.still():
        saving = asyncio.create_task(desk.file.save())
        await asyncio.sleep(0.05)
        assert desk.path.read_text() == "a\n"
    await saving
    assert desk.path.read_text() == "xa\n"


async def test_closing_keeps_what_is_not_on_disk(desk: Desk) -> None:
    desk.path.write_text("a\n")
    await desk.start()
    await desk.file.close()
    assert desk.kept() == {}
    await desk.start()
    desk.path.unlink()
    await desk.file.look()
    await desk.file.close()
    assert desk.kept() == {"text": b"a\n"}
    assert not (desk.home / "shadow.json").exists()


async def test_who_wrote_is_signed_with_the_relays_word(desk: Desk) -> None:
    desk.path.write_text("on disk\n")
    file = await desk.start()
    host, person = file.room.replica, desk.relay
    file.room.presence[person.client_id] = {
        "person": {"name": "ana", "role": "editor", "connection": 3}
    }
    assert file.room.on_presence is not None
    file.room.on_presence()
    file.room.presence.clear()  # gone before the file is saved
    file.room.on_presence()
    desk.person.insert(0, "typed ")
    desk.sync()
    await file.save()
    desk.sync()
    authors = Authors(person.doc)
    names = [authors.name(client) for client in (person.client_id, host.client_id, 5)]
    assert names == ["ana", "", None]
    desk.crash()
    again = await desk.start()
    assert Authors(again.room.replica.doc).name(person.client_id) == "ana"
