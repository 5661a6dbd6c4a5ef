"""Holds one terminal on a machine: pty, last output and exit code outlive every connection.

    python3 hold.py start DIR COLS ROWS [--cwd FOLDER] [-- COMMAND...]

starts COMMAND (without one the login shell) on a pty in a process of its own and prints one JSON
line {"socket", "pid", "state"}; "state" is "running", "exited" or "lost" (the machine restarted, or
somebody killed the holder). Started again with the same DIR it starts nothing and prints the line
again.

    python3 hold.py find DIR

prints the line and starts nothing; "state" is "missing" where nothing was ever started. DIR holds

    pid     "PID START BOOT" of the holder, so that a reused pid is never taken for it
    socket  where it listens
    exit    {"code", "offset", "ring"} once it is over: the exit code (negative: a signal), how many
            bytes were ever put out, and the offset of the first byte in
    ring    the last output

Frames on the socket, both ways: type (1 byte), length (4, big-endian), payload.

    in   D bytes              input
         R cols (2) rows (2)  size of the terminal
         C                    forget all input that the program has not read yet, and all other
                              clients, who may have more of it under way
         A offset (8)         send the output from there on
         K                    end the program: hang up, after a while kill
    out  O offset (8) end (8) the number of the next byte of output, and of the first one that the
                              program had not written yet when this client asked
         D bytes              output
         E flags (1)          1: the pty echoes, 2: it edits lines
         X code (4, signed)   it is over, nothing follows

Standard library only, Python 3.8 and later, Linux and macOS.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import pty
import pwd
import select
import selectors
import signal
import socket
import stat
import struct
import subprocess
import sys
import termios
import time
import traceback

RING = 2 << 20  # bytes of output kept
CHUNK = 1 << 16
LAG = 1 << 19  # a client this far behind holds the program up, or is about to lose output
PATIENCE = 2.0  # seconds for which such a client may hold the program up
INPUT_LIMIT = 1 << 20  # bytes the program has yet to read before clients must wait
FRAME_LIMIT = 1 << 20
MOST_CLIENTS = 32
GRACE = 3.0  # seconds from hanging up to killing
LINGER = 60.0  # seconds without a client after one was told the exit code
KEEP = 86400.0  # seconds after the end in any case; the files stay
TICK, IDLE_TICK = 0.25, 1.0
QUIET = 0.05  # seconds without output after which a program that ended has said everything
LONGEST_SOCKET_PATH = 100
IUTF8 = 0x4000  # termios.IUTF8 (Linux and macOS): erasing in a line removes a whole character


def frame(kind: bytes, payload: bytes = b"") -> bytes:
    """The bytes of one frame."""
    return kind + struct.pack(">I", len(payload)) + payload


class Ring:
    """The last bytes of a stream, each known by its offset from the stream's beginning."""

    def __init__(self, capacity: int = RING) -> None:
        self._capacity = capacity
        self._data = bytearray()
        self.end = 0

    @property
    def start(self) -> int:
        """Offset of the oldest byte kept."""
        return self.end - len(self._data)

    def add(self, data: bytes) -> None:
        """Append; the oldest bytes fall off. The slack makes cutting rare."""
        self._data += data
        self.end += len(data)
        if len(self._data) > self._capacity + CHUNK:
            del self._data[: len(self._data) - self._capacity]

    def read(self, offset: int, most: int) -> bytes:
        """Up to `most` bytes from `offset`, which must lie within start..end."""
        at = offset - self.start
        return bytes(self._data[at : at + most])


class Client:
    """One connection: what came and is not yet understood, what is to go and not yet sent."""

    def __init__(self, sock: socket.socket, now: float) -> None:
        self.sock = sock
        self.inbox = bytearray()
        self.outbox = bytearray()
        self.position = 0  # offset of the next byte of output that goes into the outbox
        self.asked_at = 0  # offset of the end of the output when the client asked for it
        self.attached = False
        self.flags = -1
        self.told_exit = False
        self.moved_at = now
        self.behind_since: float | None = None
        self.stalled_input = False


class Program:
    """The command on its pty."""

    def __init__(self, command: list[str], cwd: str, umask: int, cols: int, rows: int) -> None:
        self.master, slave = pty.openpty()
        self._terminal = os.ttyname(slave)
        self.resize(cols, rows)
        settings = termios.tcgetattr(slave)
        settings[0] |= IUTF8
        termios.tcsetattr(slave, termios.TCSANOW, settings)
        self.pid = os.fork()
        if self.pid == 0:
            os.umask(umask)
            self._become(command, cwd, slave)
        os.close(slave)
        os.set_blocking(self.master, False)
        self.code: int | None = None
        self.ended = False  # nothing more will be read from the pty
        self.pending = bytearray()
        self.killed_at: float | None = None

    def _become(self, command: list[str], cwd: str, slave: int) -> None:
        """In the child: take the pty as terminal and turn into the command; never returns."""
        try:
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            for target in (0, 1, 2):
                os.dup2(slave, target)
            for number in (signal.SIGHUP, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor")
            for name in ("COLUMNS", "LINES", "TMUX", "STY"):
                os.environ.pop(name, None)
            os.chdir(cwd)
            os.execvp(command[0], command)
        except OSError as error:
            os.write(2, f"{command[0]}: {error.strerror}\r\n".encode())
        finally:
            os._exit(127)

    def resize(self, cols: int, rows: int) -> None:
        """Set the size; the kernel tells the program."""
        with contextlib.suppress(OSError):
            fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def flags(self) -> int:
        """1 when the pty echoes, plus 2 when it edits lines."""
        try:
            local = termios.tcgetattr(self.master)[3]
        except termios.error:
            return 3
        return bool(local & termios.ECHO) | bool(local & termios.ICANON) << 1

    def read(self) -> bytes:
        """What the program wrote; empty when there is nothing now, or ever again (`ended`)."""
        try:
            data = os.read(self.master, CHUNK)
        except BlockingIOError:
            return b""
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            data = b""
        if not data:
            self.ended = True
        return data

    def write(self) -> None:
        """Hand the program as much of the pending input as it takes."""
        try:
            while self.pending:
                del self.pending[: os.write(self.master, self.pending[:4096])]
        except BlockingIOError:
            return
        except OSError:
            self.pending.clear()

    def forget_input(self) -> None:
        """Throw away what the program has yet to read, also what the kernel holds of it."""
        self.pending.clear()
        with contextlib.suppress(OSError, termios.error):
            end = os.open(self._terminal, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
            try:
                termios.tcflush(end, termios.TCIFLUSH)
            finally:
                os.close(end)

    def reap(self) -> None:
        """Note the exit code once the command is over."""
        if self.code is not None:
            return
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if not pid:
            return
        signalled = os.WIFSIGNALED(status)
        self.code = -os.WTERMSIG(status) if signalled else os.WEXITSTATUS(status)
        if self.killed_at is not None:  # now or never: later the session's number may be another's
            self._signal(signal.SIGKILL)

    def hang_up(self, now: float) -> None:
        """Ask everything in the terminal to end."""
        if self.killed_at is None:
            self.killed_at = now
        self._signal(signal.SIGHUP)
        self._signal(signal.SIGCONT)

    def kill_when_due(self, now: float) -> None:
        """End what did not end when asked."""
        if self.killed_at is not None and self.code is None and now - self.killed_at >= GRACE:
            self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        groups = groups_of_session(self.pid)
        if self.code is None:
            groups.add(self.pid)
        with contextlib.suppress(OSError):
            groups.add(os.tcgetpgrp(self.master))
        for group in groups:
            if group > 1:
                with contextlib.suppress(OSError):
                    os.killpg(group, number)


def groups_of_session(session: int) -> set[int]:
    """Process groups of a session, background jobs among them (Linux; empty elsewhere)."""
    groups: set[int] = set()
    try:
        pids = [name for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return groups
    for pid in pids:
        fields = _stat_fields(int(pid))
        if fields and int(fields[3]) == session:
            groups.add(int(fields[2]))
    return groups


class Holder:
    """The event loop between one program and any number of clients."""

    def __init__(self, directory: str, listener: socket.socket, program: Program) -> None:
        self._directory = directory
        self._listener = listener
        self._program = program
        self._ring = Ring()
        self._clients: dict[socket.socket, Client] = {}
        self._over_at: float | None = None
        self._alone_since: float | None = None
        self._flags = -1
        self._anyone_told = False
        self._hung_up = False
        # macOS: its kqueue does not report ptys.
        linux = sys.platform.startswith("linux")
        self._selector = selectors.DefaultSelector() if linux else selectors.SelectSelector()
        self._selector.register(listener, selectors.EVENT_READ)
        self._wake, wake_write = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(wake_write, False)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _stack: None)
        signal.signal(signal.SIGTERM, self._on_term)
        self._selector.register(self._wake, selectors.EVENT_READ)
        self._wanted: dict[int, int] = {}

    def _on_term(self, _number: int, _stack: object) -> None:
        self._hung_up = True

    def run(self) -> None:
        """Serve until the program is over and everyone who may ask has had time to."""
        while not self._may_go(time.monotonic()):
            self._arm(time.monotonic())
            busy = self._clients or self._program.killed_at is not None
            for key, events in self._selector.select(TICK if busy else IDLE_TICK):
                self._serve(key.fileobj, events, time.monotonic())
            self._tick(time.monotonic())

    def _serve(self, source: object, events: int, now: float) -> None:
        if source is self._listener:
            self._accept(now)
        elif source == self._wake:
            with contextlib.suppress(BlockingIOError):
                os.read(self._wake, 4096)
        elif source == self._program.master:
            if events & selectors.EVENT_READ:
                self._ring.add(self._program.read())
            if events & selectors.EVENT_WRITE:
                self._program.write()
        elif isinstance(source, socket.socket) and source in self._clients:
            client = self._clients[source]
            if events & selectors.EVENT_READ:
                self._receive(client, now)
            if events & selectors.EVENT_WRITE and source in self._clients:
                self._fill(client, now)

    def _tick(self, now: float) -> None:
        program = self._program
        if self._hung_up:
            self._hung_up = False
            program.hang_up(now)
        program.kill_when_due(now)
        program.reap()
        if self._over_at is None:
            if program.code is not None:
                self._drain()
                self._finish(now)
            elif self._clients:
                self._flags = program.flags()
        for client in list(self._clients.values()):
            self._understand(client, now)
            if client.sock in self._clients:
                self._fill(client, now)

    def _drain(self) -> None:
        """Take what the program wrote before it ended; children with the pty are not awaited."""
        deadline = time.monotonic() + 1.0
        while not self._program.ended and time.monotonic() < deadline:
            data = self._program.read()
            self._ring.add(data)
            # The kernel hands over a pty's output a moment after it was written.
            if not data and not select.select([self._program.master], [], [], QUIET)[0]:
                break

    def _finish(self, now: float) -> None:
        """The program is over: the tail goes to disk before anyone is told."""
        self._over_at = now
        self._want(self._program.master, self._program.master, 0)
        os.close(self._program.master)
        self._program.pending.clear()
        ring = self._ring
        note = {"code": self._program.code, "offset": ring.end, "ring": ring.start}
        with contextlib.suppress(OSError):  # the folder may have been removed: then nobody will ask
            write_atomically(self._directory, "ring", ring.read(ring.start, ring.end))
            write_atomically(self._directory, "exit", json.dumps(note).encode())

    def _may_go(self, now: float) -> bool:
        if self._over_at is None:
            return False
        if self._clients:
            self._alone_since = None
        elif self._alone_since is None:
            self._alone_since = now
        alone = 0.0 if self._alone_since is None else now - self._alone_since
        told = self._anyone_told and alone >= LINGER
        return told or now - self._over_at > KEEP or not os.path.isdir(self._directory)

    # What to wait for

    def _arm(self, now: float) -> None:
        if self._over_at is None:
            events = 0
            if not self._program.ended and not self._must_pause(now):
                events |= selectors.EVENT_READ
            if self._program.pending:
                events |= selectors.EVENT_WRITE
            self._want(self._program.master, self._program.master, events)
        for client in self._clients.values():
            events = 0 if client.stalled_input else selectors.EVENT_READ
            behind = client.attached and client.position < self._ring.end
            if client.outbox or behind:
                events |= selectors.EVENT_WRITE
            self._want(client.sock, client.sock.fileno(), events)

    def _want(self, source: object, number: int, events: int) -> None:
        before = self._wanted.get(number, 0)
        if events == before:
            return
        if not before:
            self._selector.register(source, events)  # type: ignore[arg-type]
        elif not events:
            self._selector.unregister(source)  # type: ignore[arg-type]
        else:
            self._selector.modify(source, events)  # type: ignore[arg-type]
        self._wanted[number] = events

    def _must_pause(self, now: float) -> bool:
        """Whether reading the pty waits for a client that is about to lose output.

        A client alone may take its time as long as it takes something; with others attached it may
        hold them up for PATIENCE each time it falls behind. After that it loses what leaves the
        ring, and is told the new offset.
        """
        attached = [client for client in self._clients.values() if client.attached]
        for client in attached:
            if self._ring.end - client.position <= LAG:
                client.behind_since = None
                continue
            if client.behind_since is None:
                client.behind_since = now
            since = client.moved_at if len(attached) == 1 else client.behind_since
            if now - since < PATIENCE:
                return True
        return False

    # Clients

    def _accept(self, now: float) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError:
            return
        if len(self._clients) >= MOST_CLIENTS:
            sock.close()
            return
        sock.setblocking(False)
        self._clients[sock] = Client(sock, now)

    def _drop(self, client: Client) -> None:
        if self._clients.pop(client.sock, None) is not None:
            client.inbox.clear()
            self._want(client.sock, client.sock.fileno(), 0)
            client.sock.close()

    def _receive(self, client: Client, now: float) -> None:
        try:
            data = client.sock.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(client)
            return
        client.inbox += data
        self._understand(client, now)

    def _understand(self, client: Client, now: float) -> None:
        """Take whole frames; input waits in the client's hands while the program does not read."""
        inbox = client.inbox
        client.stalled_input = False
        while len(inbox) >= 5:
            (length,) = struct.unpack(">I", inbox[1:5])
            if length > FRAME_LIMIT:
                self._drop(client)
                return
            if len(inbox) < 5 + length:
                return
            kind, payload = bytes(inbox[:1]), bytes(inbox[5 : 5 + length])
            if kind == b"D" and len(self._program.pending) >= INPUT_LIMIT:
                client.stalled_input = True
                return
            del inbox[: 5 + length]
            if not self._obey(client, kind, payload, now):
                self._drop(client)
                return

    def _obey(self, client: Client, kind: bytes, payload: bytes, now: float) -> bool:
        """Do what a frame asks; False when it makes no sense."""
        program, size = self._program, len(payload)
        if kind == b"A" and size == 8:
            (offset,) = struct.unpack(">Q", payload)
            client.attached, client.moved_at, client.flags = True, now, -1
            client.position = max(self._ring.start, min(offset, self._ring.end))
            client.asked_at = self._ring.end
            client.outbox += frame(b"O", struct.pack(">QQ", client.position, client.asked_at))
        elif kind == b"D":
            if self._over_at is None:
                program.pending += payload
                program.write()
        elif kind == b"R" and size == 4:
            cols, rows = struct.unpack(">HH", payload)
            if not (cols and rows):
                return False
            if self._over_at is None:
                program.resize(cols, rows)
        elif kind == b"C" and not size:
            for other in list(self._clients.values()):
                if other is not client:
                    self._drop(other)
            if self._over_at is None:
                program.forget_input()
        elif kind == b"K" and not size:
            if self._over_at is None:
                program.hang_up(now)
        else:
            return False
        return True

    def _fill(self, client: Client, now: float) -> None:
        """Put what the client lacks into its outbox, which stays small: the ring is the queue."""
        if not client.attached:
            return
        ring = self._ring
        while client.position < ring.end and len(client.outbox) < CHUNK:
            if client.position < ring.start:
                client.position = ring.start
                client.outbox += frame(b"O", struct.pack(">QQ", client.position, client.asked_at))
            data = ring.read(client.position, CHUNK)
            client.outbox += frame(b"D", data)
            client.position += len(data)
        if client.flags != self._flags and self._flags >= 0:
            client.flags = self._flags
            client.outbox += frame(b"E", bytes((self._flags,)))
        if self._over_at is not None and client.position == ring.end and not client.told_exit:
            client.told_exit = True
            client.outbox += frame(b"X", struct.pack(">i", self._program.code))
        if client.outbox:
            self._send(client, now)

    def _send(self, client: Client, now: float) -> None:
        try:
            sent = client.sock.send(client.outbox)
        except BlockingIOError:
            return
        except OSError:
            self._drop(client)
            return
        del client.outbox[:sent]
        client.moved_at = now
        if client.told_exit and not client.outbox:
            self._anyone_told = True


# Starting


def write_atomically(directory: str, name: str, data: bytes) -> None:
    """Write a file so that a reader sees all of it or nothing."""
    path = os.path.join(directory, name)
    with open(path + ".new", "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".new", path)


def _stat_fields(pid: int) -> list[str]:
    """/proc/PID/stat after the name: state, parent, group, session, ...; empty without it."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return []


def birth(pid: int) -> str:
    """When a process began, only good for comparing; empty when it is gone (or a zombie)."""
    if os.path.isdir("/proc/self"):
        fields = _stat_fields(pid)
        return fields[19] if fields and fields[0] not in "ZX" else ""
    result = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], stdout=subprocess.PIPE, check=False
    )
    return "-".join(result.stdout.decode().split())


def boot() -> str:
    """Which boot of the machine this is."""
    with contextlib.suppress(OSError), open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()
    return "-"


def report(directory: str) -> dict[str, object] | None:
    """What `start` prints about a terminal that was started before, None when there is none."""
    try:
        with open(os.path.join(directory, "pid")) as file:
            pid, born, booted = file.read().split()
        with open(os.path.join(directory, "socket")) as file:
            path = file.read().strip()
    except (OSError, ValueError):
        return None
    alive = booted == boot() and birth(int(pid)) == born
    over = os.path.exists(os.path.join(directory, "exit"))
    state = "exited" if over else "running" if alive else "lost"
    return {"socket": path, "pid": int(pid), "state": state}


def listen(directory: str) -> tuple[socket.socket, str]:
    """A listening socket in DIR; where that cannot be, in a folder of ours under /tmp.

    Not under XDG_RUNTIME_DIR: it goes when the user's last login ends; the terminal outlives that.
    """
    candidates = [os.path.join(directory, "sock")]
    private = f"/tmp/studio-tui-{os.getuid()}"
    digest = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    candidates.append(os.path.join(private, digest + ".sock"))
    failure: OSError | None = None
    for path in candidates:
        if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
            continue
        if path.startswith(private):
            own_folder(private)
        sock = socket.socket(socket.AF_UNIX)
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            sock.bind(path)
        except OSError as error:
            failure = error
            sock.close()
            continue
        os.chmod(path, 0o600)
        sock.listen(16)
        sock.setblocking(False)
        return sock, path
    raise failure or OSError("no place for a socket")


def own_folder(path: str) -> None:
    """Make a folder that only we can enter; OSError when it is somebody else's."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, 0o700)
    status = os.lstat(path)
    if status.st_uid != os.getuid() or not stat.S_ISDIR(status.st_mode):
        raise OSError(f"{path} is not a folder of ours")
    os.chmod(path, 0o700)


def start(directory: str, cols: int, rows: int, cwd: str, command: list[str]) -> dict[str, object]:
    """Start the terminal in `directory` unless it was started before; returns what to print."""
    os.makedirs(os.path.dirname(directory), exist_ok=True)
    own_folder(directory)
    lock = os.open(os.path.join(directory, "lock"), os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        known = report(directory)
        if known is not None:
            return known
        os.stat(os.path.join(cwd, "."))
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
            "usage: hold.py start DIR COLS ROWS [--cwd FOLDER] [-- COMMAND...]\n"
            "       hold.py find DIR\n"
        )
        return 2
    if not command:
        command = [os.environ.get("SHELL") or pwd.getpwuid(os.getuid()).pw_shell or "/bin/sh", "-l"]
    try:
        told = start(os.path.abspath(directory), size[0], size[1], os.path.abspath(cwd), command)
    except OSError as error:
        sys.stderr.write(f"hold.py: {error}\n")
        return 1
    return tell(told)


def tell(told: dict[str, object]) -> int:
    """Print the line; the exit code."""
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
