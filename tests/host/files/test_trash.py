from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from studio_tui.errors import NotFound, Refused, UsageFault
from studio_tui.host.files import trash as trash_module
from studio_tui.host.files.folder import Folder
from studio_tui.host.files.trash import KEEP_SECONDS, Trash
from tests.host.conftest import folder_on

DAY = 86400.0


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = (tmp_path / "project").resolve()
    (root / "src").mkdir(parents=True)
    (root / "src" / "train.py").write_text("train\n")
    (root / "a").write_text("a\n")
    return root


@pytest.fixture
async def folder(root: Path, tmp_path: Path) -> AsyncIterator[Folder]:
    async with folder_on(tmp_path / "machine", root) as made:
        yield made


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def trash(folder: Folder, clock: Clock) -> Trash:
    return Trash(lambda: folder, clock)


async def test_what_was_deleted_comes_back(trash: Trash, root: Path) -> None:
    deleted = await trash.take("src/train.py", "ana")
    assert not (root / "src" / "train.py").exists()
    assert (root / ".studio-trash" / ".gitignore").read_text() == "*\n"
    assert await trash.listed() == [deleted]
    assert deleted is not None
    assert (deleted.path, deleted.by) == ("src/train.py", "ana")
    assert await trash.restore(deleted.id) == (
        f".studio-trash/{deleted.id}/train.py",
        "src/train.py",
    )
    assert (root / "src" / "train.py").read_text() == "train\n"
    assert await trash.listed() == []
    assert [path.name for path in (root / ".studio-trash").iterdir()] == [".gitignore"]


async def test_a_folder_goes_as_a_whole(trash: Trash, root: Path) -> None:
    deleted = await trash.take("src", "ana")
    assert deleted is not None
    (root / "src").write_text("another\n")
    with pytest.raises(UsageFault, match="exists already"):
        await trash.restore(deleted.id)
    await trash.restore(deleted.id, "old/src")
    assert (root / "old" / "src" / "train.py").read_text() == "train\n"
    assert (root / "src").read_text() == "another\n"


async def test_one_name_deleted_twice_is_there_twice(
    trash: Trash, root: Path, clock: Clock
) -> None:
    await trash.take("a", "ana")
    (root / "a").write_text("second\n")
    clock.now += 60
    await trash.take("a", "bob")
    newest, oldest = await trash.listed()
    assert (newest.by, oldest.by) == ("bob", "ana")
    await trash.restore(newest.id)
    assert (root / "a").read_text() == "second\n"


async def test_a_link_goes_and_what_it_leads_to_stays(trash: Trash, root: Path) -> None:
    (root / "link").symlink_to("a")
    await trash.take("link", "ana")
    assert not (root / "link").is_symlink()
    assert (root / "a").exists()


async def test_what_cannot_be_deleted_leaves_nothing_behind(trash: Trash, root: Path) -> None:
    with pytest.raises(NotFound):
        await trash.take("absent", "ana")
    with pytest.raises(Refused):
        await trash.take("../outside", "ana")
    with pytest.raises(Refused):
        await trash.take("", "ana")
    assert await trash.listed() == []


async def test_a_trash_that_leads_elsewhere_takes_nothing(
    trash: Trash, root: Path, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (root / ".studio-trash").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Refused):
        await trash.take("a", "ana")
    assert (root / "a").exists()
    assert not list((tmp_path / "elsewhere").iterdir())


async def test_deleted_in_the_trash_is_gone_for_good(trash: Trash, root: Path) -> None:
    deleted = await trash.take("a", "ana")
    assert deleted is not None
    assert await trash.take(f".studio-trash/{deleted.id}", "ana") is None
    assert await trash.listed() == []
    with pytest.raises(NotFound, match="not in the trash"):
        await trash.restore(deleted.id)


async def test_notes_that_make_no_sense_are_passed_over(trash: Trash, root: Path) -> None:
    await trash.take("a", "ana")
    times = ["9" * 400, "1e400", "NaN", "-Infinity", "-1", "1e10", '"soon"', "9" * 5000]
    told = [f'{{"path": "p", "by": "x", "time": {time}}}' for time in times]
    for number, note in enumerate(["", "[]", "{", '{"path": 1}', "[" * 100_000, *told]):
        (root / ".studio-trash" / f"x{number}").mkdir()
        (root / ".studio-trash" / f"x{number}.deleted").write_text(note)
    (root / ".studio-trash" / "folder").mkdir()
    (root / ".studio-trash" / "folder.deleted").mkdir()
    assert [deleted.path for deleted in await trash.listed()] == ["a"]


async def test_the_old_goes_and_the_new_stays(trash: Trash, root: Path, clock: Clock) -> None:
    await trash.take("a", "ana")
    (root / ".studio-trash" / "20260101").mkdir()  # of a switch: not ours to empty
    clock.now += KEEP_SECONDS - DAY
    await trash.take("src", "ana")
    await trash.prune()
    assert len(await trash.listed()) == 2
    clock.now += 2 * DAY
    await trash.prune()
    assert [deleted.path for deleted in await trash.listed()] == ["src"]
    assert await trash.empty() == 1
    names = sorted(path.name for path in (root / ".studio-trash").iterdir())
    assert names == [".gitignore", "20260101"]


async def test_too_much_of_it_goes_from_the_oldest_on(
    trash: Trash, root: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trash_module, "SIZE_CAP", 300 << 10)
    for name in ("one", "two", "three"):
        (root / name).write_bytes(b"x" * (200 << 10))
        await trash.take(name, "ana")
        clock.now += 60
    await trash.prune()
    assert [deleted.path for deleted in await trash.listed()] == ["three"]
