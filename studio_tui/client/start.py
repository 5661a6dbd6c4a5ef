"""Starting and stopping studios of this user: the host is a process of its own, like tmux's."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

from studio_tui.client import relays
from studio_tui.client.relays import Choice
from studio_tui.errors import NotFound, Refused, StudioError, UsageFault
from studio_tui.settings import paths, studios
from studio_tui.settings.secrets import TOKEN_VARIABLE, relay_key
from studio_tui.settings.studios import StudioRecord

START_SECONDS = 40.0
"""Longer than a host tries to reach its relay, so that it is the host that says what is wrong."""
STOP_SECONDS = 15.0
KILL_SECONDS = 5.0
LAST_SECONDS = 3.0
SETTLE_SECONDS = 0.1
LOOK_SECONDS = 0.02


def ensure(folder: Path, relay: str | None = None, name: str | None = None) -> StudioRecord:
    """The running studio of `folder`, its host started in the background when there is none.

    Two processes may do this at once for one folder: both get the same studio.

    Args:
        folder: a project folder on this machine.
        relay: URL of a team's relay; the one in the settings when None, its own when there is none.
        name: what people call the studio; the folder's name when None.

    Raises:
        NotFound: there is no such folder, or the relay does not answer.
        UsageFault: it runs on another relay than the one asked for.
        StudioError: the folder cannot be used, or the host did not come up; says why.
    """
    folder = checked(folder)
    choice = relays.choose(relay)
    record = _lasting(folder) or _begun(folder, choice, name)
    if relay is not None and (record.relay is None or relay_key(relay) != relay_key(record.relay)):
        raise UsageFault(
            f"{record.id} already runs on another relay", f"first: studio-tui stop {record.id}"
        )
    return record


def _begun(folder: Path, choice: Choice, name: str | None) -> StudioRecord:
    """The studio of a folder whose host does not run, started.

    One that leaves its own relay for another is started there a last time: what that relay alone
    has, such as what was typed before its host was killed, is written to the folder by that.
    """
    before = studios.for_folder(folder)
    if before is not None and before.relay is None and choice.url is not None:
        _check_answers(choice)
        before = _started(folder, replace(choice, url=None), None, before)
        stop(before)
    return _started(folder, choice, name, before)


def running(folder: Path) -> StudioRecord | None:
    """The studio of `folder`, if its host runs."""
    record = studios.for_folder(folder)
    return record if record is not None and studios.alive(record) else None


def _lasting(folder: Path) -> StudioRecord | None:
    """The studio of `folder`, if its host runs and will.

    One that was killed a moment ago still holds its lock until the system has cleared it away:
    those who were attached notice before that, and may be here to start another.
    """
    deadline = time.monotonic() + LAST_SECONDS
    while (record := running(folder)) is not None:
        if record.relay is not None:
            # Nothing of its own can be asked; a second look is what there is.
            time.sleep(SETTLE_SECONDS)
            return running(folder)
        if relays.speaks(record.url) or time.monotonic() > deadline:
            return record
        time.sleep(LOOK_SECONDS)
    return None


def checked(folder: Path) -> Path:
    """`folder`, resolved, if a studio can live in it.

    Raises:
        NotFound: it does not exist, or is not a folder.
        StudioError: it cannot be read, or has a name that cannot be shown.
    """
    try:
        resolved = folder.expanduser().resolve()
        str(resolved).encode()
    except (OSError, RuntimeError) as problem:  # a loop of links, an unknown ~user
        raise NotFound(f"{folder} cannot be found: {problem}", "give a project folder") from None
    except UnicodeEncodeError:
        raise StudioError(f"{folder!r} is not UTF-8", "rename the folder") from None
    if not resolved.exists():
        new = f"give a project folder; for a new one: mkdir -p {_quoted(folder)}"
        raise NotFound(f"{folder} does not exist", new)
    if not resolved.is_dir():
        above = f"give the folder that it is in: studio-tui open {_quoted(resolved.parent)}"
        raise NotFound(f"{folder} is not a folder", above)
    if not os.access(resolved, os.R_OK | os.X_OK):
        raise StudioError(
            f"{folder} cannot be read", f"check its permissions: ls -ld {_quoted(folder)}"
        )
    return resolved


def _quoted(folder: Path) -> str:
    return shlex.quote(str(folder))


def _started(
    folder: Path, choice: Choice, name: str | None, before: StudioRecord | None
) -> StudioRecord:
    _check_answers(choice)
    command = [sys.executable, "-m", "studio_tui", "host", str(folder)]
    command += ["--relay", choice.url] if choice.url else []
    command += ["--name", name] if name else []
    log = paths.log_folder() / f"host-{os.getpid()}-{time.monotonic_ns()}.starting"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True, cwd="/", env=_environment(choice),
        )  # fmt: skip
    try:
        record = _awaited(process, folder, log, before)
    finally:
        log.unlink(missing_ok=True)
    if record.pid != process.pid:
        # Another process was faster. Ours would take its place when that host ends.
        _end(process)
    else:
        # The host may end while this process goes on: somebody has to take note of it.
        threading.Thread(target=process.wait, name=f"host of {record.id}", daemon=True).start()
    return record


def _check_answers(choice: Choice) -> None:
    if choice.url is not None and not relays.answers(choice.url):
        raise NotFound(f"relay {choice.url} does not answer", "is it running, and reachable?")


def _environment(choice: Choice) -> dict[str, str]:
    """The host's variables. It runs in another folder, so that a relative home is made absolute."""
    environment = dict(os.environ)
    if (home := paths.home()) is not None:
        environment["STUDIO_HOME"] = str(home)
    if choice.brought:
        # A token in the environment is not meant for a relay that came with the folder.
        environment.pop(TOKEN_VARIABLE, None)
    return environment


def _awaited(
    process: subprocess.Popen[bytes], folder: Path, log: Path, before: StudioRecord | None
) -> StudioRecord:
    """Wait until a host of the folder, ours or not, has written another record than `before`."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        over = process.poll() is not None
        if (record := running(folder)) is not None and record != before:
            return record
        if over and studios.host_of(folder) is None:
            raise _told(log.read_text(errors="replace"), process.returncode)
        time.sleep(LOOK_SECONDS)
    _end(process)
    raise StudioError(
        f"the host for {folder} did not start within {START_SECONDS:.0f} s",
        f"run it in the foreground to see why: studio-tui host {_quoted(folder)}",
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(KILL_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _told(output: str, code: int) -> StudioError:
    """The host's own last words, `error:` and `hint:` lines, as an error of ours."""
    lines = dict(
        line.split(": ", 1)
        for line in output.splitlines()
        if line.startswith(("error: ", "hint: "))
    )
    kinds = {kind.exit_code: kind for kind in (UsageFault, NotFound, Refused)}
    if "error" in lines:
        return kinds.get(code, StudioError)(lines["error"], lines.get("hint", ""))
    # The frame that Python draws around a group of exceptions says nothing.
    said = [bare for line in output.splitlines() if (bare := line.strip("+-| \t"))]
    last = said[-1] if said else "it said nothing"
    return StudioError(f"the host ended at once: {last}", "see: studio-tui doctor")


def stop(record: StudioRecord) -> None:
    """End the studio's host; jobs go on. Returns when it is gone.

    Raises:
        StudioError: it does not end.
    """
    if not studios.alive(record):
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(record.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while studios.alive(record):
        if time.monotonic() > deadline:
            raise StudioError(
                f"the host of {record.id} does not end", f"force it: kill -9 {record.pid}"
            )
        time.sleep(LOOK_SECONDS)
