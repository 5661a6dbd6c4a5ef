"""Starting and stopping studios of this user: the host is a process of its own, like tmux's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from studio_tui.errors import NotFound, StudioError, UsageFault
from studio_tui.settings import paths, studios
from studio_tui.settings.studios import StudioRecord

START_SECONDS = 20.0
STOP_SECONDS = 15.0


def ensure(folder: Path, relay: str | None = None, name: str | None = None) -> StudioRecord:
    """The running studio of `folder`, its host started in the background when there is none.

    Raises:
        StudioError: the folder cannot be used, or the host did not come up; says why.
    """
    folder = checked(folder)
    record = studios.for_folder(folder)
    if record is not None and studios.alive(record):
        if relay is not None and relay != record.relay:
            raise UsageFault(
                f"{record.id} already runs on another relay", f"first: studio-tui stop {record.id}"
            )
        return record
    return _started(folder, relay, name)


def checked(folder: Path) -> Path:
    """`folder`, resolved, if a studio can live in it.

    Raises:
        NotFound: it does not exist, or is not a folder.
        StudioError: it cannot be read.
    """
    resolved = folder.expanduser().resolve()
    if not resolved.is_dir():
        what = "is not a folder" if resolved.exists() else "does not exist"
        raise NotFound(f"{folder} {what}", "give a project folder, or create it: mkdir -p")
    if not os.access(resolved, os.R_OK | os.X_OK):
        raise StudioError(f"{folder} cannot be read", f"check its permissions: ls -ld {folder}")
    return resolved


def _started(folder: Path, relay: str | None, name: str | None) -> StudioRecord:
    command = [sys.executable, "-m", "studio_tui", "host", str(folder)]
    command += ["--relay", relay] if relay else []
    command += ["--name", name] if name else []
    log = paths.log_folder() / f"host-{os.getpid()}-{time.monotonic_ns()}.starting"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True, cwd="/",
        )  # fmt: skip
    try:
        return _awaited(process, folder, log)
    finally:
        log.unlink(missing_ok=True)


def _awaited(process: subprocess.Popen[bytes], folder: Path, log: Path) -> StudioRecord:
    """Wait until the host has written its record, or until it gave up."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        record = studios.for_folder(folder)
        if record is not None and record.pid == process.pid and studios.alive(record):
            return record
        if process.poll() is not None:
            raise _told(log.read_text(errors="replace"))
        time.sleep(0.02)
    process.terminate()
    raise StudioError(
        f"the host for {folder} did not start within {START_SECONDS:.0f} s",
        f"run it in the foreground to see why: studio-tui host {folder}",
    )


def _told(output: str) -> StudioError:
    """The host's own last words, `error:` and `hint:` lines, as an error of ours."""
    lines = dict(
        line.split(": ", 1)
        for line in output.splitlines()
        if line.startswith(("error: ", "hint: "))
    )
    if "error" in lines:
        return StudioError(lines["error"], lines.get("hint", ""))
    last = (output.strip().splitlines() or ["it said nothing"])[-1]
    return StudioError(f"the host ended at once: {last}", "see: studio-tui doctor")


def stop(record: StudioRecord) -> None:
    """End the studio's host, terminals included; jobs go on. Returns when it is gone.

    Raises:
        StudioError: it does not end.
    """
    if not studios.alive(record):
        return
    os.kill(record.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while studios.alive(record):
        if time.monotonic() > deadline:
            raise StudioError(
                f"the host of {record.id} does not end", f"force it: kill -9 {record.pid}"
            )
        time.sleep(0.02)
