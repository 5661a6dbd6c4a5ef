from __future__ import annotations

import random
from pathlib import Path

import pytest

from studio_tui.host.jobs import mergedlog
from studio_tui.host.jobs.mergedlog import KEPT, LINE_LIMIT, MergedLog


def merged(folder: Path) -> MergedLog:
    return MergedLog(folder / "jobs" / "j.log")


def whole(log: MergedLog) -> bytes:
    return log.read(0, 1 << 20)


def test_whole_lines_each_with_its_writer(tmp_path: Path) -> None:
    log = merged(tmp_path)
    assert log.add("a", 0, b"[rank0]: one\nW123 tor", "box1") == (0, b"[rank0]: one\n")
    assert log.add("b", 0, b"[rank1]: two\n", "box2") == (13, b"[rank1]: two\n")
    assert log.add("a", 21, b"chrun\n", "box1") == (26, b"[box1]: W123 torchrun\n")
    assert log.add("a", 27, b"end", "box1") == (48, b"")
    assert log.rest("a", "box1") == (48, b"[box1]: end\n")
    assert log.rest("b", "box2") == (60, b"")
    assert log.read(13, 9) == b"[rank1]: "
    assert log.read(100, 9) == b""
    assert (tmp_path / "jobs" / "j.log.0").stat().st_mode & 0o077 == 0
    log.remove()
    assert whole(merged(tmp_path)) == b""


def test_a_line_without_end_is_told(tmp_path: Path) -> None:
    log = merged(tmp_path)
    _, told = log.add("a", 0, b"x" * (LINE_LIMIT + 1), "box")
    assert told == b"[box]: " + b"x" * (LINE_LIMIT + 1) + b"\n"
    assert log.offsets == {"a": LINE_LIMIT + 1}


def test_a_writer_that_is_killed_anywhere_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Cut at random, written by a new host each time, with whatever the last one left torn."""
    chance = random.Random(7)
    sources = {
        name: b"".join(b"[rank%d]: %s %d\n" % (n, name.encode(), i) for i in range(60))
        for n, name in enumerate("ab")
    }
    log = merged(tmp_path)
    while any(log.offsets.get(name, 0) < len(text) for name, text in sources.items()):
        for name, text in sources.items():
            at = log.offsets.get(name, 0)
            log.add(name, at, text[at : at + chance.randrange(1, 90)], name)
        with (tmp_path / "jobs" / "j.log.0").open("ab") as file:
            file.write(b"[rank0]: torn"[: chance.randrange(13)])
        with (tmp_path / "jobs" / "j.index").open("ab") as file:
            file.write(b"a 99999"[: chance.randrange(7)])
        log = merged(tmp_path)
    lines = whole(log).splitlines(keepends=True)
    for n, text in enumerate(sources.values()):
        assert b"".join(line for line in lines if line.startswith(b"[rank%d]" % n)) == text


def test_of_a_long_log_the_end_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mergedlog, "SEGMENT", 100)
    log, told = merged(tmp_path), b""
    for number in range(200):
        at, text = log.add("a", log.offsets.get("a", 0), b"[rank0]: line %d\n" % number, "box")
        assert at == len(told)
        told += text
        if number % 7 == 0:
            log = merged(tmp_path)  # another host
    assert log.size == len(told)
    assert 200 < log.size - log.start < 100 * (KEPT + 1)
    assert log.read(log.start, 1 << 20) == told[log.start :]
    assert told[log.start - 1 : log.start] == b"\n"
    assert log.read(log.start + 90, 30) == told[log.start + 90 : log.start + 120]
    assert log.read(0, 1 << 20) == b""
    assert len(list((tmp_path / "jobs").iterdir())) == KEPT + 1
    assert (tmp_path / "jobs" / "j.index").stat().st_size < 500
    # Killed when the next file was begun, and before anybody was told.
    (tmp_path / "jobs" / f"j.log.{log.size + 50}").write_bytes(b"torn")
    log = merged(tmp_path)
    assert log.read(log.start, 1 << 20) == told[log.start :]
    assert len(list((tmp_path / "jobs").iterdir())) == KEPT + 1
    log.remove()
    assert list((tmp_path / "jobs").iterdir()) == []
