"""Copies in threads, and the studio's folder as one end of them."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from studio_tui.data.source import Going
from studio_tui.errors import NotFound, StudioError, UsageFault
from studio_tui.host.data.copies import AT_ONCE, Copies, Copy, FolderOrigin, FolderTarget, Loop
from tests.host.conftest import folder_on


async def ended(copies: Copies, copy: Copy) -> Copy:
    while copy.state == "running":
        await copies.news(copy, copy.going.done, 10)
    return copy


async def test_a_copy_tells_how_it_ended() -> None:
    def fails(_: Going) -> dict[str, Any]:
        raise NotFound("gone", "look")

    def full(_: Going) -> dict[str, Any]:
        raise OSError(28, "No space left on device")

    def breaks(_: Going) -> dict[str, Any]:
        raise OverflowError("of somebody else's package")

    async with asyncio.TaskGroup() as tasks:
        copies = Copies(tasks)
        good = await ended(copies, copies.begin("s3://b/a", "a", "ana", lambda _: {"files": 1}))
        assert (good.state, good.result) == ("done", {"files": 1})
        bad = await ended(copies, copies.begin("s3://b/a", "a", "ana", fails))
        assert (bad.state, bad.plain()["message"], bad.plain()["hint"]) == (
            "failed",
            "gone",
            "look",
        )
        worse = await ended(copies, copies.begin("s3://b/a", "a", "ana", full))
        assert worse.plain()["message"] == "a: No space left on device"
        worst = await ended(copies, copies.begin("s3://b/a", "a", "ana", breaks))
        assert (worst.state, worst.plain()["message"]) == ("failed", "the copy failed")
        assert [copy.id for copy in copies.known()] == [good.id, bad.id, worse.id, worst.id]
        with pytest.raises(NotFound):
            copies.find("nobody")


async def test_the_same_is_not_copied_twice_at_once_and_a_stop_is_heard() -> None:
    begun = threading.Event()

    def waits(going: Going) -> dict[str, Any]:
        begun.set()
        while True:
            going.step(0)

    async with asyncio.TaskGroup() as tasks:
        copies = Copies(tasks)
        copy = copies.begin("s3://b/a", "a", "ana", waits)
        with pytest.raises(UsageFault, match="already"):
            copies.begin("s3://b/a", "a", "bob", waits)
        assert await asyncio.to_thread(begun.wait, 10)
        copy.going.stop = True
        assert (await ended(copies, copy)).state == "stopped"


async def test_whoever_has_time_gets_a_turn() -> None:
    go_on = threading.Event()

    def waits(_: Going) -> dict[str, Any]:
        assert go_on.wait(20)
        return {}

    async with asyncio.TaskGroup() as tasks:
        copies = Copies(tasks)
        for number in range(AT_ONCE):
            copies.begin(f"s3://b/{number}", "a", "ana", waits)
        with pytest.raises(UsageFault, match="under way"):
            copies.begin("s3://b/more", "a", "ana", waits)

        async def begin() -> Copy:
            await copies.turn("s3://b/more", "a")
            return copies.begin("s3://b/more", "a", "ana", waits)

        both = [tasks.create_task(begin()) for _ in range(2)]
        await asyncio.sleep(0)
        assert not any(task.done() for task in both)
        go_on.set()
        first, second = await asyncio.gather(*both)  # the same thing: one after the other
        assert (await ended(copies, second)).state == first.state == "done"


async def test_a_host_that_ends_waits_for_its_copies_to_stop() -> None:
    over: list[bool] = []
    begun = threading.Event()

    def waits(going: Going) -> dict[str, Any]:
        begun.set()
        try:
            while True:
                going.step(0)
        finally:
            over.append(True)

    async def host() -> None:
        async with asyncio.TaskGroup() as tasks:
            Copies(tasks).begin("s3://b/a", "a", "ana", waits)

    running = asyncio.create_task(host())
    assert await asyncio.to_thread(begun.wait, 10)
    running.cancel()
    await asyncio.wait((running,))
    assert over == [True]


async def test_a_file_grows_in_the_studios_folder(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    loop = Loop(asyncio.get_running_loop())
    async with folder_on(tmp_path / "machine", tmp_path / "root") as folder:

        def copy() -> None:
            target = FolderTarget(loop, lambda: folder, "deep/a")
            assert target.begin("m") == 0
            target.write(0, b"abc")
            again = FolderTarget(loop, lambda: folder, "deep/a")
            assert again.begin("m") == 3
            assert again.read(1, 2) == b"bc"
            again.write(3, b"def")
            again.finish()
            with pytest.raises(UsageFault, match="there already"):
                FolderTarget(loop, lambda: folder, "deep/a").begin("m")
            other = FolderTarget(loop, lambda: folder, "deep/a", force=True)
            other.begin("n")
            other.write(0, b"new")
            other.finish()
            dropped = FolderTarget(loop, lambda: folder, "deep/b")
            dropped.begin("m")
            dropped.write(0, b"x")
            dropped.discard()

        await asyncio.to_thread(copy)
    assert (tmp_path / "root" / "deep" / "a").read_bytes() == b"new"
    assert [path.name for path in (tmp_path / "root" / "deep").iterdir()] == ["a"]


async def test_no_folder_gives_way_to_a_file(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "src").mkdir(parents=True)
    (root / "src" / "a").write_text("mine")
    os.mkfifo(root / "pipe")
    loop = Loop(asyncio.get_running_loop())
    async with folder_on(tmp_path / "machine", root) as folder:

        def copy() -> None:
            for force in (False, True):
                for path, why in (("src", "is a folder"), ("pipe", "is not a regular file")):
                    with pytest.raises(UsageFault, match=f"{path} {why}"):
                        FolderTarget(loop, lambda: folder, path, force=force).begin("m")
            late = FolderTarget(loop, lambda: folder, "late", force=True)
            late.begin("m")
            late.write(0, b"x")
            (root / "late").mkdir()  # while the copy is under way
            with pytest.raises(UsageFault, match="late exists already"):
                late.finish()

        await asyncio.to_thread(copy)
    assert (root / "src" / "a").read_text() == "mine"
    assert sorted(path.name for path in root.iterdir()) == ["late", "pipe", "src"]


async def test_what_cannot_take_its_place_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "a").write_text("old")
    loop = Loop(asyncio.get_running_loop())
    async with folder_on(tmp_path / "machine", tmp_path / "root") as folder:

        def copy() -> None:
            target = FolderTarget(loop, lambda: folder, "a", force=True)
            target.begin("m")
            target.write(0, b"new")
            for step in ("append", "rename"):
                with pytest.MonkeyPatch.context() as broken:
                    broken.setattr(folder, step, fails)
                    with pytest.raises(NotFound):
                        target.finish()
                assert (tmp_path / "root" / "a").read_text() == "old"
            target.finish()

        async def fails(*_: object, **__: object) -> None:
            raise NotFound("the machine is gone", "wait")

        await asyncio.to_thread(copy)
    assert (tmp_path / "root" / "a").read_text() == "new"


async def test_a_studio_that_moves_gets_no_file_where_it_was(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "other").mkdir()
    loop = Loop(asyncio.get_running_loop())
    async with (
        folder_on(tmp_path / "machine", tmp_path / "root") as here,
        folder_on(tmp_path / "machine2", tmp_path / "other") as there,
    ):
        current = here

        def copy() -> None:
            nonlocal current
            target = FolderTarget(loop, lambda: current, "a")
            target.begin("m")
            target.write(0, b"x")
            current = there
            with pytest.raises(StudioError, match="another machine"):
                target.finish()

        await asyncio.to_thread(copy)
    assert not (tmp_path / "root" / "a").exists()


async def test_a_file_that_changes_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "a").write_bytes(b"12345")
    loop = Loop(asyncio.get_running_loop())
    async with folder_on(tmp_path / "machine", tmp_path / "root") as folder:

        def look() -> None:
            origin = FolderOrigin(loop, folder, "a")
            assert (origin.size(), origin.read(1, 3)) == (5, b"234")
            origin.check()
            (tmp_path / "root" / "a").write_bytes(b"123456")
            with pytest.raises(StudioError, match="changed while"):
                origin.check()

        await asyncio.to_thread(look)
