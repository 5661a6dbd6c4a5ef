"""The hosts that ssh's configuration names: those with a concrete name."""

from __future__ import annotations

import glob
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

DEEPEST = 16  # files that include each other, as in ssh
_PATTERN = frozenset("*?!")


def hosts(config: Path | None = None) -> list[str]:
    """Every concrete name of a `Host` line, in order, each once; included files too.

    Args:
        config: the file; the user's own when None. One that is not there names nobody.
    """
    folder = Path.home() / ".ssh"
    names = _named(config or folder / "config", folder, 0)
    return list(dict.fromkeys(name for name in names if not _PATTERN & set(name)))


def _named(file: Path, folder: Path, depth: int) -> Iterator[str]:
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    for line in text.splitlines():
        keyword, words = _parsed(line)
        if keyword == "host":
            yield from words
        elif keyword == "include" and depth < DEEPEST:
            for word in words:
                pattern = os.path.join(folder, os.path.expanduser(word))
                for included in sorted(glob.glob(pattern)):
                    yield from _named(Path(included), folder, depth + 1)


def _parsed(line: str) -> tuple[str, list[str]]:
    """The keyword in lower case and its words; ssh allows `Key value`, `Key=value` and quotes."""
    keyword, _, rest = line.strip().replace("=", " ", 1).partition(" ")
    try:
        return keyword.lower(), shlex.split(rest, comments=True)
    except ValueError:  # a quote without its end: ssh itself complains, once it is asked
        return "", []
