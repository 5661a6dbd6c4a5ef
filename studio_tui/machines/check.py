"""What a machine has of what a studio needs, and what to do about the rest."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio_tui.errors import StudioError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from studio_tui.machines.connection import Connection

LEAST_FREE = 1 << 30  # bytes
MOST_SKEW = 5.0  # seconds
OLDEST_PYTHON = (3, 8)

# "key value" lines; a key that is missing was not found there.
_LOOK = r"""
echo "time $(date +%s)"
echo "system $(uname -sm)"
echo "user $(id -un 2>/dev/null || id -u)"
echo "shell ${SHELL:-/bin/sh}"
for name in python3 python; do
  version=$("$name" -c 'import platform; print(platform.python_version())' 2>/dev/null) || continue
  echo "python $version"; break
done
for name in tar rsync git uv; do
  path=$(command -v "$name") && echo "$name $path"
done
df -Pk "$1" 2>/dev/null | { read -r _; read -r _ _ _ free _; echo "disk $free"; }
gpus=$(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2>/dev/null | head -n 16)
[ "$gpus" ] && echo "$gpus" | sed 's/^/gpu /'
for device in /dev/nvidia[0-9]* /dev/kfd; do
  [ -e "$device" ] && echo "device $device" && break
done
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a check.

    Attributes:
        state: "ok", "note" for what something works less well without, "bad" for what is missing.
        what: such as "rsync".
        detail: what was found.
        hint: what to do; "" when nothing is to be done.
    """

    state: str
    what: str
    detail: str
    hint: str = ""


async def check(
    dial: Callable[[], Awaitable[Connection]], clock: Callable[[], float] = time.time
) -> tuple[list[Finding], int]:
    """Connects and looks.

    Args:
        dial: connects.
        clock: seconds since 1970, here.

    Returns:
        What was found, and the exit code: 0 when nothing is bad, 1 when something is, that of the
        problem when the machine could not be reached.
    """
    try:
        connection = await dial()
    except StudioError as problem:
        return [Finding("bad", "reached", problem.message, problem.hint)], problem.exit_code
    try:
        before = clock()
        done = await connection.run(["/bin/sh", "-c", _LOOK, "sh", connection.root])
        found = judge(read(done.stdout.decode("utf-8", "replace")), before, clock())
        found.insert(0, Finding("ok", "reached", connection.root))
        return found, int(any(finding.state == "bad" for finding in found))
    except StudioError as problem:
        return [Finding("bad", "commands", problem.message, problem.hint)], problem.exit_code
    finally:
        await connection.close()


def read(text: str) -> dict[str, list[str]]:
    """The lines of the look: key to values."""
    told: dict[str, list[str]] = {}
    for line in text.splitlines():
        key, _, value = line.partition(" ")
        told.setdefault(key, []).append(value.strip())
    return told


def judge(told: Mapping[str, list[str]], before: float, after: float) -> list[Finding]:
    """What the lines mean.

    Args:
        before, after: the time here around the look, seconds since 1970.
    """
    return [
        *(Finding("ok", key, told[key][0]) for key in ("system", "user", "shell") if key in told),
        _python(told),
        _program(told, "tar", "bad", "install tar there: the studio's own programs arrive by it"),
        _program(
            told, "rsync", "note", "install rsync there: without it whole files are sent again"
        ),
        _disk(told),
        _clock(told, before, after),
        *_gpus(told),
    ]


def _program(told: Mapping[str, list[str]], name: str, state: str, hint: str) -> Finding:
    if name in told:
        return Finding("ok", name, told[name][0])
    return Finding(state, name, "not there", hint)


def _python(told: Mapping[str, list[str]]) -> Finding:
    hint = "install Python 3.8 or later there: without it there are jobs, but no terminals, meters"
    if "python" not in told:
        return Finding("bad", "python3", "not there", hint)
    version = told["python"][0]
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    return Finding("ok" if numbers >= OLDEST_PYTHON else "bad", "python3", version,
                   "" if numbers >= OLDEST_PYTHON else hint)  # fmt: skip


def _disk(told: Mapping[str, list[str]]) -> Finding:
    kib = told.get("disk", [""])[0]
    if not kib.isdigit():
        return Finding("note", "disk", "it does not tell")
    free = int(kib) * 1024
    shown = f"{free / (1 << 30):.1f} GiB free"
    if free >= LEAST_FREE:
        return Finding("ok", "disk", shown)
    return Finding("bad", "disk", shown, "free some space there")


def _clock(told: Mapping[str, list[str]], before: float, after: float) -> Finding:
    there = told.get("time", [""])[0]
    if not there.isdigit():
        return Finding("note", "clock", "it does not tell")
    # The machine counts whole seconds, and read them at some time between the two.
    ahead = max(float(there) - after, before - (float(there) + 1), 0.0)
    if ahead <= MOST_SKEW:
        return Finding("ok", "clock", "as here")
    return Finding("note", "clock", f"off by {ahead:.0f} s", "let it follow an NTP server")


def _gpus(told: Mapping[str, list[str]]) -> list[Finding]:
    if "gpu" in told:
        return [Finding("ok", "gpu", f"{gpu} (name, driver)") for gpu in told["gpu"]]
    if "device" in told:
        return [
            Finding(
                "bad",
                "gpu",
                f"there is {told['device'][0]}, but no driver answers",
                "install the GPU's driver there, or reboot after it was updated",
            )
        ]
    return [Finding("ok", "gpu", "none")]
