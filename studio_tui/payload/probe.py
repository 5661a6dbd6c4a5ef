"""Prints what this machine's meters read, one JSON line a period, until stdin or stdout ends.

    python3 probe.py [PERIOD [FOLDER]]     PERIOD in seconds; FOLDER names the disk that counts
    python3 probe.py --facts [FOLDER]      one line: cpus, memory, GPUs, Python

Python 3.8 and its standard library, and nvidia-ml-py's pynvml.py where it lies beside this file.
Whatever a machine cannot tell is null or absent: no GPU is normal, and so is no /proc. Counters
are sent as they are; the reader takes differences. In a line:

    t seconds, monotonic · time seconds since 1970 · n line number · load 1 minute
    cpu [busy, all] and cores [[busy, all], ...] in ticks · mem, disk [used, total] bytes
    net [received, sent] bytes · io [read, written] bytes
    gpus [{i, name, util 0-100, mem [used, total], mw, limit_mw, temp, sm MHz,
           procs [[pid, bytes, user, job], ...], mig [[used, total], ...], lost true}, ...]

Without NVIDIA's library, the GPUs are told by nvidia-smi or amd-smi; see smi.py. STUDIO_NVML names
a libnvidia-ml.so.1 that lies where the loader does not look.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import platform
import pwd
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

SECTOR = 512  # bytes; what /proc/diskstats counts in, whatever the disk's own sectors are
PROCESSES = 16  # of one GPU, at most
FIRST_SECONDS = 1.5
MIGS = 8  # parts of one GPU, at most
JOB = b"STUDIO_JOB_ID="
VIRTUAL_LINKS = ("lo", "veth", "docker", "br-", "virbr", "cni", "flannel", "tap")
VIRTUAL_DISKS = ("loop", "ram", "zram", "dm-", "md", "sr", "fd")


def read(path: str) -> str:
    """A small file's text."""
    with open(path) as file:
        return file.read()


def cpu() -> dict[str, Any]:
    """Ticks since the boot, of all processors together and of each."""
    rows = []
    for line in read("/proc/stat").splitlines():
        if not line.startswith("cpu"):
            break
        ticks = [int(word) for word in line.split()[1:9]]
        rows.append([sum(ticks) - ticks[3] - ticks[4], sum(ticks)])  # without idle and iowait
    return {"cpu": rows[0], "cores": rows[1:]}


def memory() -> dict[str, Any]:
    """The machine's memory, or the container's when that has less."""
    pairs = (line.split(":") for line in read("/proc/meminfo").splitlines())
    kibi = {name: int(rest.split()[0]) for name, rest in pairs}
    total = kibi["MemTotal"] * 1024
    used = total - kibi.get("MemAvailable", kibi["MemFree"]) * 1024
    try:
        limit = read("/sys/fs/cgroup/memory.max").strip()
        if limit.isdigit() and int(limit) < total:
            stat = dict(line.split() for line in read("/sys/fs/cgroup/memory.stat").splitlines())
            current = int(read("/sys/fs/cgroup/memory.current"))
            total, used = int(limit), max(0, current - int(stat.get("inactive_file", 0)))
    except (OSError, ValueError):
        pass
    return {"mem": [used, total]}


def network() -> dict[str, Any]:
    """Bytes over the links that lead out of the machine."""
    received = sent = 0
    for line in read("/proc/net/dev").splitlines()[2:]:
        name, counters = line.split(":", 1)
        if not name.strip().startswith(VIRTUAL_LINKS):
            words = counters.split()
            received, sent = received + int(words[0]), sent + int(words[8])
    return {"net": [received, sent]}


def disks() -> dict[str, Any]:
    """Bytes read from and written to whole disks."""
    whole = {name for name in os.listdir("/sys/block") if not name.startswith(VIRTUAL_DISKS)}
    done = wrote = 0
    for line in read("/proc/diskstats").splitlines():
        words = line.split()
        if words[2] in whole:
            done, wrote = done + int(words[5]), wrote + int(words[9])
    return {"io": [done * SECTOR, wrote * SECTOR]}


def load() -> dict[str, Any]:
    """Processes that run or wait, averaged over a minute."""
    return {"load": round(os.getloadavg()[0], 2)}


def space(folder: str) -> dict[str, Any]:
    """The disk that the folder lies on, as its owner may use it."""
    found = os.statvfs(folder)
    used = (found.f_blocks - found.f_bfree) * found.f_frsize
    return {"disk": [used, used + found.f_bavail * found.f_frsize]}


def host(folder: str) -> dict[str, Any]:
    """All of the above that this machine can tell."""
    told: dict[str, Any] = {}
    for meter in (cpu, memory, network, disks, load, lambda: space(folder)):
        try:
            told.update(meter())
        except (OSError, ValueError, KeyError, IndexError):
            continue
    return told


def owner(pid: int) -> str:
    """The name of whom a process belongs to; "" when it is gone, or in another namespace."""
    try:
        user = os.stat(f"/proc/{pid}").st_uid
    except OSError:
        return ""
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


def job(pid: int) -> str:
    """The studio's job that a process is a part of, where it may be looked at; else ""."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            names = file.read(1 << 20).split(b"\0")
    except OSError:
        return ""
    found = (name[len(JOB) :] for name in names if name.startswith(JOB))
    return next(found, b"").decode("ascii", "replace")[:64]


class Nvml:
    """NVIDIA's GPUs. Every question may fail by itself: then its answer is None."""

    def __init__(self, nvml: Any) -> None:
        self._nvml = nvml
        self._lost = False  # whether the last questions were about a GPU that is gone
        self._known: dict[int, list[str]] = {}  # pid -> user and job
        self._seen: set[int] = set()
        self._handles = [
            self._ask(nvml.nvmlDeviceGetHandleByIndex, index)
            for index in range(self._ask(nvml.nvmlDeviceGetCount) or 0)
        ]
        self._names = [self._name(handle) for handle in self._handles]

    @classmethod
    def opened(cls) -> Nvml | None:
        """None on a machine without GPU, driver or pynvml."""
        path = os.environ.get("STUDIO_NVML")
        try:
            if path:
                ctypes.CDLL(path)  # the loader finds it again by its soname
            nvml = importlib.import_module("pynvml")
        except (ImportError, OSError):
            return None
        try:
            nvml.nvmlInit()
        except nvml.NVMLError:
            return None
        return cls(nvml)

    def read(self) -> list[dict[str, Any]]:
        """One entry per GPU, a lost one with nothing but its index and name."""
        self._seen = set()
        rows = [self._gpu(index, handle) for index, handle in enumerate(self._handles)]
        self._known = {pid: self._known[pid] for pid in self._seen}
        return rows

    def _gpu(self, index: int, handle: Any) -> dict[str, Any]:
        nvml = self._nvml
        told: dict[str, Any] = {"i": index, "name": self._names[index]}
        if handle is None:
            return {**told, "lost": True}
        self._lost = False
        use = self._ask(nvml.nvmlDeviceGetUtilizationRates, handle)
        held = self._ask(nvml.nvmlDeviceGetMemoryInfo, handle, nvml.nvmlMemory_v2)
        if held is None:  # a driver of before 2022
            held = self._ask(nvml.nvmlDeviceGetMemoryInfo, handle)
        told["util"] = None if use is None else use.gpu
        told["mem"] = None if held is None else [held.used, held.total]
        told["mw"] = self._ask(nvml.nvmlDeviceGetPowerUsage, handle)
        told["limit_mw"] = self._ask(nvml.nvmlDeviceGetEnforcedPowerLimit, handle)
        told["temp"] = self._temperature(handle)
        told["sm"] = self._ask(nvml.nvmlDeviceGetClockInfo, handle, nvml.NVML_CLOCK_SM)
        running = self._ask(nvml.nvmlDeviceGetComputeRunningProcesses, handle) or []
        told["procs"] = [[p.pid, p.usedGpuMemory, *self._of(p.pid)] for p in running[:PROCESSES]]
        parts = self._parts(handle)
        if parts:
            told["mig"] = parts
        if self._lost:
            told["lost"] = True
        return told

    def _of(self, pid: int) -> list[str]:
        """Whose a process is, and of which job; looked up once in its life."""
        self._seen.add(pid)
        if pid not in self._known:
            self._known[pid] = [owner(pid), job(pid)]
        return self._known[pid]

    def _parts(self, handle: Any) -> list[list[int]]:
        """The memory of each part of a GPU that is cut by MIG."""
        nvml = self._nvml
        mode = self._ask(nvml.nvmlDeviceGetMigMode, handle)
        if not mode or mode[0] != nvml.NVML_DEVICE_MIG_ENABLE:
            return []
        count = self._ask(nvml.nvmlDeviceGetMaxMigDeviceCount, handle) or 0
        found = []
        for index in range(min(count, MIGS)):
            part = self._ask(nvml.nvmlDeviceGetMigDeviceHandleByIndex, handle, index)
            held = None if part is None else self._ask(nvml.nvmlDeviceGetMemoryInfo, part)
            if held is not None:
                found.append([held.used, held.total])
        return found

    def _temperature(self, handle: Any) -> Any:
        """The old call goes away with CUDA 14; drivers of before 2025 lack the new one."""
        sensor = self._nvml.NVML_TEMPERATURE_GPU
        for name in ("nvmlDeviceGetTemperatureV", "nvmlDeviceGetTemperature"):
            call = getattr(self._nvml, name, None)
            if call is not None and (degrees := self._ask(call, handle, sensor)) is not None:
                return degrees
        return None

    def _name(self, handle: Any) -> str:
        name = None if handle is None else self._ask(self._nvml.nvmlDeviceGetName, handle)
        return name.decode("utf-8", "replace") if isinstance(name, bytes) else name or "GPU"

    def _ask(self, call: Callable[..., Any], *args: Any) -> Any:
        try:
            return call(*args)
        except (self._nvml.NVMLError, TypeError, UnicodeDecodeError) as problem:
            self._lost |= getattr(problem, "value", None) == self._nvml.NVML_ERROR_GPU_IS_LOST
            return None


def gpus_of(period: float) -> Any:
    """What tells of the GPUs here; None without any."""
    nvml = Nvml.opened()
    if nvml is not None:
        return nvml
    try:
        return importlib.import_module("smi").opened(period)
    except ImportError:
        return None


def facts(folder: str) -> dict[str, Any]:
    """What does not change: the machine's processors, memory, GPUs and Python."""
    told = host(folder)
    affinity = getattr(os, "sched_getaffinity", None)
    gpus = gpus_of(1.0)
    if gpus is not None and not isinstance(gpus, Nvml):
        time.sleep(FIRST_SECONDS)  # these tools take a moment to say anything
    return {
        "cpus": len(affinity(0)) if affinity else os.cpu_count(),
        "mem": told.get("mem") or [None, physical_memory()],
        "disk": told.get("disk"),
        "gpus": gpus.read() if gpus is not None else [],
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def physical_memory() -> int | None:
    """Bytes, where there is no /proc."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return None


def end_with_stdin() -> None:
    """Ends the process when nobody holds the other end of its stdin any more."""
    try:
        while os.read(0, 4096):
            pass
    finally:
        os._exit(0)


def say(row: dict[str, Any]) -> None:
    """Prints one line, and ends the process when nobody reads it."""
    try:
        sys.stdout.write(json.dumps(row, separators=(",", ":")) + "\n")
        sys.stdout.flush()
    except OSError:
        os._exit(0)


def main(args: list[str]) -> None:
    """See above."""
    if args[:1] == ["--facts"]:
        return say(facts(args[1] if len(args) > 1 else os.path.expanduser("~")))
    period = float(args[0]) if args else 1.0
    folder = args[1] if len(args) > 1 else os.path.expanduser("~")
    threading.Thread(target=end_with_stdin, daemon=True).start()
    gpus = gpus_of(period)
    number = 0
    while True:
        began = time.monotonic()
        row = {"t": round(began, 3), "time": round(time.time(), 3), "n": number, **host(folder)}
        if gpus is not None:
            row["gpus"] = gpus.read()
        say(row)
        number += 1
        time.sleep(max(0.0, period - (time.monotonic() - began)))


if __name__ == "__main__":
    main(sys.argv[1:])
