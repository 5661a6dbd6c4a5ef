"""All files of a studio together, through a real relay and a real host."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from studio_tui.client.project import Marks
from studio_tui.document.pattern import Pattern
from studio_tui.errors import NotFound, Refused, UsageFault

if TYPE_CHECKING:
    from .conftest import Hosted, Stage


@pytest.fixture
def folder(hosted: Hosted) -> Path:
    """A folder of this test alone, in the studio's."""
    made = Path(hosted.record.dir) / "replaced"
    made.mkdir(exist_ok=True)
    return made


async def test_a_replacement_across_files_is_one_in_shared_texts(
    hosted: Hosted, folder: Path
) -> None:
    (folder / "a.py").write_text("quux = 1\nprint(quux)\n")
    (folder / "b.py").write_text("no\nquux()\r\n")
    wanted = Pattern("quux", word=True)
    async with hosted.attach("ana") as ana, hosted.attach("bob") as bob:
        open_file = await bob.file("replaced/a.py")
        await open_file.insert(0, "quux typed\n")
        await open_file.saved()
        found = await ana.project.search(wanted)
        assert found.paths == ["replaced/a.py", "replaced/b.py"]
        assert [hit.line for hit in found.hits] == [1, 2, 3, 2]
        counts = await ana.project.replace(wanted, "grault", found.paths)
        assert counts == {"replaced/a.py": 3, "replaced/b.py": 1}
        await bob.until(lambda: "quux" not in str(open_file))
        assert str(open_file) == "grault typed\ngrault = 1\nprint(grault)\n"
        assert (folder / "b.py").read_bytes() == b"no\ngrault()\r\n"
        assert await ana.project.replace(wanted, "x", found.paths) == {}


async def test_what_makes_no_sense_changes_nothing(hosted: Hosted, folder: Path) -> None:
    (folder / "c.py").write_text("(c)\n")
    async with hosted.attach() as studio:
        with pytest.raises(UsageFault):
            await studio.project.replace(Pattern("(", regex=True), "x", ["replaced/c.py"])
        with pytest.raises(NotFound):
            await studio.project.replace(Pattern("c"), "x", ["replaced/absent.py"])
        with pytest.raises(NotFound):
            await studio.project.delete("replaced/absent.py")
        with pytest.raises(Refused, match="outside"):
            await studio.project.create("../x")
        with pytest.raises(UsageFault):
            await studio.project.create("replaced/c.py")
    assert (folder / "c.py").read_text() == "(c)\n"


async def test_files_are_made_moved_deleted_and_brought_back(hosted: Hosted, folder: Path) -> None:
    async with hosted.attach() as studio:
        project = studio.project
        await project.create("replaced/new/d.py")
        await project.rename("replaced/new/d.py", "replaced/e.py")
        assert "replaced/e.py" in await project.find("replaced/e")
        id = await project.delete("replaced/e.py")
        assert not (folder / "e.py").exists()
        assert (id, "replaced/e.py") in [(each.id, each.path) for each in await project.trash()]
        assert await project.restore(id) == "replaced/e.py"
        await project.delete("replaced/e.py")
        assert await project.empty_trash() >= 1
        assert await project.trash() == []


async def test_a_file_is_read_in_pieces(hosted: Hosted, folder: Path) -> None:
    (folder / "net.bin").write_bytes(b"\0weights")
    async with hosted.attach() as studio:
        piece = await studio.project.piece("replaced/net.bin", 1, 3)
    assert (piece.data, piece.size, piece.binary) == (b"wei", 8, True)


async def test_answers_that_make_no_sense_are_passed_over(stage: Stage) -> None:
    stage.host.answers |= {
        "files.search": lambda _: {"hits": [1, {}, {"path": "a", "line": "x"}], "truncated": True},
        "files.trash": lambda _: {"deleted": [None, {"path": 3}, {"id": "1", "time": "noon"}]},
        "files.status": lambda _: {"marks": [], "ignored": [1]},
    }
    studio = await stage.attach()
    found = await studio.project.search(Pattern("x"))
    assert [(hit.path, hit.line, hit.spans) for hit in found.hits] == [("a", 0, [])]
    assert [deleted.id for deleted in await studio.project.trash()] == ["1"]
    assert (await studio.project.marks()).marks == {}


def test_marks_of_folders_follow_from_those_of_files() -> None:
    marks = Marks({"src/a.py": "A", "new": "?"}, frozenset({"out", "src/b.log"}))
    paths = ("src/a.py", "src", "src/c.py", "new", "new/deep/x.py", "tests")
    assert [marks.letter(path) for path in paths] == ["A", "M", "", "?", "?", ""]
    assert marks.ignores("out/deep/x")
    assert marks.ignores("src/b.log")
    assert not marks.ignores("src")
