"""The studio's folder through a real host."""

from __future__ import annotations

from typing import Any

import pytest

from studio_tui.errors import NotFound, Refused, StudioError


async def test_what_is_made_moved_found_and_deleted(hosted: Any) -> None:
    async with hosted.attach() as studio:
        await studio.tree.create("model/deep", folder=True)
        await studio.tree.create("model/deep/net.py")
        assert (hosted.folder / "model/deep/net.py").read_bytes() == b""
        assert await studio.tree.find("net") == ["model/deep/net.py"]
        with pytest.raises(StudioError):
            await studio.tree.create("model/deep/net.py")
        await studio.tree.rename("model/deep/net.py", "model/net.py")
        (hosted.folder / "model/net.py").write_bytes(b"\0weights")
        piece = await studio.tree.piece("model/net.py", 1, 3)
        assert (piece.data, piece.size, piece.binary) == (b"wei", 8, True)
        await studio.tree.delete("model")
        assert not (hosted.folder / "model").exists()


async def test_what_is_not_there_or_outside_is_told(hosted: Any) -> None:
    async with hosted.attach() as studio:
        with pytest.raises(NotFound):
            await studio.tree.delete("none.py")
        with pytest.raises(Refused, match="outside"):
            await studio.tree.create("../x")
