"""Builds a folder's environment on its machine, every line of it told."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio_tui.errors import StudioError
from studio_tui.machines.environment.drift import Packages, packages
from studio_tui.machines.environment.look import STAMP, VENV, look
from studio_tui.machines.environment.recipe import Recipe, Torch, recipe

if TYPE_CHECKING:
    from studio_tui.machines.connection import ByteReader, Channel, Connection

Say = Callable[[str], None]
"""Told every line that a tool prints."""

LINE_BYTES = 4000  # of a line that is told
LAST_LINES = 3  # of them are the hint when a tool fails

_FREEZE = f"""
PATH=$PATH:$HOME/.local/bin:$HOME/.cargo/bin
[ -x {VENV}/bin/python ] || exit 0
for pip in {VENV}/lib/python*/site-packages/pip; do
    [ -d "$pip" ] && exec {VENV}/bin/python -m pip freeze
done
exec uv pip freeze --python {VENV}/bin/python
"""
_NEW_STAMP = f'printf %s "$1" >{STAMP}.part && mv -f {STAMP}.part {STAMP}'


class BuildFailed(StudioError):
    """A tool did not build the environment; its last lines are the hint."""


@dataclass(frozen=True)
class Wanted:
    """What a folder's environment has to be.

    Attributes:
        recipe: None when nothing says what the folder needs.
        ready: whether it is there already.
    """

    recipe: Recipe | None
    ready: bool


class Environment:
    """The environment of one folder, in its `.venv`.

    Args:
        folder: on the machine, absolute.
        torch: which build of torch the machine gets.
    """

    def __init__(self, connection: Connection, folder: str, torch: Torch) -> None:
        self._connection = connection
        self._folder = folder
        self._torch = torch

    async def wanted(self) -> Wanted:
        """Looks; changes nothing.

        Raises:
            NotFound: the folder is not there, or there is nothing to build with.
            UsageFault: pyproject.toml makes no sense.
        """
        seen = await look(self._connection, self._folder)
        found = recipe(seen, self._torch)
        return Wanted(found, found is None or found.stamp == seen.stamp)

    async def build(self, say: Say) -> Wanted:
        """Builds it unless it is ready; returns what it found.

        Cancelling ends the tool. One that was not built to its end has no stamp and is built on.

        Raises:
            BuildFailed: a tool failed.
            NotFound, UsageFault: as for `wanted`.
            ConnectionLost: the machine is gone.
        """
        found = await self.wanted()
        if found.ready or found.recipe is None:
            return found
        await self._connection.run(["rm", "-f", f"{self._folder}/{STAMP}"])
        for note in found.recipe.notes:
            say(note)
        for step in found.recipe.steps:
            await self._step(found.recipe, step, say)
        # Asked again: a lock that was made just now counts.
        made = (await self.wanted()).recipe or found.recipe
        argv = ["/bin/sh", "-c", _NEW_STAMP, "sh", made.stamp]
        (await self._connection.run(argv, cwd=self._folder)).check("marking the environment")
        return found

    async def packages(self) -> Packages:
        """What is installed; nothing where there is no environment.

        Raises:
            CommandFailed: it cannot be listed.
        """
        argv = ["/bin/sh", "-c", _FREEZE, "sh"]
        done = await self._connection.run(argv, cwd=self._folder)
        return packages(done.check("listing packages").stdout.decode("utf-8", "replace"))

    async def _step(self, found: Recipe, step: tuple[str, ...], say: Say) -> None:
        say(f"$ {shlex.join(step)}")
        last: deque[str] = deque(maxlen=LAST_LINES)

        def heard(line: str) -> None:
            last.append(line)
            say(line)

        channel = await self._connection.open(step, cwd=self._folder, env=found.env)
        code = await _listened(channel, heard)
        if code:
            raise BuildFailed(
                f"the environment of {found.source} cannot be built: "
                f"{shlex.join(step)[:100]} failed with exit code {code}",
                " · ".join(last) or "run it in a terminal there to see why",
            )


async def _listened(channel: Channel, heard: Say) -> int:
    """The exit code of a program whose every line was heard."""
    try:
        with contextlib.suppress(ConnectionError):
            channel.stdin.write_eof()  # it must not wait for an answer
        await asyncio.gather(_lines(channel.stdout, heard), _lines(channel.stderr, heard))
        return await channel.wait()
    finally:
        channel.close()


async def _lines(pipe: ByteReader, heard: Say) -> None:
    """Lines however they end, and however long they are."""
    rest = b""
    while data := await pipe.read(1 << 16):
        *whole, rest = (rest + data).replace(b"\r", b"\n").split(b"\n")
        for line in [*whole, *([rest] if len(rest) > LINE_BYTES else [])]:
            _hear(line, heard)
        rest = b"" if len(rest) > LINE_BYTES else rest
    _hear(rest, heard)


def _hear(line: bytes, heard: Say) -> None:
    text = line[:LINE_BYTES].decode("utf-8", "replace").rstrip()
    if text:
        heard(text)
