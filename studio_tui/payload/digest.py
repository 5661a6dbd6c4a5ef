"""What a step of a pipeline depends on, and what it left: `python3 digest.py FOLDER`.

Python 3.8 and its standard library. Reads one JSON object, {"inputs": [patterns], "outputs":
[paths]}, and prints one:

files     {path: SHA-256 of its content}, of every file that an input names; ** goes into folders
without   the inputs that name no file
missing   the outputs that are not there
left      what changes whenever one of the outputs is written; "" where there are none
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
import sys
from typing import Any, Dict, List

MOST_FILES = 20000
PIECE = 1 << 20


def digest(path: str) -> str:
    """The hash of a file's content."""
    found = hashlib.sha256()
    with open(path, "rb") as file:
        while True:
            data = file.read(PIECE)
            if not data:
                return found.hexdigest()
            found.update(data)


def matches(pattern: str) -> List[str]:
    """The files that a pattern names; a folder stands for all that is in it."""
    found = glob.glob(pattern, recursive=True)
    folders = [path for path in found if os.path.isdir(path)]
    below = [
        os.path.join(root, name)
        for folder in ([] if "**" in pattern else folders)
        for root, _, names in os.walk(folder)
        for name in names
    ]
    return sorted({os.path.normpath(path) for path in found + below if os.path.isfile(path)})


def named(pattern: str) -> List[str]:
    """The files of an input, which are read whole."""
    files = matches(pattern)
    if len(files) > MOST_FILES:
        sys.exit("%s names more than %d files" % (pattern, MOST_FILES))
    return files


def stamp(patterns: List[str]) -> str:
    """A hash of the sizes and times of files: their contents may be too much to read."""
    found = hashlib.sha256()
    for path in [path for pattern in patterns for path in matches(pattern)]:
        status = os.stat(path)
        told = [path, status.st_size, status.st_mtime_ns]
        found.update(json.dumps(told).encode("utf-8", "surrogatepass"))
    return found.hexdigest() if patterns else ""


def look(asked: Dict[str, Any]) -> Dict[str, Any]:
    """What was asked for, about the working folder."""
    by_input = {pattern: named(pattern) for pattern in asked["inputs"]}
    return {
        "files": {path: digest(path) for paths in by_input.values() for path in paths},
        "without": [pattern for pattern, paths in by_input.items() if not paths],
        "left": stamp(asked["outputs"]),
        "missing": [path for path in asked["outputs"] if not glob.glob(path, recursive=True)],
    }


if __name__ == "__main__":
    os.chdir(sys.argv[1])
    print(json.dumps(look(json.load(sys.stdin))))  # noqa: T201 - its answer
