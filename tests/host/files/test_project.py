from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from studio_tui.errors import Refused
from tests.host.conftest import eventually

if TYPE_CHECKING:
    from tests.host.conftest import Bench


@pytest.mark.usefixtures("brisk")
async def test_an_open_file_is_deleted_and_comes_back(bench: Bench) -> None:
    (bench.root / "a.py").write_text("a\n")
    async with bench.files():
        ana, vic = await bench.attach("ana"), await bench.attach("vic", "viewer")
        file = await ana.file("a.py")
        id = (await ana.command("files.delete", path="a.py"))["id"]
        await eventually(lambda: file.entry.state == "missing")
        assert str(file) == "a\n"
        (told,) = (await vic.query("files.trash"))["deleted"]
        assert (told["id"], told["path"], told["by"]) == (id, "a.py", "ana")
        with pytest.raises(Refused):
            await vic.command("files.restore", id=id)
        assert await ana.command("files.restore", id=id) == {"path": "a.py"}
        await eventually(lambda: file.entry.state == "saved")
        assert (bench.root / "a.py").read_text() == "a\n"


async def test_the_trash_can_be_emptied(bench: Bench) -> None:
    (bench.root / "a.py").write_text("a\n")
    async with bench.files():
        ana = await bench.attach("ana")
        await ana.command("files.delete", path="a.py")
        assert await ana.command("files.empty_trash") == {"deleted": 1}
        assert await ana.query("files.trash") == {"deleted": []}
