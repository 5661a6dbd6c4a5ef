"""A command on a pty of its own."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import pty
import signal
import struct
import termios

from .processes import groups_of_session
from .stream import CHUNK

GRACE = 3.0  # seconds from hanging up to killing
IUTF8 = 0x4000  # termios.IUTF8 (Linux and macOS): erasing in a line removes a whole character


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
