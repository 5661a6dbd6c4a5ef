"""Starts a terminal in a process that leaves the caller for good, or finds the one before."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import sys
import traceback

from .holder import Holder
from .place import listen, own_folder, report, write_atomically
from .processes import birth, boot
from .program import Program
from .shell import login, programs, variables


def start(directory: str, cols: int, rows: int, cwd: str, command: list[str]) -> dict[str, object]:
    """Start the terminal in `directory` unless it was started before; returns what to print.

    Args:
        command: the user's shell when it is empty.
    """
    os.makedirs(os.path.dirname(directory), exist_ok=True)
    own_folder(directory)
    lock = os.open(os.path.join(directory, "lock"), os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        known = report(directory)
        if known is not None:
            return known
        os.stat(os.path.join(cwd, "."))
        found = programs(cwd)
        os.environ.update(variables(found))
        if not command:
            command, further = login(directory, first=bool(found))
            os.environ.update(further)
        ready, ready_write = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(ready)
            _detach(lock, ready_write, directory, cols, rows, cwd, command)
        os.close(ready_write)
        os.waitpid(child, 0)
        with os.fdopen(ready, "rb") as pipe:
            failure = pipe.read().decode()
        if failure:
            raise OSError(failure)
        started = report(directory)
        if started is None:
            raise OSError(f"the holder ended at once; see {directory}/log")
        return started
    finally:
        os.close(lock)


def _detach(
    lock: int, ready: int, directory: str, cols: int, rows: int, cwd: str, command: list[str]
) -> None:
    """In the first child: leave the session for good and hold the terminal; never returns."""
    os.setsid()
    if os.fork():
        os._exit(0)
    os.close(lock)
    umask = os.umask(0o077)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        _redirect(directory)
        listener, path = listen(directory)
        program = Program(command, cwd, umask, cols, rows)
        os.chdir("/")
        pid = os.getpid()
        note = f"{pid} {birth(pid)} {boot()}\n"
        write_atomically(directory, "socket", path.encode() + b"\n")
        write_atomically(directory, "pid", note.encode())
        os.close(ready)
    except OSError as error:
        os.write(ready, str(error).encode())
        os._exit(1)
    code = 1
    try:
        Holder(directory, listener, program).run()
        code = 0
    except BaseException:  # the process boundary: whatever it was, the log says it
        traceback.print_exc()
    with contextlib.suppress(OSError):
        os.unlink(path)
    os._exit(code)


def _redirect(directory: str) -> None:
    """Let go of the caller's input and output; what goes wrong later is written to DIR/log."""
    null = os.open(os.devnull, os.O_RDWR)
    log = os.open(os.path.join(directory, "log"), os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    for source, target in ((null, 0), (null, 1), (log, 2)):
        os.dup2(source, target)
    os.close(null)
    os.close(log)


def main(arguments: list[str]) -> int:
    """Run the command line; the exit code is 0, 1 (cannot) or 2 (makes no sense)."""
    command: list[str] = []
    if "--" in arguments:
        at = arguments.index("--")
        arguments, command = arguments[:at], arguments[at + 1 :]
    cwd = os.path.expanduser("~")
    if len(arguments) == 2 and arguments[0] == "find":
        told = report(os.path.abspath(arguments[1]))
        return tell(told or {"socket": "", "pid": 0, "state": "missing"})
    if len(arguments) == 6 and arguments[4] == "--cwd":
        arguments, cwd = arguments[:4], arguments[5]
    try:
        verb, directory, cols, rows = arguments
        size = int(cols), int(rows)
        if verb != "start" or not all(0 < side <= 1000 for side in size):
            raise ValueError
    except ValueError:
        sys.stderr.write(
            "usage: hold.start start DIR COLS ROWS [--cwd FOLDER] [-- COMMAND...]\n"
            "       hold.start find DIR\n"
        )
        return 2
    try:
        told = start(os.path.abspath(directory), size[0], size[1], os.path.abspath(cwd), command)
    except OSError as error:
        sys.stderr.write(f"hold: {error}\n")
        return 1
    return tell(told)


def tell(told: dict[str, object]) -> int:
    """Print the line; the exit code."""
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
