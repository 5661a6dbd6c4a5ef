"""A folder of the studio's, as it is sent: over the service's real program."""

from __future__ import annotations

import asyncio
import os

import pytest

from studio_tui.errors import NotFound, Refused
from studio_tui.host.data.copies import Loop
from studio_tui.host.data.tree import FolderTree
from tests.host.conftest import Bench, folder_on

PAGED = "from . import folder\nfolder.ENTRY_CAP = 2\n"


async def test_all_of_a_folder_is_named_page_by_page_and_nothing_outside_of_it(
    bench: Bench,
) -> None:
    out = bench.root / "out"
    (out / "sub" / "deep").mkdir(parents=True)
    (out / "bare").mkdir()
    for name in ("a", "b", "c", "sub/d", "sub/deep/e", ".env"):
        (out / name).write_bytes(b"12")
    with open(os.fsencode(out) + b"/\xff", "wb"):
        pass
    (bench.root / "beside").write_text("mine")
    (out / "inside").symlink_to("sub/d")
    (out / "loop").symlink_to(".")
    (out / "outside").symlink_to("../beside")
    (out / "etc").symlink_to("/etc/passwd")
    async with folder_on(bench.home / "machine", bench.root, prelude=PAGED) as folder:
        loop = Loop(asyncio.get_running_loop())

        def looked() -> dict[str, tuple[int, str]]:
            tree = FolderTree(loop, folder, "out/")
            assert tree.is_folder()
            return {leaf.name: (leaf.size, leaf.why) for leaf in tree.leaves()}

        found = await asyncio.to_thread(looked)
        files = {name for name, (_, why) in found.items() if not why}
        assert files == {"a", "b", "c", "inside", "sub/d", "sub/deep/e"}
        assert {found[name][0] for name in files} == {2}
        assert {name: why for name, (_, why) in found.items() if why} == {
            "bare/": "an empty folder",
            "etc": "a link out of the folder",
            "loop": "a link out of the folder",
            "outside": "a link out of the folder",
            ".env": "no regular file that may be read here",
            "?": "no regular file that may be read here",
        }


async def test_a_file_of_it_is_read_and_what_is_none_is_told(bench: Bench) -> None:
    (bench.root / "out").mkdir()
    (bench.root / "out" / "a").write_bytes(b"12")
    async with folder_on(bench.home / "machine", bench.root) as folder:
        loop = Loop(asyncio.get_running_loop())

        def looked() -> None:
            top = FolderTree(loop, folder, "")
            assert [leaf.name for leaf in top.leaves()] == ["out/a"]
            assert top.origin("out/a").read(1, 5) == b"2"
            assert not FolderTree(loop, folder, "out/a").is_folder()
            with pytest.raises(NotFound):
                FolderTree(loop, folder, "missing").is_folder()
            with pytest.raises(NotFound):
                top.origin("missing")
            with pytest.raises(Refused):
                FolderTree(loop, folder, "../..")

        await asyncio.to_thread(looked)
