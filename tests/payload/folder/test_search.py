from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from studio_tui import payload
from studio_tui.payload.folder import search
from tests.conftest import Require

PAYLOAD = str(Path(payload.__file__).parent)
FILES = {
    "src/model.py": "class Model:\n    loss = Loss()\n",
    "src/日本.txt": "ein 日本 loss\r\nlosses\n",
    "long.txt": "x" * 500 + "loss" + "y" * 500 + "\n",
    "node_modules/a.js": "loss\n",
    ".studio-trash/1/a.py": "loss\n",
    "data.bin": "loss\0loss",
    ".github/ci.yml": "loss: 1\n",
    "ignored/out.txt": "loss\n",
    ".gitignore": "ignored/\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    for name, content in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content.encode())
    (tmp_path / "secret.txt").write_text("loss\n")
    (root / "link.txt").symlink_to("../secret.txt")
    os.mkfifo(root / "pipe.txt")
    return root


@pytest.fixture(params=["rg", "python"])
def path(request: pytest.FixtureRequest, require: Require, tmp_path: Path) -> str:
    """A PATH with the programs that this way of looking needs, and no others."""
    (tmp_path / "bin").mkdir()
    for program in ["git", *(["rg"] if request.param == "rg" else [])]:
        (tmp_path / "bin" / program).symlink_to(require(program))
    return str(tmp_path / "bin")


def look(
    root: Path, path: str, query: str, private: tuple[Path, ...] = (), **options: Any
) -> list[dict[str, Any]]:
    request = {"query": query, "regex": False, "case": False, "word": False, "most": 100, **options}
    ended = subprocess.run(
        payload.program(sys.executable, PAYLOAD, "folder.search", str(root), *map(str, private)),
        input=json.dumps(request),
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in ended.stdout.splitlines()]


def places(lines: list[dict[str, Any]]) -> set[tuple[str, int]]:
    return {(line["path"], line["line"]) for line in lines if "path" in line}


def test_it_looks_where_git_looks(root: Path, path: str) -> None:
    lines = look(root, path, "loss")
    git = {("src/model.py", 2), ("src/日本.txt", 1), ("src/日本.txt", 2), ("long.txt", 1)}
    found = places(lines)
    assert git | {(".github/ci.yml", 1)} <= found
    assert found - git - {(".github/ci.yml", 1)} <= {("ignored/out.txt", 1)}  # no repository yet
    assert lines[-1] == {"truncated": False}
    subprocess.run(["git", "init", "-q", root], check=True)
    assert places(look(root, path, "loss")) == git | {(".github/ci.yml", 1)}


def test_places_are_code_points(root: Path, path: str) -> None:
    first = next(line for line in look(root, path, "loss") if line.get("path") == "src/日本.txt")
    assert first["text"] == "ein 日本 loss"
    assert first["spans"] == [[7, 11]]


def test_a_long_line_is_cut_around_what_was_found(root: Path, path: str) -> None:
    found = next(line for line in look(root, path, "loss") if line.get("path") == "long.txt")
    assert len(found["text"]) == search.TEXT_CAP
    ((start, end),) = found["spans"]
    assert found["text"][start:end] == "loss"


@pytest.mark.parametrize(
    ("query", "options", "count"),
    [
        ("Loss", {"case": True}, 1),
        ("loss", {"word": True}, 3),
        (r"^class \w+", {"regex": True}, 1),
        (r"loss(?= = )", {"regex": True}, 1),  # rg does not know that, Python does
        ("Loss()", {}, 1),
        ("absent", {}, 0),
    ],
)
def test_case_words_and_expressions(
    root: Path, path: str, query: str, options: dict[str, Any], count: int
) -> None:
    subprocess.run(["git", "init", "-q", root], check=True)
    assert len(places(look(root, path, query, **options))) == count


def test_no_more_than_wanted(root: Path, path: str) -> None:
    lines = look(root, path, "loss", most=2)
    assert len(places(lines)) == 2
    assert lines[-1] == {"truncated": True}


SECRETS = (".env", ".ENV", ".env.local", ".ssh/id", "deep/.AWS/key", "st [a]*te/{x}/log", "out/id")


def test_what_is_private_is_not_even_counted(root: Path, path: str) -> None:
    for name in (*SECRETS, ".env.example", "st a/log"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("sesame\n")
    subprocess.run(["git", "init", "-q", root], check=True)
    subprocess.run(["git", "-C", root, "add", "out"], check=True)
    (root / "out").rename(root.parent / "out")  # git still names what is behind the link
    (root / "out").symlink_to("../out")
    private = (root / "st [a]*te", root, root.parent / "out")
    lines = look(root, path, "sesame", private, most=2)
    assert places(lines) == {(".env.example", 1), ("st a/log", 1)}
    assert lines[-1] == {"truncated": False}
    assert look(root, path, "sesame", private, most=1)[-1] == {"truncated": True}


def test_rg_does_not_read_what_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    request = {"query": "x", "regex": False, "case": False, "word": False}
    command = search.rg_command("rg", request, search.Secrets([f"{tmp_path}/a[b", "/elsewhere"]))
    assert {f"--iglob=!{name}" for name in search.PRIVATE} <= set(command)
    assert r"--glob=!/a\[b" in command
    assert not any("elsewhere" in word for word in command)


def test_an_expression_that_makes_no_sense_is_told(root: Path, path: str) -> None:
    assert list(look(root, path, "(", regex=True)[-1]) == ["error"]


def test_without_a_folder_it_says_how_it_is_used() -> None:
    ended = subprocess.run(
        payload.program(sys.executable, PAYLOAD, "folder.search"),
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (
        2,
        b"usage: folder.search ROOT [PRIVATE...] < request\n",
    )
