from __future__ import annotations

import os
import signal
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from studio_tui.payload.hold import place
from studio_tui.payload.hold.processes import birth, boot

if TYPE_CHECKING:
    pass

from tests.payload.hold.conftest import Terminal, eventually, gone


def test_find_starts_nothing(terminal: Terminal) -> None:
    assert terminal.ask("find") == {"socket": "", "pid": 0, "state": "missing"}
    assert not terminal.directory.exists()
    said = terminal.start("sh", "-c", "read go")
    assert terminal.ask("find") == said
    terminal.attach().type(b"\n")
    eventually((terminal.directory / "exit").exists)
    assert terminal.ask("find")["state"] == "exited"


def test_the_holder_has_left_our_session_and_the_folder_is_private(terminal: Terminal) -> None:
    pid = terminal.start("sleep", "60")["pid"]
    assert os.getsid(pid) not in (os.getsid(0), pid)
    assert stat.S_IMODE(terminal.directory.stat().st_mode) == 0o700
    assert stat.S_IMODE((terminal.directory / "sock").stat().st_mode) == 0o600


def test_a_folder_too_deep_for_a_socket(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    terminal = Terminal(deep)
    try:
        path = terminal.start("echo", "deep")["socket"]
        assert path.startswith(f"/tmp/studio-tui-{os.getuid()}/")
        assert stat.S_IMODE(Path(path).parent.stat().st_mode) == 0o700
        assert terminal.attach().finish() == 0
    finally:
        terminal.close()
        Path(path).unlink(missing_ok=True)


def test_a_holder_that_was_killed_is_lost(terminal: Terminal) -> None:
    pid = terminal.start("sleep", "60")["pid"]
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: gone(pid))
    assert terminal.start("sleep", "60")["state"] == "lost"


def test_a_reused_pid_is_not_the_holder(terminal: Terminal) -> None:
    pid = terminal.start("sleep", "60")["pid"]
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: gone(pid))
    (terminal.directory / "pid").write_text(f"{os.getpid()} 12345 {boot()}\n")
    assert place.report(str(terminal.directory)) == {
        "socket": str(terminal.directory / "sock"),
        "pid": os.getpid(),
        "state": "lost",
    }
    assert birth(os.getpid())
