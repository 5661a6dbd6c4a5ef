"""A ProxyCommand: a shell command of the user's whose pipes are the way to a host."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import tempfile
from typing import IO

COMPLAINT = 300  # characters


class Proxy:
    """The running command, and our end of the socket that it reads and writes."""

    def __init__(
        self, process: asyncio.subprocess.Process, end: socket.socket, errors: IO[bytes]
    ) -> None:
        self.socket = end
        self._process = process
        self._errors = errors

    @classmethod
    async def start(cls, command: str) -> Proxy:
        """Runs the command as ssh does: by a shell that becomes it."""
        ours, theirs = socket.socketpair()
        errors = tempfile.TemporaryFile()  # noqa: SIM115 - close() closes it
        try:
            with theirs:
                process = await asyncio.create_subprocess_exec(
                    *("/bin/sh", "-c", f"exec {command}"),
                    stdin=theirs.fileno(),
                    stdout=theirs.fileno(),
                    stderr=errors,
                    start_new_session=True,
                )
        except BaseException:
            ours.close()
            errors.close()
            raise
        ours.setblocking(False)
        return cls(process, ours, errors)

    def complaint(self) -> str:
        """The last line that the command wrote about itself; "" for none."""
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, size - COMPLAINT))
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1].strip() if lines else ""

    def kill(self) -> None:
        """Ends the command and what it started."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def close(self) -> None:
        """Ends the command, and waits for its end."""
        self.kill()
        await self._process.wait()
        self.socket.close()
        self._errors.close()
