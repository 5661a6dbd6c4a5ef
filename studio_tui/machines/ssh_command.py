"""A command as it is sent to a machine, and the first words that come back.

The login shell there may be any: bash, fish, csh. It is given one fixed line that all of them read
alike; the command itself comes on its standard input, so that no shell but /bin/sh has to
understand it, its length has no limit, and no list of processes shows what is secret in it.
Whatever the shell's start-up files print comes before a mark, and is dropped.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio_tui.machines.connection import CommandFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_REASONS = {"folder": "the folder {cwd} is not there", "program": "No such file or program"}


@dataclass(frozen=True, slots=True)
class Command:
    """One program to start.

    Attributes:
        mark: letters and digits that nothing else prints.
        cwd: the folder to start it in.
        env: added to the environment that a login has there.
    """

    argv: tuple[str, ...]
    mark: str
    cwd: str
    env: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, argv: Sequence[str], mark: str, cwd: str, env: Mapping[str, str] | None) -> Command:
        """As a Connection's caller gives it."""
        return cls(tuple(argv), mark, cwd, tuple((env or {}).items()))

    @property
    def script(self) -> bytes:
        """For /bin/sh: says whether the program can be started, and under which number."""
        program = shlex.quote(self.argv[0])
        there = f"[ -f {program} ] && [ -x {program} ]" if "/" in self.argv[0] else "true"
        lines = [
            f"cd -- {shlex.quote(self.cwd)} 2>/dev/null"
            f" || {{ echo {self.mark} folder; exit 126; }}",
            *(f"export {name}={shlex.quote(value)}" for name, value in self.env),
            f"{there} && command -v {program} >/dev/null 2>&1"
            f" || {{ echo {self.mark} program; exit 127; }}",
            f"printf %s {self.mark} >&2",
            f'echo {self.mark} "$$"',
            f"exec {shlex.join(self.argv)}",
        ]
        return "\n".join(lines).encode("utf-8", "surrogateescape")

    @property
    def line(self) -> str:
        """For the login shell. dd reads byte by byte: what follows is the program's own."""
        return f"exec /bin/sh -c 'eval \"$(dd bs=1 count={len(self.script)} 2>/dev/null)\"'"

    def started(self, answer: bytes) -> int:
        """The process's number, which is its group's too, from the line after the mark.

        Raises:
            CommandFailed: it was not started.
        """
        word = answer.decode("ascii", "replace").strip()
        if word.isdigit():
            return int(word)
        reason = _REASONS.get(word, word).format(cwd=self.cwd)
        raise CommandFailed(
            f"cannot start {self.argv[0]}: {reason}",
            "check that the program and the folder exist on this machine",
        )

    def silent(self, said: bytes) -> CommandFailed:
        """The error of a login shell that ended without starting anything."""
        text = said.decode("utf-8", "replace").strip()
        return CommandFailed(
            f"cannot start {self.argv[0]}: the login shell there starts no commands"
            + (f", it says: {text[-200:]}" if text else ""),
            "the account needs a shell, such as /bin/sh",
        )
