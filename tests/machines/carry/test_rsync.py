"""Real rsync over a connection that is open already."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from studio_tui.errors import StudioError
from studio_tui.machines.carry.rsync import new_enough, rsync, usable
from studio_tui.machines.carry.tree import DiskFull, Tree

NAMES = ["a", "deep/er/b", "-rf", "#x", ";y", "a\nb", "sp ace", "it's", "\udcff\udcfe", "é", "*?["]


@pytest.fixture
async def trees(pair: Any, require: Callable[[str], str]) -> AsyncIterator[tuple[Tree, Tree]]:
    require("rsync")
    found = (await Tree.opened(pair.here), await Tree.opened(pair.there))
    yield found
    for tree in found:
        tree.close()


def fill(root: Path) -> None:
    for number, name in enumerate(NAMES):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(100 * number))
        path.chmod(0o640)
        os.utime(path, ns=(1, 1_234_567_890_000_000_123 + number))


async def carried(source: Tree, target: Tree, names: list[str]) -> list[tuple[int, int]]:
    await target.ask("make_stage", wanted=[])
    seen: list[tuple[int, int]] = []
    await rsync(source, names, target, lambda files, size: seen.append((files, size)))
    return seen


@pytest.mark.parametrize("push", [True, False])
async def test_names_times_and_modes(trees: tuple[Tree, Tree], *, push: bool) -> None:
    source, target = trees if push else trees[::-1]
    root, stage = Path(source.root), Path(target.root, ".studio-carry/stage")
    fill(root)
    seen = await carried(source, target, NAMES)
    for name in NAMES:
        one, other = root / name, stage / name
        assert one.read_bytes() == other.read_bytes()
        assert one.stat().st_mtime_ns == other.stat().st_mtime_ns
        assert one.stat().st_mode == other.stat().st_mode
    assert sum(files for files, _ in seen) == len(NAMES)
    assert sum(size for _, size in seen) == sum((root / name).stat().st_size for name in NAMES)


async def test_what_is_there_already_is_a_basis(trees: tuple[Tree, Tree], pair: Any) -> None:
    content = bytearray(os.urandom(8 << 20))
    (pair.b / "large").write_bytes(content)
    content[4 << 20 : (4 << 20) + 10] = b"0123456789"
    (pair.a / "large").write_bytes(content)
    status = (pair.b / "large").stat()
    os.utime(pair.a / "large", ns=(1, status.st_mtime_ns))  # same size, same time, other content
    before = pair.remote.told
    await carried(trees[0], trees[1], ["large"])
    assert (pair.b / ".studio-carry/stage/large").read_bytes() == content
    await carried(trees[1], trees[0], ["large"])
    assert pair.remote.told - before < 1 << 20


async def test_a_file_that_is_gone_does_not_stop_the_others(
    trees: tuple[Tree, Tree], pair: Any
) -> None:
    (pair.a / "b").write_text("x")
    await carried(*trees, ["a", "b"])
    assert os.listdir(pair.b / ".studio-carry/stage") == ["b"]


async def test_a_large_file_goes_on_from_its_half(trees: tuple[Tree, Tree], pair: Any) -> None:
    (pair.a / "large").write_bytes(os.urandom(64 << 20))
    await trees[1].ask("make_stage", wanted=[])
    enough, sizes = asyncio.Event(), [0]

    def moved(files: int, size: int) -> None:
        sizes.append(size)
        if sum(sizes) > 16 << 20:  # more than pipes hold: a part of it has come
            enough.set()

    started = asyncio.ensure_future(rsync(trees[0], ["large"], trees[1], moved))
    await enough.wait()
    started.cancel()
    with pytest.raises(asyncio.CancelledError):
        await started
    stage = pair.b / ".studio-carry/stage"
    while not (stage / ".studio-parts/large").exists():
        await asyncio.sleep(0.01)
    assert not (stage / "large").exists()
    await carried(*trees, ["large"])
    assert (stage / "large").read_bytes() == (pair.a / "large").read_bytes()


async def test_a_disk_that_is_full(trees: tuple[Tree, Tree], pair: Any, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    full = tmp_path / "bin/rsync"
    full.write_text(
        "#!/bin/sh\necho 'rsync: write failed: No space left on device (28)' >&2; exit 11"
    )
    full.chmod(0o755)
    (pair.a / "a").write_text("x")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
        with pytest.raises(DiskFull, match="gpu box is full"):
            await carried(*trees, ["a"])


async def test_an_rsync_that_fails_says_why(trees: tuple[Tree, Tree], pair: Any) -> None:
    pair.remote.path = "/nowhere"
    (pair.a / "a").write_text("x")
    with pytest.raises(StudioError, match="cannot start rsync"):
        await carried(*trees, ["a"])


async def test_when_it_can_be_used(trees: tuple[Tree, Tree]) -> None:
    here, there = trees
    assert await usable(here, there)
    assert not await usable(there, there)


@pytest.mark.parametrize(
    ("said", "fine"),
    [
        ("rsync  version 3.0.9  protocol version 30", False),
        ("openrsync: protocol version 29", False),
        ("", False),
        ("rsync  version v3.2.7  protocol version 31", True),
    ],
)
def test_which_rsync_is_new_enough(said: str, *, fine: bool) -> None:
    assert new_enough(said) is fine
