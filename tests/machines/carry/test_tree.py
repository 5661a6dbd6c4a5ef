"""A folder on a machine, spoken with: its answers, its errors, its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio_tui.errors import NotFound, StudioError
from studio_tui.machines.carry.tree import DiskFull, Place, Tree, stream


def wanted(path: Path) -> list[Any]:
    status = path.stat()
    return [path.name, 0o644, status.st_size, status.st_mtime_ns]


async def test_questions_and_answers(pair: Any) -> None:
    tree = await Tree.opened(pair.there)
    assert tree.root == str(pair.b)
    assert tree.facts["caseless"] is False
    (pair.b / "a").write_text("x")
    told = await tree.ask("survey", peer="p", name="", rules=[], defaults=[])
    assert [row[1] for row in told["rows"]] == ["a"]
    with pytest.raises(StudioError, match="on gpu box cannot be carried: there is no 'dance'"):
        await tree.ask("dance")
    assert await tree.ask("changed", wanted=[]) == []
    tree.close()
    tree.close()


async def test_a_machine_without_python(pair: Any, programs: Callable[..., str]) -> None:
    pair.remote.path = programs("sh", "tar", "test", "cat", "mkdir", "rm", "mv")
    with pytest.raises(NotFound, match="no Python on gpu box") as raised:
        await Tree.opened(pair.there)
    assert "install python3" in raised.value.hint


async def test_a_folder_that_cannot_be_made(pair: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    place = Place("gpu", pair.remote, str(tmp_path / "file" / "x"))
    with pytest.raises(StudioError, match="Not a directory"):
        await Tree.opened(place)


async def test_a_program_that_is_killed(pair: Any) -> None:
    tree = await Tree.opened(pair.here)
    tree._channel.signal(9)  # type: ignore[attr-defined]
    with pytest.raises(StudioError, match="on local ended with 137"):
        await tree.ask("hello")


async def test_a_question_that_is_given_up_is_the_end(pair: Any) -> None:
    tree = await Tree.opened(pair.here)
    with (pair.a / "large").open("wb") as file:
        file.truncate(1 << 36)
    asked = asyncio.ensure_future(tree.ask("digests", paths=["large"]))
    done, _ = await asyncio.wait([asked], timeout=0.2)
    assert not done
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert await tree._channel.wait() != 0


async def test_files_through_this_process(pair: Any) -> None:
    (pair.a / "one").write_bytes(b"1" * 700_000)
    (pair.a / "two").write_bytes(b"")
    source, target = await Tree.opened(pair.here), await Tree.opened(pair.there)
    files = [wanted(pair.a / "one"), wanted(pair.a / "two")]
    await target.ask("make_stage", wanted=files)
    seen: list[tuple[int, int]] = []
    await stream(source, files, target, lambda count, size: seen.append((count, size)))
    stage = pair.b / ".studio-carry/stage"
    assert (stage / "one").read_bytes() == b"1" * 700_000
    assert (stage / "two").read_bytes() == b""
    assert sum(count for count, _ in seen) == 2
    assert sum(size for _, size in seen) >= 700_000
    assert await source.ask("changed", wanted=files) == []
    assert await target.ask("changed", wanted=files) == ["one", "two"]
    source.close()
    target.close()


async def test_a_disk_that_is_full_ends_the_stream_at_once(pair: Any) -> None:
    with (pair.a / "large").open("wb") as file:
        for number in range(64):
            file.write(bytes([number]) * (1 << 20))
    source, target = await Tree.opened(pair.here), await Tree.opened(pair.there)
    files = [wanted(pair.a / "large")]
    await target.ask("make_stage", wanted=files)
    (pair.b / ".studio-carry/stage/large.studio-part").symlink_to("/dev/full")
    seen: list[int] = []
    with pytest.raises(DiskFull, match="the disk of gpu box is full") as raised:
        await stream(source, files, target, lambda count, size: seen.append(size))
    assert "make room" in raised.value.hint
    assert sum(seen) < 64 << 20
    assert await target.ask("changed", wanted=[]) == []
    target.close()
