"""The program on the machine: questions and answers through its pipes."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from studio_tui import payload
from studio_tui.payload.carry import frames, serve
from studio_tui.payload.carry.folder import Folder
from studio_tui.payload.carry.serve import Service


def answers(data: bytes) -> list[Any]:
    stream, found = io.BytesIO(data), []
    while head := stream.read(frames.LENGTH.size):
        found.append(frames.decode(stream.read(frames.LENGTH.unpack(head)[0])))
    return found


def served(folder: Folder, *requests: bytes) -> bytes:
    sink = io.BytesIO()
    Service(folder, io.BytesIO(b"".join(requests)), sink).run()
    return sink.getvalue()


def ask(do: str, **arguments: Any) -> bytes:
    return frames.encode({"do": do, **arguments})


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(str(tmp_path / "studio"))


def test_it_answers_until_nobody_asks(folder: Folder) -> None:
    (hello, changed) = answers(served(folder, ask("hello"), ask("changed", wanted=[])))
    assert hello["is"]["root"] == folder.root
    assert changed == {"is": []}


def test_an_error_is_an_answer(folder: Folder) -> None:
    asked = [ask("survey", peer="p", name="", rules=[], defaults=[]), ask("hello")]
    Path(folder.root, ".git").mkdir()
    failed, fine = answers(served(folder, *asked))
    assert "not a git repository" in failed["error"]
    assert failed["full"] is False
    assert "is" in fine


@pytest.mark.parametrize("word", ["__init__", "_kept", "root", "nonsense"])
def test_nothing_else_can_be_asked(folder: Folder, word: str) -> None:
    (answer,) = answers(served(folder, ask(word)))
    assert "there is no" in answer["error"]


def test_a_full_disk_is_told_and_the_rest_of_the_stream_is_passed_over(folder: Folder) -> None:
    stage = Path(folder.stage)
    stage.mkdir()
    (stage / "a.studio-part").symlink_to("/dev/full")
    files = [["a", 0o644, 5, 1]]
    chunk = frames.SEGMENT.pack(0, 0, 5) + b"12345"
    stream = (frames.CHUNK.pack(len(chunk), 0) + chunk) * 3 + frames.END
    full, fine = answers(served(folder, ask("unpack", wanted=files), stream, ask("hello")))
    assert full["full"] is True
    assert "No space left" in full["error"]
    assert "is" in fine


def test_a_stream_out_and_in(folder: Folder, tmp_path: Path) -> None:
    Path(folder.root, "a").write_text("content")
    status = Path(folder.root, "a").stat()
    files = [["a", 0o644, status.st_size, status.st_mtime_ns]]
    out = served(folder, ask("pack", wanted=files))
    said = frames.encode({"is": []})
    assert out.endswith(frames.END + said)
    stream = out[: -len(said)]
    other = Folder(str(tmp_path / "other"))
    other.make_stage(files)
    assert answers(served(other, ask("unpack", wanted=files), stream)) == [{"is": None}]
    assert Path(other.stage, "a").read_text() == "content"


def test_the_program_ends_with_its_stdin(tmp_path: Path) -> None:
    argv = [sys.executable, "-X", "utf8", "-ESs", "-m", "carry", str(tmp_path / "new")]
    folder = Path(payload.__file__).parent
    done = subprocess.run(argv, cwd=folder, input=ask("hello"), capture_output=True, check=False)
    assert done.returncode == 0
    assert answers(done.stdout)[0]["is"]["root"] == str(tmp_path / "new")
    assert done.stderr == b""


def test_the_ends_of_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("x")
    assert serve.main([str(tmp_path / "file")]) == 1
    assert "File exists" in capsys.readouterr().err
    monkeypatch.setattr("studio_tui.payload.carry.folder.PATIENCE", 0.0)
    held = Folder(str(tmp_path / "held"))
    assert serve.main([held.root]) == 75
    assert "another program" in capsys.readouterr().err


def test_half_a_question_is_the_studios_end(folder: Folder) -> None:
    with pytest.raises(EOFError):
        served(folder, ask("hello")[:-1])
