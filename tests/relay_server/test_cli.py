"""The command line: what it prints, how it ends, and what it does not load."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from relay_server.cli import main, seconds, state_dir
from relay_server.errors import BadSetting
from relay_server.journal.sqlite import connect
from relay_server.keys import Keys

ROOT = Path(__file__).parents[2]
Typed = Callable[[str], list[bytes]]


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code: object = 0
    try:
        main(arguments)
    except SystemExit as end:
        code = end.code
    out, err = capsys.readouterr()
    assert isinstance(code, int)
    return code, out, err


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "relay_server", "serve", "--port", "0", *arguments]
    relay = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert relay.stdout is not None
        yield relay, relay.stdout.readline()
    finally:
        relay.kill()
        relay.communicate()


@pytest.mark.parametrize("arguments", [["--help"], ["serve", "--help"], ["token", "--help"]])
def test_help_is_quick_and_has_an_example(arguments: list[str]) -> None:
    code = (
        "import sys; from relay_server.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "heavy = {'websockets', 'pycrdt', 'cryptography', 'jwt', 'asyncio', 'sqlite3', 'ssl'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Example:" in done.stdout


def test_without_a_command_there_is_help(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys)
    assert code == 0
    assert "Commands:" in out


@pytest.mark.parametrize(
    "arguments",
    [
        ["fly"],
        ["serve", "--port", "many"],
        ["serve", "--metrics-port", "70000"],
        ["serve", "--per-address", "0"],
        ["serve", "--host", "256.1.1.1", "--insecure", "--store", "memory:"],
        ["serve", "--store", "mysql://x"],
        ["serve", "--store", "redis://localhost"],
        ["serve", "--host", "0.0.0.0"],
        ["serve", "--tls-cert", "c.pem"],
        ["token", "r"],
        ["token", "r", "--role", "root"],
        ["token", "r", "--role", "editor", "--expires", "soon"],
    ],
)
def test_what_makes_no_sense_ends_with_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert re.fullmatch(r"error: .+\nhint: .+\n", err)


def test_durations() -> None:
    assert [seconds(text) for text in ("90s", "30m", "8h", "1.5d", "1w")] == [
        90,
        1800,
        28800,
        129600,
        604800,
    ]
    for text in ("", "8", "h", "-1h", "8 h", "8y"):
        with pytest.raises(BadSetting):
            seconds(text)


def test_the_state_folder_follows_studio_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path))
    assert state_dir() == tmp_path / "state" / "relay"
    monkeypatch.delenv("STUDIO_HOME")
    assert state_dir().parts[-2:] == ("studio-tui", "relay")


def test_a_token_is_one_line_for_the_same_key(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(
        capsys, "token", "calm-otter", "--role", "editor", "--name", "Ann", "--expires", "2h"
    )
    assert code == 0
    assert err.startswith("revoke it with: ")
    grant = Keys.load(state_dir() / "key.pem").verify(out.strip())
    assert (grant.room, grant.role, grant.name) == ("calm-otter", "editor", "Ann")


def test_serve_prints_where_it_is_and_ends_on_sigterm() -> None:
    with serving() as (relay, line):
        found = re.fullmatch(r"relay at (ws://127\.0\.0\.1:\d+), key in (.+)\n", line)
        assert found
        assert Path(found[2]) == state_dir() / "key.pem"
        assert (state_dir() / "journal.db").exists()
        relay.send_signal(signal.SIGTERM)
        out, err = relay.communicate(timeout=20)
        assert (relay.returncode, out) == (0, "")
        assert err.endswith("info: relay closes, with 0 connections\n")


def test_a_taken_port_ends_with_1_and_two_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with serving("--store", "memory:") as (_, line):
        port = line.split(":")[2].split(",")[0]
        code, _, err = run(capsys, "serve", "--store", "memory:", "--port", port)
        assert code == 1
        assert re.fullmatch(r"error: cannot listen on .+ in use\nhint: .+\n", err)


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


# ---------------------------------------------------------------- invites


def test_an_invite_is_printed_alone_and_listed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    key = ["--key", str(tmp_path / "key.pem")]
    wss = ["--relay", "wss://relay.example.com/"]
    code, out, err = run(
        capsys, "invite", "calm-otter", "--role", "viewer", "--name", "Bob", *wss, *key
    )
    assert code == 0
    found = re.fullmatch(r"wss://relay\.example\.com/calm-otter#([\w-]{22})\n", out)
    assert found
    assert found[1] not in err
    code, out, _ = run(capsys, "invites", *key)
    (told,) = json.loads(out)
    assert (told["studio"], told["role"], told["name"]) == ("calm-otter", "viewer", "Bob")
    assert (told["state"], told["by"]) == ("open", "studio-relay")
    assert err == f"revoke it with: studio-relay revoke {told['id']}\n"
    assert found[1] not in out
    assert json.loads(run(capsys, "invites", "other", *key)[1]) == []


@pytest.mark.parametrize("command", [["revoke"], ["invite", "--revoke"]])
def test_an_invite_is_revoked(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, command: list[str]
) -> None:
    key = ["--key", str(tmp_path / "key.pem")]
    run(capsys, "invite", "r", "--role", "editor", *key)
    (told,) = json.loads(run(capsys, "invites", *key)[1])
    assert run(capsys, "role", told["id"], "viewer", *key)[0] == 0
    assert json.loads(run(capsys, "invites", *key)[1])[0]["role"] == "viewer"
    assert run(capsys, *command, told["id"], *key)[:2] == (0, f"revoked {told['id']}\n")
    assert json.loads(run(capsys, "invites", *key)[1])[0]["state"] == "revoked"


def test_a_token_says_how_to_revoke_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    key = ["--key", str(tmp_path / "key.pem")]
    _, token, err = run(capsys, "token", "r", "--role", "editor", *key)
    keys = Keys.load(tmp_path / "key.pem")
    assert err.split()[-1] == keys.verify(token.strip()).jti
    assert run(capsys, "revoke", err.split()[-1], *key)[0] == 0
    assert keys.refresh()
    assert keys.revoked(err.split()[-1])


@pytest.mark.parametrize(
    "arguments",
    [
        ["invite"],
        ["invite", "r"],
        ["invite", "r", "--role", "root"],
        ["invite", "r", "--role", "editor", "--expires", "0s"],
        ["invite", "r", "--role", "editor", "--relay", "https://x"],
        ["revoke", "no such id"],
        ["role", "abc", "root"],
        ["serve", "--public-url", "https://x"],
        ["serve", "--log-level", "loud"],
        ["serve", "--port", "0", "--store", "memory:", "--audit", "/no/such/folder/a"],
    ],
)
def test_what_makes_no_sense_is_told(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert re.fullmatch(r"error: .+\nhint: .+\n", err)


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
