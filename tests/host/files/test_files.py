from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from studio_tui.client.file import SharedFile
from studio_tui.client.studio import Studio
from studio_tui.document.entries import FileEntry
from studio_tui.document.presence import Gaze
from studio_tui.document.text import SharedText
from studio_tui.errors import NotFound, Refused, StudioError
from studio_tui.host.files import files as files_module
from studio_tui.host.files import openfile as openfile_module
from tests.conftest import Require
from tests.host.conftest import STUDIO, Bench, eventually, folder_on

pytestmark = pytest.mark.usefixtures("brisk")


async def until_state(file: SharedFile, state: str) -> None:
    async with asyncio.timeout(10):
        await file.studio.until(lambda: file.entry.state == state)


async def reachable(person: Studio) -> None:
    async with asyncio.timeout(10):
        await person.until(lambda: person.reachable)


async def test_two_people_edit_one_file(bench: Bench) -> None:
    (bench.root / "a.txt").write_bytes(b"one\r\ntwo\r\n")
    async with bench.files():
        ana, bob = await bench.attach("ana"), await bench.attach("bob")
        hers, his = await asyncio.gather(ana.file("a.txt"), bob.file("a.txt"))
        assert hers.id == his.id
        await asyncio.gather(hers.insert(0, "ana\n"), his.insert(len("one\ntwo\n"), "bob\n"))
        await asyncio.gather(hers.flush(), his.flush())
        assert (bench.root / "a.txt").read_bytes() == b"ana\r\none\r\ntwo\r\nbob\r\n"
        assert [entry.path for entry in ana.document.files.values()] == ["a.txt"]


async def test_one_file_under_two_names_is_one_text(bench: Bench) -> None:
    (bench.root / "src").mkdir()
    (bench.root / "src" / "a.txt").write_text("a\n")
    (bench.root / "link.txt").symlink_to("src/a.txt")
    async with bench.files():
        ana = await bench.attach("ana")
        one, other = await ana.file("src/a.txt"), await ana.file("./link.txt")
        assert one.id == other.id
        assert one.entry.path == "src/a.txt"
        await other.insert(0, "x")
        await other.flush()
        assert (bench.root / "link.txt").is_symlink()
        assert (bench.root / "src" / "a.txt").read_text() == "xa\n"


async def test_the_relay_has_the_text_before_anybody_is_told_of_the_room(bench: Bench) -> None:
    """An edit made in an empty room would not be where it was meant once the text arrives."""
    (bench.root / "a.txt").write_text("a\n")
    async with bench.files() as files:
        file = await files.open("a.txt")
        assert file.room.undelivered == 0
        reader = await (await bench.attach("ana")).session.join(file.room.name)
        assert str(SharedText(reader.replica.doc)) == "a\n"


async def test_what_cannot_be_opened(bench: Bench) -> None:
    (bench.root / "binary").write_bytes(b"\0")
    (bench.root / ".env").write_text("KEY=1")
    (bench.root / "out").symlink_to("/etc/passwd")
    (bench.root / "folder").mkdir()
    os.mkfifo(bench.root / "pipe")
    async with bench.files():
        ana = await bench.attach("ana")
        for path, reason in (
            ("binary", "a binary file"),
            ("pipe", "not a regular file"),
            ("folder", "a folder"),
        ):
            opened = await ana.query("files.open", path=path)
            assert opened == {"readonly": True, "reason": reason, "file": "", "room": ""}
        with pytest.raises(NotFound, match="there is no file nothing"):
            await ana.file("nothing")
        for path in ("../a", "/etc/passwd", "out", ".env"):
            with pytest.raises(Refused):
                await ana.query("files.open", path=path)
        assert len(ana.document.files) == 0


async def test_a_viewer_reads_and_does_not_save(bench: Bench) -> None:
    (bench.root / "a.txt").write_text("a\n")
    async with bench.files():
        vic = await bench.attach("vic", "viewer")
        file = await vic.file("a.txt")
        assert str(file) == "a\n"
        for method in ("files.save", "files.rename", "files.delete"):
            with pytest.raises(Refused, match=f"a viewer may not do {method}"):
                await vic.command(method, file=file.id, path="a.txt", to="b.txt")
        with pytest.raises(Refused):
            await vic.query("files.delete", path="a.txt")
        assert (bench.root / "a.txt").read_text() == "a\n"


async def test_a_save_of_what_is_not_open(bench: Bench) -> None:
    async with bench.files():
        ana = await bench.attach("ana")
        with pytest.raises(NotFound, match="not open") as raised:
            await ana.command("files.save", file="nothing")
        assert raised.value.hint == "open it first"


async def test_changes_on_disk_are_noticed(bench: Bench) -> None:
    (bench.root / "a.txt").write_text("a\n")
    async with bench.files():
        ana = await bench.attach("ana")
        file = await ana.file("a.txt")
        (bench.root / "a.txt").write_text("a\nb\n")
        await ana.until(lambda: str(file) == "a\nb\n")
        (bench.root / "a.txt").unlink()
        await until_state(file, "missing")
        await file.flush()
        assert (bench.root / "a.txt").read_text() == "a\nb\n"
        await until_state(file, "saved")


async def test_edits_are_saved_by_themselves(bench: Bench) -> None:
    (bench.root / "a.txt").write_text("a\n")
    async with bench.files():
        file = await (await bench.attach("ana")).file("a.txt")
        await file.insert(0, "x")
        await eventually(lambda: (bench.root / "a.txt").read_text() == "xa\n")
        await until_state(file, "saved")


async def test_a_new_host_takes_up_what_was_open(bench: Bench) -> None:
    for name in ("a.txt", "b.txt", "c.txt"):
        (bench.root / name).write_text("1\n")
    ana = await bench.attach("ana")
    async with bench.files():
        await reachable(ana)
        a, b, c = [await ana.file(name) for name in ("a.txt", "b.txt", "c.txt")]
    await a.insert(0, "meanwhile\n")
    (bench.root / "b.txt").write_text("1\n2\n")
    (bench.root / "c.txt").unlink()
    await a.saved()
    async with bench.files():
        await eventually(lambda: (bench.root / "a.txt").read_text() == "meanwhile\n1\n")
        await ana.until(lambda: str(b) == "1\n2\n")
        await until_state(c, "missing")
        assert not (bench.root / "c.txt").exists()
        await reachable(ana)
        assert (await ana.file("a.txt")).room is a.room
        assert len(ana.document.files) == 3


async def test_what_cannot_be_taken_up_is_told(bench: Bench) -> None:
    (bench.root / "a.txt").write_text("1\n")
    ana = await bench.attach("ana")
    async with bench.files():
        await reachable(ana)
        file = await ana.file("a.txt")
    (bench.root / "a.txt").unlink()
    (bench.root / "a.txt").symlink_to("/etc/hostname")
    await file.insert(0, "x")
    await file.saved()
    async with bench.files():
        await until_state(file, "unsavable")
        assert "a link out of the studio's folder" in file.entry.note
        (bench.root / "a.txt").unlink()
        (bench.root / "a.txt").write_text("1\n2\n")
        await eventually(lambda: (bench.root / "a.txt").read_text() == "x1\n2\n")


async def test_a_list_that_an_editor_has_forged(bench: Bench, tmp_path: Path) -> None:
    """The studio document is open to every editor: its ids and rooms are not to be trusted."""
    (bench.root / "a.txt").write_text("1\n")
    ana = await bench.attach("ana")
    async with bench.files():
        await reachable(ana)
        file = await ana.file("a.txt")
    room = f"{STUDIO}/file/x@1"
    for entry in (
        FileEntry("../../evil", "a.txt", room),
        FileEntry("x1", "b.txt", "another-studio/file/x1@1"),
        FileEntry("x2", "b.txt", STUDIO),
        FileEntry("x3", "b.txt", f"{STUDIO}/term/x"),
        FileEntry("0", "a.txt", f"{STUDIO}/file/0@1"),
        FileEntry("x4", "../outside", f"{STUDIO}/file/x4@1"),
        FileEntry("x5", "", f"{STUDIO}/file/x5@1"),
        FileEntry("x6", "b\0txt", f"{STUDIO}/file/x6@1"),
        FileEntry("x7", "b" * 5000, f"{STUDIO}/file/x7@1"),
    ):
        ana.document.files.put(entry)
    await eventually(lambda: not ana.unsaved)
    async with bench.files() as files:
        await reachable(ana)
        await ana.until(lambda: set(ana.document.files) == {file.id, "x4", "x5"})
        await ana.until(lambda: ana.document.files["x4"].state == "unsavable")
        assert "outside of the studio's folder" in ana.document.files["x4"].note
        assert set(files._session.rooms) == {STUDIO} | {
            entry.room for entry in ana.document.files.values()
        }
    assert sorted(path.name for path in (bench.state / "shadows").iterdir()) == [f"{file.id}.json"]
    assert not list(tmp_path.rglob("evil*"))


async def test_save_all_writes_all_that_can_be_written(bench: Bench) -> None:
    for name in ("a.txt", "b.txt", "c.txt"):
        (bench.root / name).write_text("1\n")
    async with bench.files() as files:
        opened = [await files.open(name) for name in ("a.txt", "b.txt", "c.txt")]
        for file in opened:
            file.text.insert(0, "x")
        (bench.root / "b.txt").write_bytes(b"\0")
        await files.save_all()
        assert (bench.root / "a.txt").read_text() == "x1\n"
        assert (bench.root / "b.txt").read_bytes() == b"\0"
        assert (bench.root / "c.txt").read_text() == "x1\n"
        assert [file.entry.state for file in opened] == ["saved", "unsavable", "saved"]


# -- renaming and deleting --------------------------------------------------------------------


async def test_an_open_file_follows_its_new_name(bench: Bench) -> None:
    (bench.root / "a.txt").write_text("a\n")
    async with bench.files():
        ana = await bench.attach("ana")
        file = await ana.file("a.txt")
        await file.insert(0, "x")
        await ana.command("files.rename", path="a.txt", to="new/b.txt")
        await file.insert(0, "y")
        await file.flush()
        assert (bench.root / "new" / "b.txt").read_text() == "yxa\n"
        await asyncio.sleep(0.2)
        assert os.listdir(bench.root) == ["new"]
        assert file.entry.path == "new/b.txt"
        assert file.entry.state == "saved"
        assert (await ana.file("new/b.txt")).id == file.id
        with pytest.raises(NotFound):
            await ana.file("a.txt")


async def test_so_do_all_below_a_renamed_folder(bench: Bench) -> None:
    (bench.root / "src" / "deep").mkdir(parents=True)
    (bench.root / "src-2").mkdir()
    for name in ("src/a.txt", "src/deep/b.txt", "src-2/c.txt"):
        (bench.root / name).write_text("1\n")
    async with bench.files():
        ana = await bench.attach("ana")
        a, b, c = [await ana.file(name) for name in ("src/a.txt", "src/deep/b.txt", "src-2/c.txt")]
        await ana.command("files.rename", path="src", to="lib")
        paths = ["lib/a.txt", "lib/deep/b.txt", "src-2/c.txt"]
        await ana.until(lambda: [file.entry.path for file in (a, b, c)] == paths)
        await b.insert(0, "x")
        await b.flush()
        assert (bench.root / "lib" / "deep" / "b.txt").read_text() == "x1\n"
        assert sorted(os.listdir(bench.root)) == ["lib", "src-2"]


async def test_a_new_name_that_is_taken(bench: Bench) -> None:
    for name in ("a.txt", "b.txt"):
        (bench.root / name).write_text(name)
    async with bench.files():
        ana = await bench.attach("ana")
        file = await ana.file("a.txt")
        with pytest.raises(StudioError, match=r"b\.txt exists already"):
            await ana.command("files.rename", path="a.txt", to="b.txt")
        assert file.entry.path == "a.txt"
        await file.insert(0, "x")
        await file.flush()
        assert (bench.root / "a.txt").read_text() == "xa.txt"


async def test_the_name_of_an_open_file_that_is_gone_can_be_taken(bench: Bench) -> None:
    for name in ("a.txt", "b.txt"):
        (bench.root / name).write_text(name)
    async with bench.files():
        ana = await bench.attach("ana")
        a, b = await ana.file("a.txt"), await ana.file("b.txt")
        (bench.root / "b.txt").unlink()
        await until_state(b, "missing")
        await ana.command("files.rename", path="a.txt", to="b.txt")
        await ana.until(lambda: [e.id for e in ana.document.files.values()] == [a.id])
        assert (await ana.file("b.txt")).id == a.id
        (kept,) = (bench.state / "backups").iterdir()
        assert kept.read_text() == "b.txt"


async def test_a_deleted_file_stays_deleted(bench: Bench) -> None:
    (bench.root / "src").mkdir()
    (bench.root / "src" / "a.txt").write_text("a\n")
    async with bench.files():
        ana = await bench.attach("ana")
        file = await ana.file("src/a.txt")
        await file.insert(0, "x")
        await ana.command("files.delete", path="src")
        await until_state(file, "missing")
        await file.insert(0, "y")
        await asyncio.sleep(0.2)
        assert os.listdir(bench.root) == [".studio-trash"]
        await file.flush()
        assert (bench.root / "src" / "a.txt").read_text() == "yxa\n"


# -- another machine --------------------------------------------------------------------------


async def test_the_files_are_those_of_another_machine(bench: Bench, tmp_path: Path) -> None:
    other = tmp_path / "other"
    for root in (bench.root, other):
        (root / "src").mkdir(parents=True)
        for name in ("a.txt", "src/b.txt", "gone.txt"):
            (root / name).write_text("1\n")
    (other / "gone.txt").unlink()
    (other / "new.txt").write_text("new\n")
    async with bench.files() as files, folder_on(tmp_path / "machine-2", other) as folder:
        ana = await bench.attach("ana")
        a, b = await ana.file("a.txt"), await ana.file("src/b.txt")
        gone = await ana.file("gone.txt")
        told: list[FileEntry] = []
        stop = ana.document.files.observe(lambda _: told.extend(ana.document.files.values()))
        async with files.still_all():
            await b.insert(0, "x")
            await b.saved()
            saving = asyncio.create_task(b.flush())
            creating = asyncio.create_task(ana.command("files.create", path="made.txt"))
            opening = asyncio.create_task(ana.file("new.txt"))
            deleting = asyncio.create_task(ana.command("files.delete", path="src/nothing"))
            await reach_host(ana)
            assert (bench.root / "src" / "b.txt").read_text() == "1\n"
            files.move_to(folder)
        await asyncio.gather(saving, creating)
        with pytest.raises(NotFound):
            await deleting
        assert str(await opening) == "new\n"
        assert (other / "src" / "b.txt").read_text() == "x1\n"
        assert (other / "made.txt").exists()
        await until_state(gone, "missing")
        await a.insert(0, "y")
        await a.flush()
        assert (other / "a.txt").read_text() == "y1\n"
        (other / "a.txt").write_text("y1\nz\n")
        await ana.until(lambda: str(a) == "y1\nz\n")
        listing = await ana.folder()
        assert [entry.name for entry in listing.entries] == ["a.txt", "made.txt", "new.txt", "src"]
        assert await ana.read("new.txt") == b"new\n"
        found = await ana.query("files.find", query="")
        assert found["paths"] == ["a.txt", "made.txt", "new.txt", "src/b.txt"]
        await ana.command("files.rename", path="a.txt", to="c.txt")
        assert (other / "c.txt").read_text() == "y1\nz\n"
        assert {entry.note for entry in told if entry.path != "gone.txt"} == {""}
        stop()
    assert [(bench.root / n).read_text() for n in ("a.txt", "src/b.txt", "gone.txt")] == ["1\n"] * 3
    assert not (bench.root / "made.txt").exists()
    assert list((bench.state / "backups").iterdir()) == []
    bench.root = other
    async with bench.files():
        await reachable(ana)
        assert (str(await ana.file("c.txt")), a.entry.state) == ("y1\nz\n", "saved")
        assert list((bench.state / "backups").iterdir()) == []


async def reach_host(person: Studio) -> None:
    """Return when what was asked before has come to the host."""
    with pytest.raises(StudioError, match="no call"):
        await person.query("nothing")


async def test_a_machine_without_python_says_so_and_takes_up_when_it_has_one(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bench.root / "a.txt").write_text("1\n")
    ana = await bench.attach("ana")
    async with bench.files():
        await reachable(ana)
        file = await ana.file("a.txt")
    await file.insert(0, "x")
    await file.saved()
    python = tmp_path / "python3"
    with monkeypatch.context() as patched:
        patched.setattr(sys, "executable", str(python))
        async with bench.files():
            await reachable(ana)
            await until_state(file, "unsavable")
            for method in ("files.list", "files.read", "files.open", "files.find"):
                with pytest.raises(StudioError, match="files cannot be reached") as raised:
                    await ana.query(method, path="a.txt")
                assert raised.value.hint == "install Python 3.8 or later on it"
            for method in ("files.create", "files.rename", "files.delete"):
                with pytest.raises(StudioError, match="files cannot be reached"):
                    await ana.command(method, path="a.txt", to="b.txt")
            assert (bench.root / "a.txt").read_text() == "1\n"
            python.symlink_to(sys.orig_argv[0])
            await eventually(lambda: (bench.root / "a.txt").read_text() == "x1\n")


async def test_a_program_that_was_killed_is_started_again_and_the_files_watched(
    bench: Bench,
) -> None:
    (bench.root / "a.txt").write_text("1\n")
    async with bench.files():
        ana = await bench.attach("ana")
        file = await ana.file("a.txt")
        for number in range(3):
            for program in psutil.Process().children():
                with contextlib.suppress(psutil.NoSuchProcess):  # ended already, or a zombie
                    if str(bench.root) in program.cmdline():
                        program.kill()
            await file.insert(0, f"{number}")
            await file.flush()
            with (bench.root / "a.txt").open("a") as disk:
                disk.write(f"{number}\n")
            await ana.until(lambda: str(file).endswith(f"{number}\n"))  # noqa: B023
        assert str(file) == "2101\n0\n1\n2\n"
        assert file.entry.note == ""


# -- how many ---------------------------------------------------------------------------------


async def test_the_file_that_nobody_touched_for_longest_makes_place(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files_module, "FILE_CAP", 2)
    monkeypatch.setattr(files_module, "IDLE_SECONDS", 0.0)
    for name in ("a.txt", "b.txt", "c.txt"):
        (bench.root / name).write_text(name)
    async with bench.files():
        ana = await bench.attach("ana")
        a, b = await ana.file("a.txt"), await ana.file("b.txt")
        await a.insert(0, "x")
        await a.flush()
        c = await ana.file("c.txt")
        await ana.until(lambda: set(ana.document.files) == {a.id, c.id})
        again = await ana.file("b.txt")
        assert again.room is not b.room
        assert str(again) == "b.txt"
        assert len(list((bench.state / "shadows").iterdir())) == 2


async def test_a_file_in_use_makes_no_place(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files_module, "FILE_CAP", 1)
    for name in ("a.txt", "b.txt"):
        (bench.root / name).write_text(name)
    async with bench.files() as files:
        ana = await bench.attach("ana")
        file = await ana.file("a.txt")

        async def refused() -> None:
            with pytest.raises(StudioError, match="1 files are open, and all in use") as raised:
                await ana.file("b.txt")
            assert raised.value.hint

        await refused()  # it has just been opened
        monkeypatch.setattr(files_module, "IDLE_SECONDS", 0.0)
        ana.look(Gaze(path="a.txt"))
        presence = files._session.room(STUDIO).presence
        await eventually(lambda: "a.txt" in str(presence))
        await refused()  # somebody looks at it
        ana.look(Gaze())
        await eventually(lambda: "a.txt" not in str(presence))
        (bench.root / "a.txt").write_bytes(b"\0")
        await until_state(file, "unsavable")
        await refused()  # its text is not on disk
        (bench.root / "a.txt").write_text("a.txt")
        await until_state(file, "saved")
        assert str(await ana.file("b.txt")) == "b.txt"


SED = ["sed", "-i", "s/^def old/def new/", "a.py"]
CHECKOUT = ["git", "checkout", "-q", "other", "--", "a.py"]
FORMATTER = [sys.executable, "-m", "ruff", "format", "-q", "--isolated", "a.py"]


@pytest.mark.usefixtures("brisk")
@pytest.mark.parametrize(
    ("command", "brought"),
    [(SED, "def new(a,b):"), (CHECKOUT, "def other():"), (FORMATTER, "def old(a, b):")],
)
async def test_what_a_program_does_to_a_file_is_merged_while_two_type(
    bench: Bench,
    require: Require,
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
    brought: str,
) -> None:
    # Nothing they type is on the disk yet: a checkout would take it away again, and rightly.
    for name in ("IDLE", "LONGEST"):
        monkeypatch.setattr(openfile_module, name, 60.0)
    git = [require("git"), "-C", str(bench.root), "-c", "user.name=a", "-c", "user.email=a@b"]
    middle = "".join(f"line_{number} = {number}\n" for number in range(20))
    tail = "\n\ndef old(a,b):\n    return a\n"
    for name, end in (("main", tail), ("other", "\n\ndef other():\n    return 1\n")):
        (bench.root / "a.py").write_text(f"top = 1\n{middle}{end}")
        if name == "main":
            subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
        else:
            subprocess.run([*git, "checkout", "-q", "-b", name], check=True)
        subprocess.run([*git, "add", "a.py"], check=True)
        subprocess.run([*git, "commit", "-q", "-m", name], check=True)
    subprocess.run([*git, "checkout", "-q", "main"], check=True)
    async with bench.files():
        ana, bob = await bench.attach("ana"), await bench.attach("bob")
        mine, theirs = await ana.file("a.py"), await bob.file("a.py")
        await mine.insert(0, "ana = 1\n")
        await theirs.insert(str(theirs).index("line_10"), "bob = 1\n")
        await asyncio.gather(mine.saved(), theirs.saved())
        subprocess.run(command, cwd=bench.root, check=True)
        await mine.insert(0, "ana = 2\n")
        await eventually(lambda: brought in str(mine))
        await theirs.insert(str(theirs).index("line_10"), "bob = 2\n")
        await asyncio.gather(mine.saved(), theirs.saved())
        await mine.flush()
        await eventually(lambda: str(mine) == str(theirs))
        for typed in ("ana = 1\n", "ana = 2\n", "bob = 1\n", "bob = 2\n", brought):
            assert str(mine).count(typed) == 1
        await eventually(lambda: (bench.root / "a.py").read_text() == str(mine))
