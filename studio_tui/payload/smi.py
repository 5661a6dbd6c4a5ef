"""GPUs by the vendors' own tools, for the probe, where pynvml cannot be used.

Python 3.8 and its standard library. nvidia-smi streams by itself, and ends when nobody reads it;
amd-smi is asked every few seconds. Rows are as the probe prints them. STUDIO_SMI is a folder that
is looked into before $PATH.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
import time
from typing import Any

MIB = 1 << 20
AMD_SECONDS = 5.0
_NVIDIA_FIELDS = (
    "index,name,utilization.gpu,memory.used,memory.total,power.draw,power.limit,"
    "temperature.gpu,clocks.sm"
)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def number(text: str) -> float | None:
    """The number in `12`, `12.5 W` or `40 %`; None of `[N/A]` and the like."""
    found = _NUMBER.match(text.strip())
    return float(found.group()) if found else None


def scaled(text: str, factor: int) -> int | None:
    """The same as a whole number of smaller units."""
    found = number(text)
    return None if found is None else int(found * factor)


def nvidia_row(line: str) -> dict[str, Any] | None:
    """One GPU out of a line of nvidia-smi's; None of anything else."""
    words = [word.strip() for word in line.split(",")]
    if len(words) != len(_NVIDIA_FIELDS.split(",")) or not words[0].isdigit():
        return None
    used, total = scaled(words[3], MIB), scaled(words[4], MIB)
    row = {
        "i": int(words[0]),
        "name": words[1],
        "util": number(words[2]),
        "mem": None if used is None or total is None else [used, total],
        "mw": scaled(words[5], 1000),
        "limit_mw": scaled(words[6], 1000),
        "temp": number(words[7]),
        "sm": scaled(words[8], 1),
        "procs": [],
    }
    if "lost" in line.lower():
        row["lost"] = True
    return row


def amd_rows(text: str) -> list[dict[str, Any]]:
    """The GPUs out of a table of amd-smi's; its columns differ from version to version."""
    lines = [line for line in text.splitlines() if "," in line]
    names = [name.strip().lower() for name in lines[0].split(",")] if lines else []
    rows = []
    for line in lines[1:]:
        words = dict(zip(names, line.split(",")))
        index = number(words.get("gpu", ""))
        if index is None:
            continue
        used, total = (scaled(first(words, f"vram_{part}"), MIB) for part in ("used", "total"))
        rows.append(
            {
                "i": int(index),
                "name": "AMD GPU",
                "util": number(first(words, "gfx", "gfx_%", "gfx_util", "gpu_util")),
                "mem": None if used is None or total is None else [used, total],
                "mw": scaled(first(words, "power_usage", "power"), 1000),
                "limit_mw": None,
                "temp": number(first(words, "hotspot_temperature", "gpu_t", "gpu_temp")),
                "sm": scaled(first(words, "gfx_clk", "gfx_clock"), 1),
                "procs": [],
            }
        )
    return rows


def first(words: dict[str, str], *names: str) -> str:
    """What stands under the first of these names that is there."""
    return next((words[name] for name in names if name in words), "")


def tool(name: str) -> str | None:
    """The program's path."""
    path = os.pathsep.join((os.environ.get("STUDIO_SMI", ""), os.environ.get("PATH", "")))
    return shutil.which(name, path=path)


class Nvidia:
    """What nvidia-smi prints once a second, as long as this process lives."""

    def __init__(self, program: str, period: float) -> None:
        self._rows: dict[int, dict[str, Any]] = {}
        self._process = subprocess.Popen(
            [
                program,
                f"--query-gpu={_NVIDIA_FIELDS}",
                "--format=csv,noheader,nounits",
                f"-lms={max(100, int(period * 1000))}",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in self._process.stdout or ():
            row = nvidia_row(line)
            if row is not None:
                self._rows[row["i"]] = row
        self._rows = {}

    def read(self) -> list[dict[str, Any]]:
        """The newest row of each GPU; none once the tool has ended."""
        return [row for _, row in sorted(self._rows.items())]


class Amd:
    """What amd-smi says, asked again every few seconds: it is a heavy program."""

    def __init__(self, program: str) -> None:
        self._argv = [program, "monitor", "-p", "-t", "-u", "-v", "--csv"]
        self._rows: list[dict[str, Any]] = []
        threading.Thread(target=self._ask, daemon=True).start()

    def _ask(self) -> None:
        while True:
            try:
                done = subprocess.run(
                    self._argv,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    timeout=30,
                    check=False,
                )
                self._rows = amd_rows(done.stdout.decode("utf-8", "replace"))
            except (OSError, ValueError, subprocess.SubprocessError):
                self._rows = []
            time.sleep(AMD_SECONDS)

    def read(self) -> list[dict[str, Any]]:
        """The newest rows."""
        return self._rows


def opened(period: float) -> Any:
    """The tool of this machine; None when it has none."""
    try:
        program = tool("nvidia-smi")
        if program:
            return Nvidia(program, period)
        program = tool("amd-smi")
        return Amd(program) if program else None
    except OSError:
        return None
