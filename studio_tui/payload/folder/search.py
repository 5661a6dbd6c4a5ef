"""Looks for a pattern in the files of a folder, as git sees them; prints what it finds.

    python3 -m folder.search ROOT [PRIVATE...] < request

    request  {"query", "regex", "case", "word", "most"}
    output   a JSON object a line: {"path", "line", "text", "spans"}, at most `most` of them, then
             {"truncated"} or {"error"}

A line counts from 1; of a long one there is the part around the first place. Spans are
[start, end] in code points of that text. By `rg` where it is installed and knows the expression,
else by Python's own. Neither follows a link, or looks into what git ignores, binary or large files.
What holds secrets, by its name or in a folder PRIVATE, is left out before anything is counted:
neither a line nor "truncated" tells of it.

Standard library only, Python 3.8 and later, Linux and macOS.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import stat
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from .names import PRIVATE, SKIPPED, holds_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST = 4 << 20
TEXT_CAP = 300
BEFORE = 80
SPANS_CAP = 50
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
_SIGNS = re.compile(r"[][*?{}\\! ]")
_GIT = ["git", "-c", "core.fsmonitor=false", "ls-files", "-z", "-co", "--exclude-standard"]


class Unable(Exception):
    """This way of looking cannot be gone."""


def told(path: str, number: int, line: str, spans: list[tuple[int, int]]) -> dict[str, Any]:
    """A line that was found, cut to what can be shown."""
    line = line.rstrip("\r\n")
    start = max(0, spans[0][0] - BEFORE) if len(line) > TEXT_CAP and spans else 0
    text = line[start : start + TEXT_CAP]
    inside = [(a - start, min(b - start, len(text))) for a, b in spans[:SPANS_CAP]]
    shown = [span for span in inside if 0 <= span[0] <= len(text)]
    return {"path": path, "line": number, "text": text, "spans": shown}


class Secrets:
    """What nobody may look into, in the folder that is the current one.

    Args:
        private: folders, should they lie in it.
    """

    def __init__(self, private: list[str]) -> None:
        root = os.getcwd()
        inside = (os.path.relpath(os.path.realpath(path), root) for path in private)
        self.folders = [path for path in inside if path.split("/")[0] not in (".", "..")]

    def hold(self, path: str) -> bool:
        """Whether a path in the folder is not to be read."""
        if any(path == folder or path.startswith(folder + "/") for folder in self.folders):
            return True
        return any(holds_secrets(part) for part in path.split("/"))


# -- by rg ----------------------------------------------------------------------------------------


def rg_command(program: str, request: dict[str, Any], secrets: Secrets) -> list[str]:
    """What to run for the request, in the folder."""
    command = [program, "--json", "--no-config", "--no-require-git", "--hidden"]
    command += [f"--max-filesize={LARGEST}", "--no-messages"]
    command += [f"--glob=!{name}" for name in sorted(SKIPPED)]
    command += [f"--iglob=!{name}" for name in sorted(PRIVATE)]
    command += ["--glob=!/" + _SIGNS.sub(r"\\\g<0>", folder) for folder in secrets.folders]
    command.append("--case-sensitive" if request["case"] else "--ignore-case")
    command += [] if request["regex"] else ["--fixed-strings"]
    command += ["--word-regexp"] if request["word"] else []
    return [*command, "--regexp", request["query"], "--", "."]


def by_rg(program: str, request: dict[str, Any], secrets: Secrets) -> Iterator[dict[str, Any]]:
    """What rg finds. Unable: it does not know the expression."""
    command = rg_command(program, request, secrets)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    try:
        for row in process.stdout:
            event = json.loads(row)
            if event["type"] != "match" or "text" not in event["data"]["path"]:
                continue
            path = event["data"]["path"]["text"][2:]
            if not secrets.hold(path):  # a glob cannot say ".env.*, but no samples"
                yield _of_rg(path, event["data"])
    finally:
        process.kill()
        process.stdout.close()
        code = process.wait()
    if code == 2:
        raise Unable


def _of_rg(path: str, data: dict[str, Any]) -> dict[str, Any]:
    line = data["lines"].get("text")
    if line is None:  # not UTF-8: the places would not be where they are shown
        return told(path, data["line_number"], "(not UTF-8)", [])
    whole = line.encode()
    spans = [
        (len(whole[: part["start"]].decode()), len(whole[: part["end"]].decode()))
        for part in data["submatches"]
    ]
    return told(path, data["line_number"], line, spans)


# -- by Python ------------------------------------------------------------------------------------


def by_python(request: dict[str, Any], secrets: Secrets) -> Iterator[dict[str, Any]]:
    """What Python finds. re.error: the expression makes no sense."""
    source = request["query"] if request["regex"] else re.escape(request["query"])
    if request["word"]:
        source = r"(?<!\w)(?:%s)(?!\w)" % source
    expression = re.compile(source, 0 if request["case"] else re.IGNORECASE)
    for path in files():
        if secrets.hold(path):
            continue
        for number, line in enumerate(content(path).split("\n"), 1):
            spans = [match.span() for match in expression.finditer(line)]
            if spans:
                yield told(path, number, line, spans)


def files() -> Iterator[str]:
    """The files of the folder: those that git does not ignore, or all where there is no git."""
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        listed = subprocess.check_output(_GIT, stderr=subprocess.DEVNULL)
        for name in sorted(set(os.fsdecode(listed).split("\0"))):
            if name and not any(part in SKIPPED for part in name.split("/")):
                yield name
        return
    for folder, below, names in os.walk("."):
        below[:] = sorted(name for name in below if name not in SKIPPED)
        for name in sorted(names):
            yield os.path.join(folder, name)[2:]


def content(path: str) -> str:
    """The text of a file; empty when it is none, behind a link, or cannot be read."""
    if os.path.realpath(path) != os.path.join(os.getcwd(), path):
        return ""
    try:
        number = os.open(path, _READ)
    except OSError:
        return ""
    with open(number, "rb") as file:
        status = os.fstat(number)
        if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST:
            return ""
        data = file.read(LARGEST)
    return "" if b"\0" in data else data.decode("utf-8", "replace")


# -- the whole ------------------------------------------------------------------------------------


def found(request: dict[str, Any], secrets: Secrets) -> Iterator[dict[str, Any]]:
    """What there is, by rg if that can."""
    program = shutil.which("rg")
    if program is not None:
        with contextlib.suppress(Unable):
            yield from by_rg(program, request, secrets)
            return
    yield from by_python(request, secrets)


def say(what: dict[str, Any]) -> None:
    """Print it as a line, at once."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def main(args: list[str]) -> int:
    """See above."""
    if not args:
        sys.stderr.write("usage: folder.search ROOT [PRIVATE...] < request\n")
        return 2
    request = json.load(sys.stdin)
    os.chdir(args[0])
    last: dict[str, Any] = {"truncated": False}
    lines = found(request, Secrets(args[1:]))
    try:
        for number, line in enumerate(lines):
            if number >= request["most"]:
                last = {"truncated": True}
                break
            say(line)
    except re.error as problem:
        last = {"error": str(problem)}
    lines.close()  # type: ignore[attr-defined]  # ends rg
    say(last)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
