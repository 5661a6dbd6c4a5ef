"""Puts the payload on a machine, once per version, and asks the machine what it is."""

from __future__ import annotations

import functools
import io
import json
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from studio_tui import payload
from studio_tui.errors import StudioError
from studio_tui.machines.catalogue import MachineGPU

if TYPE_CHECKING:
    from studio_tui.machines.connection import Completed, Connection

WHOLE = ".whole"  # the archive's last member: an archive that came in part does not have it
_NO_TAR = 69

# The folder appears whole or not at all, whoever else installs at the same time.
_UNPACK = f"""
umask 077
target=$1; part=$target.$$
[ -f "$target/{WHOLE}" ] && {{ cat >/dev/null; exit 0; }}
command -v tar >/dev/null 2>&1 || {{ echo "there is no tar" >&2; exit {_NO_TAR}; }}
mkdir -p "$part" && tar -xf - -C "$part" && [ -f "$part/{WHOLE}" ] || {{ rm -rf "$part"; exit 1; }}
[ -d "$target" ] && [ ! -f "$target/{WHOLE}" ] && rm -rf "$target"
[ -d "$target" ] || mv "$part" "$target"
rm -rf "$part" "$target/${{part##*/}}"
[ -f "$target/{WHOLE}" ]
"""

_DESCRIBE = r"""
python=$(command -v python3) || python=$(command -v python) || python=
[ "$python" ] && exec "$python" "$1/probe.py" --facts "$2"
cpus=$(getconf _NPROCESSORS_ONLN 2>/dev/null)
kib=$(sed -n 's/^MemTotal: *\([0-9]*\).*/\1/p' /proc/meminfo 2>/dev/null)
memory=null; [ "$kib" ] && memory=$((kib * 1024))
echo "{\"cpus\":${cpus:-null},\"mem\":[null,$memory],\"gpus\":[]}"
"""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a machine is. None is what it did not tell.

    Attributes:
        cpus: processors that a job may use.
        memory_bytes, disk_free_bytes: of the machine, and of the disk that its root lies on.
        python: the version of the python3 that runs there, None when there is none.
        system: such as "Linux x86_64".
    """

    cpus: int | None
    memory_bytes: int | None
    disk_free_bytes: int | None
    gpus: tuple[MachineGPU, ...]
    python: str | None
    system: str


async def install(connection: Connection) -> str:
    """Makes sure that this version's payload is on the machine; returns its folder there.

    Two round trips at the first time, one afterwards. Older versions stay: jobs run from them.

    Raises:
        StudioError: it cannot be put there.
        ConnectionLost: the machine is gone.
    """
    folder = place(connection)
    if (await connection.run(["test", "-f", f"{folder}/{WHOLE}"])).ok:
        return folder
    argv = ["/bin/sh", "-c", _UNPACK, "sh", folder]
    done = await connection.run(argv, input=_archive())
    if not done.ok:
        raise _failure(done, folder)
    return folder


def place(connection: Connection) -> str:
    """The folder there that install() puts this version's payload in."""
    return f"{connection.root}/payload-{payload.version()}"


async def describe(connection: Connection, folder: str) -> Facts:
    """Asks the machine what it is.

    Args:
        folder: what install() returned.

    Raises:
        StudioError: its answer makes no sense.
    """
    argv = ["/bin/sh", "-c", _DESCRIBE, "sh", folder, connection.root]
    done = (await connection.run(argv)).check("asking the machine what it is")
    try:
        told = json.loads(done.stdout)
        return _facts(told)
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise StudioError(
            f"the machine's description makes no sense: {done.stdout[:80]!r}",
            f"run python3 {folder}/probe.py --facts there to see why",
        ) from problem


@functools.cache
def _archive() -> bytes:
    """The payload as a tar archive, the mark that it is whole at its end."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in [*payload.files().items(), (WHOLE, b"")]:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            member.mode = 0o700 if name.endswith(".sh") else 0o600
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def _facts(told: dict[str, Any]) -> Facts:
    used, total = told.get("disk") or (None, None)
    return Facts(
        cpus=told["cpus"],
        memory_bytes=told["mem"][1],
        disk_free_bytes=None if used is None or total is None else total - used,
        gpus=tuple(
            MachineGPU(str(gpu["name"]), (gpu.get("mem") or [None, None])[1])
            for gpu in told["gpus"]
        ),
        python=told.get("python"),
        system=str(told.get("system") or ""),
    )


def _failure(done: Completed, folder: str) -> StudioError:
    reason = done.stderr.decode("utf-8", "replace").strip()[-300:]
    return StudioError(
        f"the studio's programs cannot be put into {folder}: {reason or 'the copy came in part'}",
        "install tar there" if done.exit_code == _NO_TAR else "check that the disk is not full",
    )
