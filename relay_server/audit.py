"""The audit log: who joined, was let in, was refused, ran what; JSON lines that are only added to.

Names, roles, rooms and methods; never content, parameters or tokens. The file may be renamed away
at any time: the next look makes a new one.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
from typing import TYPE_CHECKING

from relay_server.errors import BadSetting

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

log = logging.getLogger(__name__)


class Audit:
    """One file of events; without a path it keeps none.

    Args:
        path: the file, made with mode 0600.
        clock: Unix time in seconds.

    Attributes:
        lost: events that could not be written.

    Raises:
        BadSetting: the file cannot be written.
    """

    def __init__(self, path: Path | None, clock: Callable[[], float] = time.time) -> None:
        self.lost = 0
        self._path = path
        self._clock = clock
        self._file: int | None = None
        if path is not None:
            try:
                self._file = _open(path)
            except OSError as error:
                raise BadSetting(
                    f"audit log {path} cannot be written: {error}", "give another with --audit"
                ) from error

    def note(self, event: str, **what: object) -> None:
        """Adds an event; what is None is left out. A full disk costs the event, not the relay."""
        if self._file is None:
            return
        line = {"time": round(self._clock(), 3), "event": event}
        line.update((key, value) for key, value in what.items() if value is not None)
        data = json.dumps(line).encode() + b"\n"
        try:
            written = os.write(self._file, data)
            if written != len(data):
                os.ftruncate(self._file, os.fstat(self._file).st_size - written)
                raise OSError("no space left")
        except OSError as error:
            if not self.lost:
                log.error("audit log %s cannot be written: %s", self._path, error)
            self.lost += 1

    def follow(self) -> None:
        """Opens the file anew when it was moved away; call now and then."""
        if self._file is None or self._path is None:
            return
        with contextlib.suppress(OSError):
            if self._is_there():
                return
            fresh = _open(self._path)
            os.close(self._file)
            self._file = fresh

    def _is_there(self) -> bool:
        assert self._path is not None
        assert self._file is not None
        try:
            return os.path.samestat(os.stat(self._path), os.fstat(self._file))
        except FileNotFoundError:
            return False

    def close(self) -> None:
        """Ends the log."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _open(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
