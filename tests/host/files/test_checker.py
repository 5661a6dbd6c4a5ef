from __future__ import annotations

import asyncio
import json
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from studio_tui.document.findings import MOST, STREAM, Finding
from studio_tui.host.files import checker as checker_module
from studio_tui.host.files.checker import Checker, read_ruff, read_syntax
from studio_tui.host.files.files import Files
from studio_tui.host.files.openfile import OpenFile
from tests.host.conftest import STUDIO, eventually, folder_on

if TYPE_CHECKING:
    from tests.host.conftest import Bench

BROKEN = "import os\nprint(undefined)\n"


@asynccontextmanager
async def checking(bench: Bench) -> AsyncIterator[Files]:
    """A host that has files and a checker."""
    async with folder_on(bench.home / "machine", bench.root) as folder, bench.host() as parts:
        files = Files(folder, bench.state, parts.session, parts.document, STUDIO, parts.tasks)
        checker = Checker(files, lambda told: parts.session.stream(STUDIO, STREAM, 1, told))
        parts.answer([*files.calls(), *checker.calls()])
        parts.tasks.create_task(checker.watch())
        yield files


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checker_module, "PAUSE", 0.02)


@pytest.fixture
def no_ruff(monkeypatch: pytest.MonkeyPatch, bench: Bench) -> None:
    """A machine without ruff: none on its PATH, and none beside its Python."""
    (bench.home / "bin").mkdir()
    for program in ("sh", "git"):
        (bench.home / "bin" / program).symlink_to(shutil.which(program) or "/nowhere")
    (bench.home / "bin" / "python3").symlink_to(sys.executable)
    monkeypatch.setattr(sys, "executable", str(bench.home / "bin" / "python3"))
    monkeypatch.setenv("PATH", str(bench.home / "bin"))


async def test_everybody_sees_what_ruff_says_as_they_type(bench: Bench) -> None:
    assert (Path(sys.executable).parent / "ruff").exists()  # of the group "lint"
    (bench.root / "ruff.toml").write_text('lint.select = ["F"]\n')
    (bench.root / "a.py").write_text(BROKEN)
    async with checking(bench):
        ana, bob = await bench.attach("ana"), await bench.attach("bob", "viewer")
        file = await ana.file("a.py")
        for studio in (ana, bob):
            await eventually(lambda studio=studio: len(studio.findings.of(file.id)) == 2)
        first, second = bob.findings.of(file.id)
        assert (first.line, first.code, first.error) == (1, "F401", False)
        assert (second.line, second.column, second.code, second.error) == (2, 7, "F821", True)
        await file.insert(0, "undefined = 日本 = 1\n")
        await eventually(lambda: [f.code for f in bob.findings.of(file.id)] == ["F401"])
        carl = await bench.attach("carl")
        await carl.findings.load()
        assert carl.findings.of(file.id) == bob.findings.of(file.id)


@pytest.mark.usefixtures("no_ruff")
async def test_without_ruff_the_syntax_is_looked_at(bench: Bench) -> None:
    (bench.root / "a.py").write_text("def f(:\n    pass\n")
    (bench.root / "notes.md").write_text("def f(:\n")
    async with checking(bench):
        ana = await bench.attach("ana")
        file, notes = await ana.file("a.py"), await ana.file("notes.md")
        await eventually(lambda: ana.findings.of(file.id))
        (finding,) = ana.findings.of(file.id)
        assert (finding.line, finding.column, finding.error) == (1, 7, True)
        await file.write("def f():\n    pass\n")
        await eventually(lambda: not ana.findings.of(file.id))
        assert ana.findings.of(notes.id) == []


async def test_who_never_pauses_is_checked_all_the_same(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checker_module, "PAUSE", 60.0)
    monkeypatch.setattr(checker_module, "LONGEST", 0.1)
    (bench.root / "a.py").write_text(BROKEN)
    async with checking(bench):
        ana = await bench.attach("ana")
        file = await ana.file("a.py")
        async with asyncio.timeout(20):
            while not ana.findings.of(file.id):
                await file.insert(0, "#\n")
                await asyncio.sleep(0.01)


@pytest.mark.timeout(30)
async def test_an_edit_at_the_end_of_a_pause_does_not_keep_the_host_busy(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checker_module, "PAUSE", 60.0)
    monkeypatch.setattr(checker_module, "LONGEST", 0.05)
    (bench.root / "a.py").write_text(BROKEN)
    checked: list[str] = []

    async def check(_: Checker, id: str, file: OpenFile) -> None:
        checked.append(id)

    monkeypatch.setattr(Checker, "_check", check)
    async with folder_on(bench.home / "machine", bench.root) as folder, bench.host() as parts:
        files = Files(folder, bench.state, parts.session, parts.document, STUDIO, parts.tasks)
        checker, opened = Checker(files, lambda _: None), list[OpenFile]()
        files.on_text = opened.append
        parts.answer(files.calls())
        await (await bench.attach("ana")).file("a.py")
        watching = parts.tasks.create_task(checker.watch())
        while len(checked) < 3:  # edited in every turn of the loop, so also in a pause's last one
            checker.changed(opened[0])
            await asyncio.sleep(0)
        checker.changed(opened[0])
        await eventually(lambda: len(checked) == 4)
        assert not watching.done()


@pytest.mark.parametrize(
    "output",
    [
        *(b"", b"{}", b"no ruff", b"[]", b"[1]", b"7", b"null", b"\xff", b"[" * 100_000),
        *(b'{"location": {}}', b'{"location": [1]}', b'{"location": {"row": [1]}, "code": [1]}'),
        b'{"message": ' + b"[" * 3000 + b"]" * 3000 + b', "code": {}}',
    ],
)
def test_output_that_makes_no_sense_is_nothing_found(output: bytes) -> None:
    assert read_ruff(output) == []
    assert read_syntax(output) == []


def test_a_breach_of_syntax_is_an_error_without_a_code() -> None:
    item = {
        "code": "invalid-syntax",
        "message": "Expected `)`",
        "location": {"row": 3, "column": 2},
        "end_location": {"row": 3, "column": 4},
    }
    line, found = json.dumps(item).encode(), Finding(3, 2, 3, 4, "", "Expected `)`", error=True)
    assert read_ruff(line) == [found]
    assert read_ruff(line + b"\n[1]\n" + line + b"\n" + line[:-5]) == [found, found]


def program(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


async def test_a_program_that_came_with_the_project_is_not_run(bench: Bench) -> None:
    program(bench.root / ".venv" / "bin" / "ruff", f"touch {bench.home}/was_run")
    (bench.root / "a.py").write_text(BROKEN)
    async with checking(bench):
        viewer = await bench.attach("vic", "viewer")
        file = await viewer.file("a.py")
        await eventually(lambda: viewer.findings.of(file.id))
    assert not (bench.home / "was_run").exists()


@pytest.mark.usefixtures("no_ruff")
async def test_a_checker_that_never_stops_talking_is_cut_short(bench: Bench) -> None:
    said = '{"location": {"row": 1}, "code": "F1", "message": "x"}'
    program(bench.home / "bin" / "ruff", f"while :; do echo '{said}' || exit; done")
    (bench.root / "a.py").write_text(BROKEN)
    async with checking(bench):
        ana = await bench.attach("ana")
        file = await ana.file("a.py")
        await eventually(lambda: len(ana.findings.of(file.id)) == MOST)


async def test_a_check_that_fails_does_not_end_the_host(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = checker_module.read_ruff
    outputs: list[bytes] = []

    def failing_once(output: bytes) -> list[Finding]:
        outputs.append(output)
        if len(outputs) == 1:
            raise RecursionError
        return read(output)

    monkeypatch.setattr(checker_module, "read_ruff", failing_once)
    (bench.root / "a.py").write_text(BROKEN)
    async with checking(bench):
        ana = await bench.attach("ana")
        file = await ana.file("a.py")
        await eventually(lambda: outputs)
        await file.insert(0, "#\n")
        await eventually(lambda: ana.findings.of(file.id))
