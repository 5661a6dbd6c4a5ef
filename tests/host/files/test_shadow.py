from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from studio_tui.document.replica import Replica
from studio_tui.document.text import SharedText
from studio_tui.errors import StudioError
from studio_tui.host.files.disk import Shape
from studio_tui.host.files.shadow import Shadow, Written, known


def document(text: str) -> bytes:
    replica = Replica()
    SharedText(replica.doc).insert(0, text)
    return replica.missing_from(b"\0")


NEW = Written(Shape(crlf=True), "new", document("new"))
OLD = Written(Shape(bom=True), "old", document("old"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "shadow.json"


def test_what_is_remembered_is_recalled(path: Path) -> None:
    Shadow(path, "room").remember(NEW, OLD)
    contents = Shadow(path, "room").recall()
    assert contents == [NEW, OLD]
    assert known(contents, "old") == OLD
    assert known(contents, "other") is None
    Shadow(path, "room").remember(NEW)
    assert Shadow(path, "room").recall() == [NEW]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_another_rooms_shadow_means_nothing(path: Path) -> None:
    Shadow(path, "room").remember(NEW)
    assert Shadow(path, "another").recall() == []


def test_nothing_is_known_at_first_and_in_the_end(path: Path) -> None:
    shadow = Shadow(path, "room")
    assert shadow.recall() == []
    shadow.forget()
    shadow.remember(NEW)
    shadow.forget()
    assert shadow.recall() == []


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"not json",
        b"[]",
        json.dumps({"room": "room"}).encode(),
        json.dumps({"room": "room", "contents": None}).encode(),
        json.dumps({"room": "room", "contents": [None]}).encode(),
        json.dumps({"room": "room", "contents": [{"digest": "x"}]}).encode(),
        json.dumps(
            {"room": "room", "contents": [{"crlf": 0, "bom": 0, "digest": "x", "base": "AAA"}]}
        ).encode(),
        json.dumps(
            {"room": "room", "contents": [{"crlf": 0, "bom": 0, "digest": "x", "base": "/////w=="}]}
        ).encode(),
    ],
)
def test_a_damaged_one_is_as_good_as_none(path: Path, damage: bytes) -> None:
    path.write_bytes(damage)
    assert Shadow(path, "room").recall() == []


def test_a_shadow_that_cannot_be_written_is_an_error(path: Path) -> None:
    os.mkdir(path)
    with pytest.raises(StudioError, match="cannot write"):
        Shadow(path, "room").remember(NEW)
