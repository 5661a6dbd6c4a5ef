"""What a machine has to build an environment with, and what the folder says it should be."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from studio_tui.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from studio_tui.machines.connection import Connection

VENV = ".venv"
STAMP = f"{VENV}/.studio-env"
_TOOLS = ("uv", "python3", "python", "micromamba", "mamba", "conda")
_NO_FOLDER = 66

# One round trip. uv and conda are found where their installers put them and no login shell looks.
_SCRIPT = f"""
cd "$1" || exit {_NO_FOLDER}
PATH=$PATH:$HOME/.local/bin:$HOME/.cargo/bin:$HOME/miniconda3/bin:$HOME/miniforge3/bin
for tool in {" ".join(_TOOLS)}; do
    found=$(command -v "$tool") && printf 'tool %s %s\\n' "$tool" "$found"
done
python=$(command -v python3 || command -v python) && printf 'python %s\\n' "$("$python" -V 2>&1)"
printf 'system %s\\n' "$(uname -sm)"
[ -f {STAMP} ] && printf 'stamp %s\\n' "$(cat {STAMP})"
for file in uv.lock pyproject.toml .python-version requirements*.txt environment.y*ml; do
    [ -f "$file" ] || continue
    printf 'file %s %s\\n' "$(wc -c <"$file" | tr -d ' ')" "$file"
    cat -- "$file"
    echo
done
"""


@dataclass(frozen=True)
class Look:
    """What was found.

    Attributes:
        files: name to content of those that say what an environment has to be.
        tools: name to path, of those that are there.
        python: such as "Python 3.12.1", empty when there is none.
        system: such as "Linux x86_64".
        stamp: of the environment that is there, empty when there is none.
    """

    files: Mapping[str, bytes] = field(default_factory=dict)
    tools: Mapping[str, str] = field(default_factory=dict)
    python: str = ""
    system: str = ""
    stamp: str = ""

    def digest(self, names: tuple[str, ...]) -> dict[str, str]:
        """Name to SHA-256 of the content."""
        return {name: hashlib.sha256(self.files[name]).hexdigest() for name in names}


async def look(connection: Connection, folder: str) -> Look:
    """Looks at a folder.

    Raises:
        NotFound: there is no such folder.
        ConnectionLost: the machine is gone.
    """
    done = await connection.run(["/bin/sh", "-c", _SCRIPT, "sh", folder])
    if done.exit_code == _NO_FOLDER:
        raise NotFound(f"there is no folder {folder} there", "carry the files first")
    return parse(done.check("looking for the environment").stdout)


def parse(told: bytes) -> Look:
    """What the script printed."""
    files: dict[str, bytes] = {}
    tools: dict[str, str] = {}
    words = {"python": "", "system": "", "stamp": ""}
    while told:
        line, _, told = told.partition(b"\n")
        kind, _, rest = os.fsdecode(line).partition(" ")
        name, _, value = rest.partition(" ")
        if kind == "tool":
            tools[name] = value
        elif kind == "file":
            size = int(name)
            files[value], told = told[:size], told[size + 1 :]
        elif kind in words:
            words[kind] = rest
    return Look(files, tools, **words)
