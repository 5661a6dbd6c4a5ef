"""What is in a store, by the command line."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from relay_server.journal.sqlite import connect
from tests.relay_server.cli.conftest import Typed, run


def filled(path: Path, rows: dict[str, list[bytes]]) -> str:
    db = connect(path)
    for room, updates in rows.items():
        for seq, update in enumerate(updates, 1):
            db.execute("INSERT INTO log VALUES(?,?,?)", (room, seq, update))
    db.close()
    return f"sqlite:///{path}"


def test_rooms_of_a_store(capsys: pytest.CaptureFixture[str], tmp_path: Path, typed: Typed) -> None:
    store = filled(tmp_path / "j.db", {"b": typed("hi"), "a": typed("x")})
    code, out, _ = run(capsys, "rooms", "--store", store)
    assert code == 0
    assert run(capsys, "rooms", "--json", "--store", store)[1] == out
    assert [(room["room"], room["updates"]) for room in json.loads(out)] == [("a", 1), ("b", 2)]


def test_a_sound_store_passes_the_check(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, typed: Typed
) -> None:
    store = filled(tmp_path / "j.db", {"a": typed("hello")})
    assert run(capsys, "check", "--store", store)[:2] == (0, "ok: 1 rooms, 0 updates set aside\n")


def test_a_bad_update_fails_the_check(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, typed: Typed
) -> None:
    store = filled(tmp_path / "j.db", {"a": [*typed("hello"), b"\xff\xff"]})
    code, out, err = run(capsys, "check", "--store", store)
    assert code == 1
    assert out == "a: row 6 cannot be applied\n"
    assert err.startswith("error: store is damaged")


def test_a_backup_has_everything(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, typed: Typed
) -> None:
    store = filled(tmp_path / "j.db", {"a": typed("hello")})
    target = tmp_path / "copy.db"
    assert run(capsys, "backup", str(target), "--store", store)[0] == 0
    assert target.stat().st_mode & 0o777 == 0o600
    db = sqlite3.connect(f"file:{target}?mode=ro&immutable=1", uri=True)
    assert db.execute("SELECT count(*) FROM log").fetchone() == (5,)
    assert db.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    db.close()
    assert run(capsys, "check", "--store", f"sqlite:///{target}")[0] == 0
    assert sorted(path.name for path in tmp_path.glob("copy*")) == ["copy.db"]
    code, _, err = run(capsys, "backup", str(target), "--store", store)
    assert code == 2
    assert "exists already" in err


def test_a_backup_that_cannot_be_written_is_told_and_leaves_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, typed: Typed
) -> None:
    store = filled(tmp_path / "j.db", {"a": typed("hello")})
    code, _, err = run(capsys, "backup", str(tmp_path / "no" / "copy.db"), "--store", store)
    assert code == 2
    assert re.fullmatch(r"error: .+copy.db cannot be written: .+\nhint: .+\n", err)
    damage(tmp_path / "j.db", 0)
    code, _, err = run(capsys, "backup", str(tmp_path / "copy.db"), "--store", store)
    assert code == 1
    assert err.startswith("error: store ")
    assert not (tmp_path / "copy.db").exists()


def damage(file: Path, start: int) -> None:
    """Overwrites a database from some byte on."""
    data = file.read_bytes()
    file.write_bytes(data[:start] + b"\xa5" * (len(data) - start))


@pytest.mark.parametrize("command", ["check", "rooms"])
def test_a_damaged_store_is_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, typed: Typed, command: str
) -> None:
    store = filled(tmp_path / "j.db", {"a": typed("hello")})
    damage(tmp_path / "j.db", 4096)
    code, _, err = run(capsys, command, "--store", store)
    assert code == 1
    assert re.fullmatch(r"error: store .+\nhint: .+\n", err)


@pytest.mark.parametrize("command", ["check", "rooms"])
def test_somebody_elses_database_is_left_alone(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str
) -> None:
    with closing(sqlite3.connect(tmp_path / "other.db")) as db:
        db.execute("CREATE TABLE mine(x)")
    before = (tmp_path / "other.db").read_bytes()
    code, _, err = run(capsys, command, "--store", f"sqlite:///{tmp_path / 'other.db'}")
    assert code == 1
    assert "cannot be read: no such table" in err
    assert (tmp_path / "other.db").read_bytes() == before


def test_a_store_that_is_not_there_is_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, _, err = run(capsys, "check", "--store", f"sqlite:///{tmp_path}/none.db")
    assert code == 1
    assert "no store" in err
    assert os.listdir(tmp_path) == []


def test_what_was_set_aside_is_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, typed: Typed
) -> None:
    store = filled(tmp_path / "j.db", {"a": typed("hello"), "b": typed("x")})
    db = connect(tmp_path / "j.db")
    db.execute("INSERT INTO quarantine(room, seq, body) VALUES('a', 9, x'ff')")
    db.close()
    assert run(capsys, "check", "--store", store)[:2] == (
        0,
        "a: 1 updates set aside\nok: 2 rooms, 1 updates set aside\n",
    )
    rooms = json.loads(run(capsys, "rooms", "--store", store)[1])
    assert [(room["room"], room["set_aside"]) for room in rooms] == [("a", 1), ("b", 0)]
