"""A process with a connection to Snowflake of its own: what carries files, and can be ended.

The connector waits for every piece of a file that it has begun, whatever becomes of its caller: in
a thread, a copy could not be called off. Parameters and statements go through a pipe, as JSON, a
line each; the process ends with the pipe, and when nobody asks for a while.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import select
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Mapping
from typing import Any

from studio_tui.errors import StudioError

LOOK_SECONDS = 0.1
IDLE_SECONDS = 60
END_SECONDS = 5


class Failed(Exception):
    """What the connector raised in the other process.

    Attributes:
        errno, raw_msg, kind: its number, its words and its class.
    """

    def __init__(self, told: Mapping[str, Any]) -> None:
        super().__init__(told["said"])
        self.errno, self.raw_msg, self.kind = int(told["errno"]), told["said"], str(told["kind"])


class Courier:
    """The process, as whoever sends it sees it.

    Args:
        given: what the connector is to connect with; it may hold secrets.
    """

    def __init__(self, given: Mapping[str, Any]) -> None:
        # -P: a file of the folder that one is in must not take a module's place.
        command = [sys.executable, "-P", "-m", "studio_tui.data.courier"]
        pipe, quiet = subprocess.PIPE, subprocess.DEVNULL
        self._process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=quiet, start_new_session=True
        )
        self.end = weakref.finalize(self, _end, self._process)
        self._given: Mapping[str, Any] | None = given

    def alive(self) -> bool:
        """Whether it still waits for statements."""
        return self._process.poll() is None

    def run(self, statement: str, meanwhile: Callable[[], None]) -> list[dict[str, Any]]:
        """Execute a statement; its rows by the names of their columns.

        Args:
            meanwhile: called ten times a second; what it raises ends the process.

        Raises:
            Failed: the connector did.
            StudioError: the process is gone.
        """
        try:
            return self._run(statement, meanwhile)
        except Failed:
            raise
        except BaseException:
            self.end()
            raise

    def _run(self, statement: str, meanwhile: Callable[[], None]) -> list[dict[str, Any]]:
        asked, answers = self._process.stdin, self._process.stdout
        assert asked is not None
        assert answers is not None
        lines = [statement] if self._given is None else [self._given, statement]
        self._given = None
        with contextlib.suppress(BrokenPipeError):  # told by the answer that does not come
            asked.write("".join(json.dumps(line) + "\n" for line in lines).encode())
            asked.flush()
        while not select.select([answers], [], [], LOOK_SECONDS)[0]:
            meanwhile()
        line = answers.readline()
        if not line:
            raise StudioError("Snowflake's connector broke off", "ask for it again")
        told = json.loads(line)
        if "rows" not in told:
            raise Failed(told)
        rows: list[dict[str, Any]] = told["rows"]
        return rows


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait(END_SECONDS)
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


def main() -> None:
    """The process itself."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # the connector may print
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(lines,), daemon=True).start()
    connection: Any = None
    try:
        given = json.loads(lines.get())
        while True:
            statement = json.loads(lines.get(timeout=IDLE_SECONDS))
            told, connection = _told(given, connection, statement)
            answers.write(json.dumps(told, default=str) + "\n")
            answers.flush()
    finally:
        os._exit(0)  # without waiting for the connector's threads


def _listen(lines: queue.SimpleQueue[str]) -> None:
    for line in sys.stdin:
        lines.put(line)
    os._exit(0)  # whoever asked is gone


def _told(given: Mapping[str, Any], connection: Any, statement: str) -> tuple[dict[str, Any], Any]:
    """What a statement came to, and the connection for the next one."""
    import snowflake.connector
    from snowflake.connector import errors

    try:
        connection = connection or snowflake.connector.connect(**given)
        with contextlib.closing(connection.cursor()) as cursor:
            cursor.execute(statement)
            names = [column[0].lower() for column in cursor.description]
            found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        return {"rows": found}, connection
    except (errors.Error, OSError, ValueError, RuntimeError) as problem:
        said = str(getattr(problem, "raw_msg", "") or problem)
        number = getattr(problem, "errno", None) or 0
        return {"said": said, "errno": number, "kind": type(problem).__name__}, None


if __name__ == "__main__":
    main()
