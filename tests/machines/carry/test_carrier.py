"""Two real folders become one: by rsync and by stream, cut at any moment, while people work."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from studio_tui.errors import NotFound, StudioError
from studio_tui.machines import ssh
from studio_tui.machines.carry import carrier as room
from studio_tui.machines.carry.carrier import Carrier, Outcome, Progress
from studio_tui.machines.carry.tree import DiskFull, Place
from studio_tui.machines.ssh_login import Login
from tests.machines.sshd import Server

READS = 34  # of the far side's pipes in one carry, about
NAMES = ["plain", "d/e/deep", "-rf", "a\nb", "sp ace", "it's", "\udcff", "é", "#x", "empty", "*"]


def shape(root: Path) -> dict[str, Any]:
    """Path to content and mode, without what is ours."""
    found: dict[str, Any] = {}
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".studio-")]
        for name in [*folders, *names]:
            path = Path(folder, name)
            key = os.path.relpath(path, root)
            if path.is_symlink():
                found[key] = os.readlink(path)
            elif path.is_dir():
                found[key] = path.stat().st_mode
            else:
                found[key] = (path.stat().st_mode, path.read_bytes())
    return found


def fill(root: Path) -> None:
    for number, name in enumerate(NAMES):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(os.urandom(1000 * number))
    (root / "empty").write_bytes(b"")
    (root / "d/script").write_text("#!/bin/sh\n")
    (root / "d/script").chmod(0o755)
    (root / "to").symlink_to("d/e")
    (root / "nowhere").symlink_to("/no/such\nplace")
    (root / "bare").mkdir(mode=0o700)


async def carry(pair: Any, report: Any = None) -> Outcome:
    async with Carrier.opened(pair.here, pair.there) as carrier:
        return await carrier.carry(report=report)


async def is_one(pair: Any) -> None:
    assert shape(pair.a) == shape(pair.b)
    async with Carrier.opened(pair.here, pair.there) as carrier:
        assert (await carrier.plan()).empty


@pytest.fixture(params=["rsync", "stream"])
def way(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, require: Callable[[str], str]
) -> str:
    """Which way the files go."""
    require("rsync")
    monkeypatch.setattr(room, "RSYNC_FROM", 0 if request.param == "rsync" else 1 << 60)
    return str(request.param)


# -- what is carried ------------------------------------------------------------------------------


async def test_there_and_back(pair: Any, way: str) -> None:
    fill(pair.a)
    outcome = await carry(pair)
    assert (outcome.carried, outcome.conflicts, outcome.left, outcome.trash) == (12, (), {}, "")
    assert ("rsync" in pair.remote.opened) is (way == "rsync")
    await is_one(pair)
    (pair.b / "d/e/deep").write_text("from there")
    (pair.b / "new").write_text("from there")
    (pair.a / "plain").write_text("from here")
    (pair.a / "d/script").chmod(0o700)
    (pair.b / "a\nb").unlink()
    (pair.a / "to").unlink()
    (pair.a / "bare").rmdir()
    outcome = await carry(pair)
    assert (outcome.carried, outcome.conflicts) == (3, ())
    await is_one(pair)
    assert (pair.a / "new").read_text() == "from there"
    assert (pair.b / "plain").read_text() == "from here"
    assert (pair.a / outcome.trash / "a\nb").read_bytes() != b""
    assert (pair.b / outcome.trash / "to").is_symlink()
    assert not (pair.b / "bare").exists()


async def test_a_preview_changes_nothing_and_is_what_is_done(pair: Any) -> None:
    fill(pair.a)
    async with Carrier.opened(pair.here, pair.there) as carrier:
        plan = await carrier.plan()
        assert shape(pair.b) == {}
        assert len(plan.to_target.wanted) == 12
        assert plan.to_target.bytes == sum(
            p.stat().st_size for p in pair.a.rglob("*") if p.is_file() and not p.is_symlink()
        ) - sum(p.stat().st_size for p in (pair.a / ".studio-carry").rglob("*") if p.is_file())
        assert not plan.to_source
        (pair.a / "later").write_text("x")
        await carrier.carry(plan)
        assert not (pair.b / "later").exists()
        assert list((await carrier.plan()).to_target.wanted) == ["later"]


async def test_both_versions_are_on_both_sides(pair: Any, way: str) -> None:
    fill(pair.a)
    await carry(pair)
    (pair.a / "plain").write_text("ours")
    (pair.b / "plain").write_text("theirs")
    (conflict,) = (await carry(pair)).conflicts
    assert conflict.path == "plain"
    assert conflict.copy.startswith("plain.studio-conflict-gpu-box-2")
    for root in (pair.a, pair.b):
        assert (root / "plain").read_text() == "ours"
        assert (root / conflict.copy).read_text() == "theirs"
    await is_one(pair)


async def test_a_first_carry_between_two_that_have_much_in_common(pair: Any) -> None:
    for root in (pair.a, pair.b):
        root.mkdir(exist_ok=True)
        (root / "large").write_bytes(b"x" * (2 << 20))
        (root / "small").write_bytes(b"y")
    os.utime(pair.b / "large", ns=(1, 1))
    outcome = await carry(pair)
    assert (outcome.carried, outcome.conflicts, outcome.trash) == (0, (), "")
    await is_one(pair)


async def test_sparse_files_of_gigabytes(pair: Any, way: str) -> None:
    for name, data in (("first", b"start"), ("last", b"end")):
        with (pair.a / name).open("wb") as file:
            file.truncate(2 << 30)
            file.seek(0 if name == "first" else (2 << 30) - 3)
            file.write(data)
    seen: list[int] = []
    await carry(pair, lambda progress: seen.append(progress.bytes))
    assert seen[-1] < 1 << 20
    for name in ("first", "last"):
        status = (pair.b / name).stat()
        assert status.st_size == 2 << 30
        assert status.st_blocks * 512 < 1 << 20
    with (pair.b / "last").open("rb") as file:
        file.seek(-4, os.SEEK_END)
        assert file.read() == b"\0end"


async def test_progress(pair: Any, way: str) -> None:
    fill(pair.a)
    seen: list[tuple[int, int, int]] = []

    def report(progress: Progress) -> None:
        seen.append((progress.files, progress.bytes, progress.all_files))

    await carry(pair, report)
    assert seen == sorted(seen)
    assert seen[-1][0] == seen[-1][2] == 12


async def test_two_machines_that_are_both_elsewhere(pair: Any) -> None:
    fill(pair.a)
    pair.here = Place("login", pair.remote, str(pair.a))
    await carry(pair)
    assert "rsync" not in pair.remote.opened
    await is_one(pair)


@pytest.mark.parametrize("missing", ["here", "there"])
async def test_without_rsync_files_come_all_the_same(
    pair: Any, monkeypatch: pytest.MonkeyPatch, programs: Callable[..., str], missing: str
) -> None:
    monkeypatch.setattr(room, "RSYNC_FROM", 0)
    fill(pair.a)
    path = programs(*"sh tar test cat mkdir rm mv python3".split())
    if missing == "there":
        pair.remote.path = path
    else:
        monkeypatch.setenv("PATH", path)
    await carry(pair)
    assert "rsync" not in pair.remote.opened
    assert shape(pair.a) == shape(pair.b)


# -- what is not ----------------------------------------------------------------------------------


async def test_what_is_ignored(pair: Any) -> None:
    fill(pair.a)
    (pair.a / ".studioignore").write_text("*.ckpt\n/d/\n")
    (pair.a / "big.ckpt").write_text("x")
    for name in (".venv/x", "__pycache__/x", "node_modules/x", "env/pyvenv.cfg"):
        (pair.a / name).parent.mkdir()
        (pair.a / name).write_text("x")
    await carry(pair)
    gone = {"big.ckpt", ".venv", "__pycache__", "node_modules", "env", "d"}
    assert not gone & set(os.listdir(pair.b))
    assert {".studioignore", "plain", "to"} <= set(os.listdir(pair.b))


async def test_what_is_ignored_since_is_deleted_nowhere(pair: Any) -> None:
    for name in ("data/a", "data/b", "x"):
        (pair.a / name).parent.mkdir(exist_ok=True)
        (pair.a / name).write_text(name)
    await carry(pair)
    (pair.a / ".studioignore").write_text("data/\n")
    (pair.a / "data/a").unlink()
    outcome = await carry(pair)
    assert (pair.b / "data/b").read_text() == "data/b"
    assert (pair.a / "data/b").read_text() == "data/b"
    assert "data/b" in outcome.left


async def test_what_cannot_be_read_is_told_and_not_deleted_there(pair: Any) -> None:
    fill(pair.a)
    await carry(pair)
    (pair.a / "plain").unlink()
    os.mkfifo(pair.a / "plain")
    outcome = await carry(pair)
    assert list(outcome.left) == ["plain"]
    assert (pair.b / "plain").is_file()


async def test_a_folder_that_was_emptied_by_its_loss_is_filled_again(pair: Any) -> None:
    """A disk that was lost took what it remembered along: nothing of it looks deleted."""
    fill(pair.a)
    await carry(pair)
    subprocess.run(["rm", "-rf", pair.b], check=True)
    await carry(pair)
    assert "plain" in os.listdir(pair.a)
    await is_one(pair)


# -- git ------------------------------------------------------------------------------------------


def git(root: Path, *args: str) -> str:
    argv = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-C", str(root), *args]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


async def test_a_repository_with_its_history(pair: Any, way: str) -> None:
    git(pair.a, "init", "-q", "-b", "main")
    fill(pair.a)
    (pair.a / ".gitignore").write_text("*.log\n")
    (pair.a / "train.log").write_text("x")
    git(pair.a, "add", ".")
    git(pair.a, "commit", "-qm", "first")
    await carry(pair)
    assert git(pair.b, "status", "--porcelain") == ""
    assert git(pair.b, "rev-parse", "HEAD") == git(pair.a, "rev-parse", "HEAD")
    assert not (pair.b / "train.log").exists()
    for root, name in ((pair.a, "ours"), (pair.b, "theirs")):
        (root / name).write_text(name)
        git(root, "add", name)
        git(root, "commit", "-qm", name)
    ours, theirs = git(pair.a, "rev-parse", "HEAD"), git(pair.b, "rev-parse", "HEAD")
    outcome = await carry(pair)
    (copy,) = (c.copy for c in outcome.conflicts if c.path == ".git/refs/heads/main")
    for root in (pair.a, pair.b):
        assert git(root, "rev-parse", "main") == ours
        assert git(root, "rev-parse", copy.removeprefix(".git/refs/heads/")) == theirs
        git(root, "fsck", "--strict")
        assert (root / "theirs").read_text() == "theirs"


async def test_a_repository_needs_git_on_both_sides(
    pair: Any, programs: Callable[..., str]
) -> None:
    git(pair.a, "init", "-q")
    pair.remote.path = programs(*"sh tar test cat mkdir rm mv python3".split())
    with pytest.raises(NotFound, match="no git on gpu box"):
        await carry(pair)


# -- people go on working -------------------------------------------------------------------------


async def test_a_file_that_changes_while_it_is_carried_is_carried_again(
    pair: Any, way: str
) -> None:
    (pair.a / "a").write_bytes(b"x" * (3 << 20))
    (pair.a / "b").write_bytes(b"x")
    changes = iter(["one", "two"])

    def report(progress: Progress) -> None:
        with (pair.a / "a").open("a") as file:
            file.write(next(changes, ""))

    outcome = await carry(pair, report)
    assert outcome.left == {}
    await is_one(pair)


async def test_a_file_that_never_stops_changing_is_told_and_the_others_come(
    pair: Any, way: str
) -> None:
    (pair.a / "log").write_bytes(b"x" * (3 << 20))
    (pair.a / "other").write_bytes(b"x")

    def report(progress: Progress) -> None:
        with (pair.a / "log").open("a") as file:
            file.write("more")

    outcome = await carry(pair, report)
    assert outcome.left == {"log": "it changed while it was carried"}
    assert set(shape(pair.b)) == {"other"}
    assert (await carry(pair)).left == {}
    await is_one(pair)


async def test_work_on_the_target_since_the_look_is_not_lost(pair: Any) -> None:
    (pair.a / "a").write_text("old")
    await carry(pair)
    (pair.a / "a").write_text("ours")
    async with Carrier.opened(pair.here, pair.there) as carrier:
        plan = await carrier.plan()
        (pair.b / "a").write_text("theirs, at the last moment")
        (conflict,) = (await carrier.carry(plan)).conflicts
    assert (pair.a / "a").read_text() == "ours"
    assert (pair.a / conflict.copy).read_text() == "theirs, at the last moment"
    await is_one(pair)


# -- ends -----------------------------------------------------------------------------------------


async def test_a_carry_that_is_cancelled_changes_nothing_and_goes_on_later(
    pair: Any, way: str
) -> None:
    fill(pair.a)
    await carry(pair)
    before = shape(pair.b)
    for number in range(8):
        (pair.a / f"more{number}").write_bytes(os.urandom(4 << 20))
    half = asyncio.Event()

    def report(progress: Progress) -> None:
        if progress.bytes > 16 << 20:
            half.set()

    running = asyncio.ensure_future(carry(pair, report))
    await half.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert shape(pair.b) == before
    seen: list[int] = []
    await carry(pair, lambda progress: seen.append(progress.files))
    assert seen[0] > 0  # what had come whole does not come again
    await is_one(pair)


async def test_the_connection_is_cut_anywhere(pair: Any, way: str) -> None:
    """A cut before both sides remember may make a conflict of the next edit: a copy more."""
    fill(pair.a)
    await carry(pair)
    chance = random.Random(4)
    versions: dict[str, set[bytes]] = {}

    def remember() -> None:
        for root in (pair.a, pair.b):
            for name, found in shape(root).items():
                if isinstance(found, tuple):
                    versions.setdefault(name, set()).add(found[1])

    for number in range(10):
        remember()
        (pair.a / NAMES[number % len(NAMES)]).write_bytes(os.urandom(20_000))
        (pair.b / f"result{number}").write_bytes(os.urandom(20_000))
        remember()
        pair.remote.reads, pair.remote.cut = 0, chance.randrange(READS)
        with contextlib.suppress(StudioError):
            await carry(pair)
        pair.remote.cut = None
        for root in (pair.a, pair.b):
            for name, found in shape(root).items():
                if isinstance(found, tuple):
                    assert found[1] in versions[name], name
    await carry(pair)
    await is_one(pair)
    assert {f"result{number}" for number in range(10)} <= set(os.listdir(pair.a))


# -- by ssh ---------------------------------------------------------------------------------------


async def test_to_a_machine_by_ssh_and_back(
    pair: Any, sshd: Server, login: Login, way: str
) -> None:
    fill(pair.a)
    remote = await ssh.connect(login)
    pair.there = Place("box", remote, "~/studios/one")
    pair.b = sshd.home / "studios/one"
    await carry(pair)
    await is_one(pair)
    (pair.b / "d/e/deep").write_text("from there")
    (pair.a / "plain").write_text("from here")
    await carry(pair)
    assert (pair.a / "d/e/deep").read_text() == "from there"
    await is_one(pair)
    await remote.close()


async def test_an_ssh_connection_is_cut_anywhere(
    pair: Any, sshd: Server, login: Login, way: str
) -> None:
    """Whenever it is, every file is one that a side had, and the next carry ends the work."""
    fill(pair.a)
    pair.b = sshd.home / "one"
    chance, versions = random.Random(5), set[bytes]()
    for number in range(8):
        (pair.a / f"new{number}").write_bytes(os.urandom(200_000))
        (pair.a / "plain").write_bytes(os.urandom(20_000))
        versions |= {path.read_bytes() for path in pair.a.rglob("*") if path.is_file()}
        remote = await ssh.connect(login)
        pair.there = Place("box", remote, "~/one")
        cutting = asyncio.get_running_loop().call_later(chance.random() * 0.4, sshd.cut)
        with contextlib.suppress(StudioError):
            await carry(pair)
        cutting.cancel()
        await remote.close()
        found = shape(pair.b) if pair.b.exists() else {}
        assert {each[1] for each in found.values() if isinstance(each, tuple)} <= versions
    remote = await ssh.connect(login)
    pair.there = Place("box", remote, "~/one")
    await carry(pair)
    await is_one(pair)
    await remote.close()


# -- disks ----------------------------------------------------------------------------------------


@pytest.fixture
async def small_disk(pair: Any) -> AsyncIterator[None]:
    pair.b.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(pair.b)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a disk of its own can be mounted by root alone")
    yield
    await pair.remote.close()
    subprocess.run(["umount", "-l", str(pair.b)], check=True)


@pytest.mark.usefixtures("small_disk")
async def test_a_disk_that_is_too_small_is_seen_before(pair: Any) -> None:
    (pair.a / "large").write_bytes(os.urandom(8 << 20))
    with pytest.raises(DiskFull, match=r"the disk of gpu box has [\d,]+ bytes free, 8,388,608"):
        await carry(pair)
    assert shape(pair.b) == {}


@pytest.mark.usefixtures("small_disk")
async def test_a_disk_that_becomes_full_is_given_its_room_back(pair: Any, way: str) -> None:
    (pair.a / "small").write_text("x")
    (pair.a / "large").write_bytes(os.urandom(5 << 20))
    filler = pair.b / "filler"

    def report(progress: Progress) -> None:
        if not filler.exists():
            filler.write_bytes(b"x" * (5 << 20))

    with pytest.raises(DiskFull, match="the disk of gpu box is full"):
        await carry(pair, report)
    assert set(shape(pair.b)) == {"filler"}
    assert not (pair.b / ".studio-carry/stage").exists()
    filler.unlink()
    await carry(pair)
    await is_one(pair)


async def test_one_carry_at_a_time(pair: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Carrier.opened(pair.here, pair.there):
        with pytest.raises(StudioError, match="somebody is carrying"):
            await carry(pair)
    await carry(pair)


async def test_when_one_side_cannot_be_reached_the_other_is_let_go(pair: Any) -> None:
    await pair.remote.close()
    with pytest.raises(NotFound):
        await carry(pair)
    pair.there = Place("other", pair.local, str(pair.b))
    await carry(pair)
