"""Holds a Slurm allocation, and starts programs on its node that outlive the srun asking for them.

    python3 allocation.py hold     the batch job: serves until the allocation ends
    python3 allocation.py enter    under srun, in the same allocation: does what stdin asks for

When a step ends, Slurm kills all that was started in it. A terminal or a job that outlives its
caller can therefore be no child of srun: `enter` hands its pipes to `hold`, which starts the
program as its own. When `enter` or its caller goes first, the program is asked to end, and killed
2 seconds later; what has made a session of its own by then stays.

stdin of `enter`: frames, each a length (4 bytes, big-endian) and as many bytes. The first one is a
request, the others are input, an empty one ends the input. When stdin itself ends, the caller has
gone, or wants the program to end: no program is left that nobody listens to. A request is a JSON
object, one of

    {"argv", "cwd", "env", "whole"}    a program; env is added to the allocation's own
    {"path"}                           a Unix socket on the node
    {"port"}                           a port of the node's loopback

stdout: "ok" or "no REASON" and a newline, then what the program or the peer writes. With "whole"
its exit code follows, after a newline; `enter` exits with it in any case, 128+n for signal n.

The two meet at an abstract socket, where each checks that the other is of the same user. Standard
library only, Python 3.8 and later, Linux.
"""

from __future__ import annotations

import array
import contextlib
import ctypes
import json
import os
import selectors
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from typing import Any, Callable, Optional

GRACE = 2.0  # seconds from asking a program to end to killing it
CHUNK = 1 << 16
STARTING = 20.0  # seconds in which the batch job must have begun to serve
ANSWER = 10.0  # seconds for a request to come whole
SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of linux/prctl.h


def address() -> str:
    """The abstract socket of this allocation."""
    return f"\0studio-{os.getuid()}-{os.environ['SLURM_JOB_ID']}"


def peer(connection: socket.socket) -> int:
    """The user at the other end."""
    told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, user, _ = struct.unpack("3i", told)
    return int(user)


def exactly(connection: socket.socket, size: int) -> bytes:
    """`size` bytes; EOFError when they do not come."""
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise EOFError("half a request")
        data += piece
    return data


class Started:
    """A program, and the `enter` that asked for it."""

    def __init__(self, process: subprocess.Popen[bytes], connection: socket.socket) -> None:
        self.process = process
        self.connection = connection
        self.kill_at: float | None = None

    def signal(self, number: int) -> None:
        """Tell the program and its group; nothing when they are gone."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)


class Holder:
    """The batch job: one thread that starts programs and tells how they ended."""

    def __init__(self) -> None:
        # Orphans come to this process: they stay in the batch step, and no zombie is left.
        ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(address())
        self._listener.listen(64)
        waker, self._awake = socket.socketpair()
        for end in (waker, self._awake):
            end.setblocking(False)
        signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        self._waker = waker  # keeps it open
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._end)
        self._ending = False
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._awake, selectors.EVENT_READ)
        self._started: dict[int, Started] = {}

    def serve(self) -> None:
        """Serve until the allocation ends."""
        while True:
            for key, _ in self._selector.select(self._patience()):
                if key.fileobj is self._listener:
                    self._accept()
                elif key.fileobj is self._awake:
                    self._awake.recv(4096)
                else:
                    self._left(key.data)
            self._kill_overdue()
            self._reap()

    def _end(self, *_: object) -> None:
        """Slurm has told all of the job to end, and kills it later.

        Who goes before its children hides them from a Slurm that follows parents alone.
        """
        self._ending = True

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        if peer(connection) != os.getuid():
            connection.close()
            return
        connection.settimeout(ANSWER)
        try:
            self._start(connection)
        except (OSError, ValueError, EOFError, KeyError, TypeError) as problem:
            reason = " ".join(str(problem).split())
            with contextlib.suppress(OSError):
                connection.sendall(f"no {reason}\n".encode(errors="replace"))
            connection.close()

    def _start(self, connection: socket.socket) -> None:
        fds = array.array("i")
        room = socket.CMSG_SPACE(3 * fds.itemsize)
        head, ancillary, _, _ = connection.recvmsg(4, room)
        for level, kind, data in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
        try:
            (size,) = struct.unpack(">I", head + exactly(connection, 4 - len(head)))
            request = json.loads(exactly(connection, size))
            stdin, stdout, stderr = fds
            process = subprocess.Popen(
                request["argv"],
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                cwd=request["cwd"],
                env={**os.environ, **request["env"]},
                start_new_session=True,
            )
        finally:
            for fd in fds:
                os.close(fd)
        started = self._started[process.pid] = Started(process, connection)
        self._selector.register(connection, selectors.EVENT_READ, started)
        connection.sendall(b"ok\n")

    def _left(self, started: Started) -> None:
        """The `enter` behind a program has gone: nobody waits for it any more."""
        self._selector.unregister(started.connection)
        started.signal(signal.SIGTERM)
        started.kill_at = time.monotonic() + GRACE

    def _patience(self) -> float | None:
        ends = [s.kill_at for s in self._started.values() if s.kill_at is not None]
        return max(0.0, min(ends) - time.monotonic()) if ends else None

    def _kill_overdue(self) -> None:
        now = time.monotonic()
        for started in self._started.values():
            if started.kill_at is not None and started.kill_at <= now:
                started.signal(signal.SIGKILL)
                started.kill_at = None

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                if self._ending:
                    sys.exit(0)
                return
            if not pid:
                return
            started = self._started.pop(pid, None)
            signalled = os.WIFSIGNALED(status)
            code = 128 + os.WTERMSIG(status) if signalled else os.WEXITSTATUS(status)
            if started is not None:
                self._over(started, code)

    def _over(self, started: Started, code: int) -> None:
        started.process.returncode = code  # reaped here, not by Popen
        if started.connection in self._selector.get_map():
            self._selector.unregister(started.connection)
        with contextlib.suppress(OSError):
            started.connection.sendall(f"{code}\n".encode())
        started.connection.close()


def enter() -> int:
    """Do what stdin asks for; returns the exit code."""
    request = frame()
    if request is None:
        return 1
    try:
        told = json.loads(request)
        if "argv" in told:
            return start(request, bool(told.get("whole")))
        return join(told)
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        write(1, f"no {reason}\n".encode(errors="replace"))
        return 1


def frame() -> Optional[bytes]:
    """The next frame of stdin; None when that has ended."""
    head = from_stdin(4)
    return None if head is None else from_stdin(struct.unpack(">I", head)[0])


def from_stdin(size: int) -> Optional[bytes]:
    """`size` bytes of stdin; None when it ends before."""
    data = b""
    while len(data) < size:
        piece = os.read(0, size - len(data))
        if not piece:
            return None
        data += piece
    return data


def start(request: bytes, whole: bool) -> int:
    """Have the batch job start a program, and pass bytes until it ends."""
    holder = reach()
    stdin, to_program = os.pipe()
    from_program, stdout = os.pipe()
    fds = array.array("i", [stdin, stdout, 2])
    holder.sendmsg(
        [struct.pack(">I", len(request))], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds.tobytes())]
    )
    holder.sendall(request)
    os.close(stdin)
    os.close(stdout)
    answer = holder.makefile("rb")
    first = answer.readline() or b"no the allocation is ending\n"
    write(1, first)
    if first != b"ok\n":
        return 1
    feed(
        lambda data: write(to_program, data),
        lambda: os.close(to_program),
        lambda: holder.shutdown(socket.SHUT_WR),  # as if gone, but for the exit code
    )
    for piece in iter(lambda: os.read(from_program, CHUNK), b""):
        write(1, piece)
    code = answer.readline().strip()
    if not code:
        return 1
    if whole:
        write(1, b"\n" + code)
    return int(code)


def reach() -> socket.socket:
    """A connection to the batch job; it may be a moment later than this."""
    until = time.monotonic() + STARTING
    while True:
        holder = socket.socket(socket.AF_UNIX)
        try:
            holder.connect(address())
            break
        except ConnectionRefusedError:
            holder.close()
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
    if peer(holder) != os.getuid():
        raise PermissionError("another user answers in the place of the allocation")
    return holder


def join(told: dict[str, Any]) -> int:
    """Pass bytes between a socket on the node and the caller."""
    if "path" in told:
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(told["path"])
    else:
        connection = socket.create_connection(("localhost", told["port"]))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    write(1, b"ok\n")
    feed(connection.sendall, lambda: connection.shutdown(socket.SHUT_WR), lambda: os._exit(0))
    try:
        for piece in iter(lambda: connection.recv(CHUNK), b""):
            write(1, piece)
    except ConnectionError:
        pass  # reset by the peer, which is an end as well
    return 0


def feed(take: Callable[[bytes], None], end: Callable[[], None], left: Callable[[], None]) -> None:
    """Pass input on, in a thread of its own; what nobody wants to have is dropped."""

    def feeding() -> None:
        for data in iter(frame, None):
            with contextlib.suppress(OSError):
                take(data) if data else end()
        left()

    threading.Thread(target=feeding, daemon=True).start()


def write(fd: int, data: bytes) -> None:
    """All of it."""
    while data:
        data = data[os.write(fd, data) :]


if __name__ == "__main__":
    if sys.argv[1:] == ["hold"]:
        Holder().serve()
    sys.exit(enter() if sys.argv[1:] == ["enter"] else __doc__)
