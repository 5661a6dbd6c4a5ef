"""The audit log is only added to, and its failure is nobody else's."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from relay_server.audit import Audit
from relay_server.errors import BadSetting


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_events_are_lines(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_text('{"event": "before"}\n')
    audit = Audit(path, clock=lambda: 12.5)
    audit.note("joined", room="r", name="Ann\nBob\x1b]52;", id=None)
    audit.close()
    audit.note("after the end")
    assert lines(path) == [
        {"event": "before"},
        {"time": 12.5, "event": "joined", "room": "r", "name": "Ann\nBob\x1b]52;"},
    ]
    assert path.read_bytes().isascii()
    assert b"\x1b" not in path.read_bytes()


def test_the_file_is_private(tmp_path: Path) -> None:
    Audit(tmp_path / "a").close()
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600


def test_without_a_path_nothing_is_kept(tmp_path: Path) -> None:
    audit = Audit(None)
    audit.note("joined")
    audit.follow()
    audit.close()
    assert audit.lost == 0


def test_it_goes_on_after_the_file_was_moved(tmp_path: Path) -> None:
    path = tmp_path / "a"
    audit = Audit(path)
    audit.note("one")
    audit.follow()
    audit.note("two")
    path.rename(tmp_path / "a.1")
    audit.note("three")
    audit.follow()
    audit.note("four")
    audit.close()
    assert [line["event"] for line in lines(tmp_path / "a.1")] == ["one", "two", "three"]
    assert [line["event"] for line in lines(path)] == ["four"]


def test_a_full_disk_costs_the_event(caplog: pytest.LogCaptureFixture) -> None:
    audit = Audit(Path("/dev/full"))
    with caplog.at_level(logging.ERROR):
        audit.note("one")
        audit.note("two")
    audit.close()
    assert audit.lost == 2
    assert len(caplog.records) == 1


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="audit"):
        Audit(tmp_path / "no" / "a")
