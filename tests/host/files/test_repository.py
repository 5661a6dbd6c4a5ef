from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from studio_tui.host.files.repository import Status, read_status
from tests.conftest import Require

if TYPE_CHECKING:
    from tests.host.conftest import Bench


@pytest.mark.parametrize(
    ("porcelain", "marks", "ignored"),
    [
        ("", {}, []),
        (" M a.py\0A  b.py\0?? new/\0!! out/\0", {"a.py": "M", "b.py": "A", "new": "?"}, ["out"]),
        ("MM c.py\0 D d.py\0", {"c.py": "M", "d.py": "D"}, []),
        ("UU e.py\0AA f.py\0", {"e.py": "U", "f.py": "U"}, []),
    ],
)  # fmt: skip
def test_what_git_says(porcelain: str, marks: dict[str, str], ignored: list[str]) -> None:
    assert read_status(porcelain, "") == Status(marks, ignored)


def test_a_folder_within_a_repository_has_paths_of_its_own() -> None:
    assert read_status(" M sub/a.py\0", "sub/") == Status({"a.py": "M"}, [])


async def test_git_tells_how_files_stand_and_which_it_ignores(
    bench: Bench, require: Require
) -> None:
    git = [require("git"), "-C", str(bench.root), "-c", "user.name=a", "-c", "user.email=a@b"]
    (bench.root / "a.py").write_text("1\n")
    (bench.root / ".gitignore").write_text("out/\n")
    (bench.root / "out").mkdir()
    (bench.root / "out" / "log.txt").write_text("1\n")
    async with bench.files():
        ana = await bench.attach("ana")
        assert await ana.query("files.status") == {"marks": {}, "ignored": []}
        for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "one"]):
            subprocess.run([*git, *words], check=True)
        (bench.root / "a.py").write_text("2\n")
        (bench.root / "日本.py").write_text("2\n")
        (bench.root / ".env").write_text("KEY=1\n")
    async with bench.files():
        assert await ana.query("files.status") == {
            "marks": {"a.py": "M", "日本.py": "?", ".env": "?"},
            "ignored": ["out"],
        }
        found = await ana.query("files.find", query="")
        assert found["paths"] == [".gitignore", "a.py", "日本.py"]


async def test_a_repository_starts_no_program_of_its_own(bench: Bench, require: Require) -> None:
    git = [require("git"), "-C", str(bench.root)]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "config", "core.fsmonitor", f"touch {bench.root}/ran; false"], check=True)
    (bench.root / "a.py").write_text("1\n")
    async with bench.files():
        ana = await bench.attach("ana")
        assert (await ana.query("files.status"))["marks"] == {"a.py": "?"}
        assert (await ana.query("files.find", query=""))["paths"] == ["a.py"]
    assert not (bench.root / "ran").exists()
