"""Starting and stopping a studio: one host per folder, whoever asks, and why it did not start."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from studio_tui.client import relays, start
from studio_tui.client.relays import Choice
from studio_tui.errors import NotFound, Refused, StudioError, UsageFault
from studio_tui.settings import paths, studios
from studio_tui.settings.studios import StudioRecord


@pytest.fixture
def folder(tmp_path: Path, studio_home: Path) -> Iterator[Path]:
    """A project; whatever was started for it is stopped."""
    project = tmp_path / "project"
    project.mkdir()
    yield project
    os.environ["STUDIO_HOME"] = str(studio_home)
    for record in studios.records():
        start.stop(record)


def test_started_found_and_stopped(folder: Path) -> None:
    record = start.ensure(folder, name="work")
    assert (record.name, record.dir, record.relay) == ("work", str(folder), None)
    assert studios.alive(record)
    assert start.ensure(folder) == record
    assert start.running(folder) == record
    assert list(paths.log_folder().glob("*.starting")) == []
    start.stop(record)
    assert not studios.alive(record)
    start.stop(record)
    assert start.running(folder) is None
    again = start.ensure(folder)
    assert (again.id, again.name, again.url) == (record.id, "work", record.url)
    assert again.pid != record.pid


def test_two_at_once_get_one_studio(folder: Path) -> None:
    found: list[StudioRecord] = []
    threads = [
        threading.Thread(target=lambda: found.append(start.ensure(folder))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    assert len(set(found)) == 1
    assert len(studios.records()) == 1
    hosts = [p.pid for p in psutil.Process().children() if str(folder) in p.cmdline()]
    assert hosts == [found[0].pid], "one that lost would take the place of the one that won"


def test_the_host_is_nobodys_child_to_wait_for(folder: Path) -> None:
    """One that ends while the process that started it goes on leaves no zombie."""
    record = start.ensure(folder)
    os.kill(record.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while Path(f"/proc/{record.pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    with pytest.raises(ProcessLookupError):
        os.kill(record.pid, 0)


def test_a_host_that_was_killed_this_moment_is_not_taken_for_one_that_runs(folder: Path) -> None:
    for _ in range(2):
        record = start.ensure(folder)
        os.kill(record.pid, signal.SIGKILL)
        again = start.ensure(folder)
        assert again.pid != record.pid
        assert relays.speaks(again.url)


def test_a_host_that_is_slow_to_answer_is_still_the_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = start.ensure(folder)
    monkeypatch.setattr(start, "LAST_SECONDS", 0.1)
    monkeypatch.setattr(relays, "speaks", lambda _: False)
    assert start.ensure(folder) == record


def test_a_relative_home_is_the_same_for_the_host(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STUDIO_HOME", "near")
    record = start.ensure(folder)
    try:
        assert record.token_path.startswith(str(tmp_path / "near"))
    finally:
        start.stop(record)


def test_a_home_that_is_too_deep_for_a_socket(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path / ("deep" * 30)))
    with pytest.raises(
        StudioError, match="no socket can be made at .*: AF_UNIX path too"
    ) as raised:
        start.ensure(folder)
    assert "set STUDIO_HOME to a folder with a short path" in raised.value.hint


def test_another_relay_than_the_one_it_runs_on(folder: Path) -> None:
    record = start.ensure(folder)
    with socket.create_server(("127.0.0.1", 0)) as server:
        relay = f"ws://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(UsageFault, match="another relay") as caught:
            start.ensure(folder, relay)
    assert caught.value.hint == f"first: studio-tui stop {record.id}"


def test_a_setting_does_not_move_a_studio_that_runs(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = start.ensure(folder)
    monkeypatch.setenv("STUDIO_RELAY", "ws://127.0.0.1:9")
    assert start.ensure(folder) == record


def test_a_relay_that_does_not_answer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotFound, match=r"ws://127\.0\.0\.1:9 does not answer"):
        start.ensure(folder, "ws://127.0.0.1:9")
    monkeypatch.setenv("STUDIO_RELAY", "ws://127.0.0.1:9")
    with pytest.raises(NotFound, match="does not answer"):
        start.ensure(folder)


def test_the_hosts_own_error_comes_with_its_kind(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        relay = f"ws://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(Refused, match=f"no token for {relay}") as caught:
            start.ensure(folder, relay)
    assert caught.value.hint == f"studio-tui login {relay}"


def test_a_token_of_the_environment_is_not_for_a_relay_that_came_with_the_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STUDIO_RELAY_TOKEN", "mine")
    assert "STUDIO_RELAY_TOKEN" not in start._environment(Choice("ws://x", "/clone/studio.toml"))
    for origin in ("flag", "STUDIO_RELAY", "/home/ana/config.toml", "default"):
        assert start._environment(Choice("ws://x", origin))["STUDIO_RELAY_TOKEN"] == "mine"


def test_folders_that_no_studio_can_live_in(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to("loop")
    for name in ("missing", "file", "loop", "file/below"):
        with pytest.raises(NotFound, match=name):
            start.checked(tmp_path / name)
    with pytest.raises(NotFound, match="is not a folder") as raised:
        start.checked(tmp_path / "file")
    assert str(tmp_path) in raised.value.hint
    with pytest.raises(NotFound, match="nobody-has-this-name"):
        start.checked(Path("~nobody-has-this-name/x"))
    strange = tmp_path / os.fsdecode(b"\xff")
    strange.mkdir()
    with pytest.raises(StudioError, match="not UTF-8"):
        start.checked(strange)


def test_a_folder_is_resolved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path)
    assert start.checked(Path("link/.")) == tmp_path / "real"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_cannot_be_read(tmp_path: Path) -> None:
    tmp_path.chmod(0)
    try:
        with pytest.raises(StudioError, match="cannot be read"):
            start.checked(tmp_path)
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize(
    ("output", "code", "kind", "message"),
    [
        ("error: it is so\nhint: do this\n", 1, StudioError, "it is so"),
        ("error: a: b\n", 2, UsageFault, "a: b"),
        ("talk\nerror: gone\n", 3, NotFound, "gone"),
        ("error: no\n", 4, Refused, "no"),
        ("Traceback\n  deep\nKeyError: 1\n", 1, StudioError, "the host ended at once: KeyError: 1"),
        (
            "  + Exception Group\n  | ValueError: 2\n  +------------\n",
            1,
            StudioError,
            "the host ended at once: ValueError: 2",
        ),
        ("", -9, StudioError, "the host ended at once: it said nothing"),
    ],
)
def test_the_hosts_last_words(output: str, code: int, kind: type, message: str) -> None:
    problem = start._told(output, code)
    assert type(problem) is kind
    assert problem.message == message


def test_a_host_that_does_not_start_is_ended(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(start, "START_SECONDS", 0.1)
    sleeping = subprocess.Popen(["sleep", "100"])
    with pytest.raises(StudioError, match="did not start within"):
        start._awaited(sleeping, folder, tmp_path / "log", None)
    assert sleeping.returncode == -signal.SIGTERM


def test_a_host_that_does_not_end(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = start.ensure(folder)
    os.kill(record.pid, signal.SIGSTOP)
    monkeypatch.setattr(start, "STOP_SECONDS", 0.1)
    with pytest.raises(StudioError, match="does not end") as caught:
        start.stop(record)
    assert caught.value.hint == f"force it: kill -9 {record.pid}"
    os.kill(record.pid, signal.SIGCONT)


def test_the_host_is_started_from_a_plain_script(folder: Path) -> None:
    code = (
        "import sys, pathlib; from studio_tui.client import start\n"
        "print(start.ensure(pathlib.Path(sys.argv[1])).id)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout.strip() == studios.records()[0].id
