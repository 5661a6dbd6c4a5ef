"""Processes of this machine: since when they live, and in which session."""

from __future__ import annotations

import contextlib
import os
import subprocess


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


def _stat_fields(pid: int) -> list[str]:
    """/proc/PID/stat after the name: state, parent, group, session, ...; empty without it."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return []
