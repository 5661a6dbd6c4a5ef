"""Studios on the command line: open, attach, ls, stop, host."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from studio_tui.cli.studio import _harm
from studio_tui.client import locate, start
from studio_tui.settings import joined, studios
from studio_tui.settings.joined import Joined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import Hosted, Typed


@pytest.fixture
def folder(tmp_path: Path, studio_home: Path) -> Iterator[Path]:
    """A project; the studios that were started are stopped."""
    project = tmp_path / "my project"
    project.mkdir()
    yield project
    for record in studios.records():
        start.stop(record)


def test_opened_listed_stopped_and_opened_again(folder: Path, spawned: Typed) -> None:
    done = spawned("open", str(folder), "--name", "work", "--detach")
    studio = done.out.strip()
    assert re.fullmatch(r"[a-z]+-[a-z]+", studio)
    assert done.code == 0
    assert f"studio-tui attach {studio}" in done.err

    shown = {
        "id": studio, "name": "work", "dir": str(folder), "relay": None, "state": "running",
        "role": "owner",
    }  # fmt: skip
    assert spawned("open", "--json", cwd=folder).json == shown
    assert spawned("ls", "--json").json == [shown]
    assert studio in spawned("ls").out

    done = spawned("stop", studio)
    assert (done.code, done.out, done.err) == (0, "", f"stopped {studio}\n")
    assert spawned("ls", "--json").json == [{**shown, "state": "stopped"}]
    assert spawned("stop", studio).err == f"{studio} is stopped already\n"

    done = spawned("status", studio)
    assert done.code == 3
    assert done.error == f"studio {studio} is not running"
    assert done.hint == f"start it again: studio-tui open {folder}"
    assert spawned("open", str(folder), "--detach").out.strip() == studio


def test_no_studio_yet(typed: Typed) -> None:
    assert typed("ls", "--json").json == []
    assert "studio-tui open" in typed("ls").out


def test_studios_of_others_are_listed_with_what_one_is_there(typed: Typed) -> None:
    joined.remember(Joined("bold-lynx", "wss://box", "vis\x1b[31mion", "editor"))
    joined.remember(Joined("calm-otter", "wss://box"))  # let in by an invite, not entered yet
    lynx, otter = typed("ls", "--json").json
    assert lynx == {
        "id": "bold-lynx", "name": "vis\x1b[31mion", "dir": None, "relay": "wss://box",
        "state": "joined", "role": "editor",
    }  # fmt: skip
    assert (otter["name"], otter["role"]) == (None, None)
    shown = typed("ls").out.splitlines()
    assert shown[1].split() == ["bold-lynx", "vis�[31mion", "joined", "editor", "wss://box"]
    assert shown[2].split() == ["calm-otter", "-", "joined", "-", "wss://box"]
    assert typed("status", "bold-linx").hint == "did you mean bold-lynx?"
    assert typed("stop", "bold-lynx").error == "bold-lynx is somebody else's studio"


def test_ones_own_studio_is_not_listed_twice(hosted: Hosted, typed: Typed) -> None:
    joined.remember(Joined(hosted.id, "wss://box", "work", "viewer"))
    assert [each["role"] for each in typed("ls", "--json").json] == ["owner"]


@pytest.mark.parametrize("words", [("attach",), ("status",), ("stop",), ("file", "ls")])
def test_an_id_that_nobody_knows_names_the_nearest(
    words: tuple[str, ...], hosted: Hosted, typed: Typed
) -> None:
    wrong = hosted.id.replace("-", "")
    done = typed(*words, wrong)
    assert (done.code, done.out) == (3, "")
    assert done.error == f"no studio {wrong!r}"
    assert done.hint == f"did you mean {hosted.id}?"


@pytest.mark.parametrize(
    ("name", "code", "message"), [("missing", 3, "does not exist"), ("file", 3, "is not a folder")]
)
def test_a_folder_that_is_none(
    name: str, code: int, message: str, tmp_path: Path, typed: Typed
) -> None:
    (tmp_path / "file").write_text("")
    for words in (("open", "--detach"), ("host",)):
        done = typed(*words, str(tmp_path / name))
        assert done.code == code
        assert done.error.endswith(message)


def test_the_app_needs_a_terminal(hosted: Hosted, tmp_path: Path, spawned: Typed) -> None:
    done = spawned("attach", hosted.id)
    assert (done.code, done.out) == (1, "")
    assert done.error == "the app needs a terminal, and this is not one"
    done = spawned("open", str(tmp_path))
    assert done.code == 1
    assert "--detach" in done.hint
    assert all(record.dir != str(tmp_path) for record in studios.records())


def test_a_relay_that_does_not_answer(folder: Path, typed: Typed) -> None:
    done = typed("open", str(folder), "--relay", "ws://127.0.0.1:9", "--detach")
    assert done.code == 3
    assert done.error == "relay ws://127.0.0.1:9 does not answer"
    assert typed("ls", "--json").json == []


@pytest.mark.parametrize("relay", ["http://box", "box:8484", "ws://"])
def test_a_relay_that_is_none(relay: str, folder: Path, typed: Typed) -> None:
    assert typed("open", str(folder), "--relay", relay, "--detach").code == 2


def test_a_relay_without_a_token(folder: Path, typed: Typed) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        relay = f"ws://127.0.0.1:{server.getsockname()[1]}"
        done = typed("open", str(folder), "--relay", relay, "--detach")
    assert done.code == 4
    assert done.hint == f"studio-tui login {relay}"


def test_a_relay_that_came_with_the_folder_is_told(
    folder: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And it gets no token that was not kept for it."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("STUDIO_RELAY_TOKEN", "mine")
    with socket.create_server(("127.0.0.1", 0)) as server:
        relay = f"ws://127.0.0.1:{server.getsockname()[1]}"
        (folder / "studio.toml").write_text(f'relay = "{relay}"\n')
        done = typed("open", "--detach")
    assert done.err.splitlines()[0] == f"relay {relay}: set by {folder / 'studio.toml'}"
    assert (done.code, done.error) == (4, f"no token for {relay}")


def test_a_studio_whose_relay_is_gone_is_unreachable(hosted: Hosted, typed: Typed) -> None:
    record = studios.find(hosted.id)
    with_relay = {"relay": "ws://127.0.0.1:9", "url": "ws://127.0.0.1:9"}
    fields = {name: getattr(record, name) for name in record.__dataclass_fields__}
    studios.save(studios.StudioRecord(**{**fields, **with_relay}))
    try:
        assert typed("ls", "--json").json[0]["state"] == "unreachable"
    finally:
        studios.save(record)


def test_stopping_tells_what_ends_and_what_goes_on(folder: Path, typed: Typed) -> None:
    studio = typed("open", str(folder), "--detach").out.strip()
    job = typed("job", "run", studio, "--", "sleep", "100").out.strip()
    assert typed("stop", studio).err == (
        f"stopped {studio}; 1 job(s) go on, `studio-tui open {folder}` shows them again\n"
    )
    typed("open", str(folder), "--detach")
    assert typed("job", "show", studio, job, "--json").json["state"] == "running"
    typed("job", "stop", studio, job)


async def test_who_stops_it_at_a_terminal_is_asked_while_somebody_is_attached(
    hosted: Hosted,
) -> None:
    keyboard, terminal = pty.openpty()
    os.write(keyboard, b"n\n")
    try:
        async with locate.attach(hosted.id, "ana") as ana, locate.attach(hosted.id, "bob") as bob:
            term = await bob.terminal(command=["cat"])
            await ana.until(lambda: len(ana.people) == 2 and not term.closed)
            assert await _harm(ana) == "bob is attached, and 1 terminal(s) would end"
            command = [sys.executable, "-m", "studio_tui", "stop", hosted.id]
            stopping = await asyncio.create_subprocess_exec(
                *command, stdin=terminal, stderr=terminal, stdout=terminal
            )
            assert await stopping.wait() == 1
            await term.close()
    finally:
        said = os.read(keyboard, 4096).decode()
        os.close(keyboard)
        os.close(terminal)
    assert f"ana, bob are attached, and 1 terminal(s) would end. Stop {hosted.id}?" in said
    assert f"{hosted.id} goes on" in said
    assert studios.alive(studios.find(hosted.id))


def test_a_host_that_cannot_be_asked_is_stopped_by_signal(folder: Path, typed: Typed) -> None:
    studio = typed("open", str(folder), "--detach").out.strip()
    record = studios.find(studio)
    Path(record.token_path).write_text("no token at all")
    assert typed("stop", studio).code == 0
    assert not studios.alive(record)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_host_in_the_foreground(folder: Path, number: signal.Signals, typed: Typed) -> None:
    host = subprocess.Popen(
        [sys.executable, "-m", "studio_tui", "host", str(folder), "--name", "front"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        record = start._awaited(host, folder, folder / "none", None)  # type: ignore[arg-type]
        assert (record.name, record.pid) == ("front", host.pid)
        second = typed("host", str(folder))
        assert second.code == 1
        assert f"already has a host, process {host.pid}" in second.error
        assert second.hint == f"studio-tui attach {record.id}"
    finally:
        host.send_signal(number)
        out, err = host.communicate(timeout=20)
    assert (host.returncode, out, err) == (0, "", "")


def test_the_environment_of_a_studio(hosted: Hosted) -> None:
    """Its own user alone reads what it keeps."""
    for path in (hosted.home, hosted.home / "state", hosted.home / "config"):
        if path != hosted.home and path.exists():
            assert os.stat(path).st_mode & 0o077 == 0
