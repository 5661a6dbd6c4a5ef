"""What git says of a studio's folder: which files it ignores, and which have changed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from studio_tui.errors import StudioError

if TYPE_CHECKING:
    from studio_tui.host.calls import Params, Result
    from studio_tui.host.files.folder import Folder
    from studio_tui.host.machines.sites import Site

GIT = ("git", "-c", "core.fsmonitor=false", "-c", "core.quotepath=false")
"""A repository's own settings must not start a program when somebody looks at its files."""
LISTED = ("ls-files", "-z", "-co", "--exclude-standard")
STATUS = ("status", "--porcelain=v1", "-z", "--ignored", "--untracked-files=normal", "--no-renames")
QUIET = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
PATIENCE = 10.0
FRESH_SECONDS = 2.0
MARKS_CAP = 5000


@dataclass(frozen=True)
class Status:
    """Marks by path, "M" changed, "A" added, "?" unknown to git, "D", "U" in conflict.

    `ignored` are files and folders that git ignores; paths are relative to the studio's folder.
    """

    marks: dict[str, str] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)


async def listed(site: Site) -> list[str] | None:
    """The files that git does not ignore, None where it knows none.

    In a repository that begins above the folder git must track something in it.
    """
    said = await _said(site, LISTED)
    return sorted(set(filter(None, said.split("\0")))) if said else None


async def status(site: Site) -> Status:
    """How the files stand; empty where there is no repository."""
    above = (await _said(site, ("rev-parse", "--show-prefix")) or "").rstrip("\n")
    return read_status(await _said(site, (*STATUS, "--", ".")) or "", above)


async def _said(site: Site, words: tuple[str, ...]) -> str | None:
    """What git prints, None when it fails, takes too long, or is not there."""
    try:
        async with asyncio.timeout(PATIENCE):
            done = await site.connection.run([*GIT, *words], cwd=site.folder, env=QUIET)
    except (TimeoutError, StudioError):
        return None
    return done.stdout.decode("utf-8", "replace") if done.ok else None


def read_status(porcelain: str, above: str) -> Status:
    """What `git status --porcelain=v1 -z` says.

    Args:
        above: the folder's own path in the repository, "/" at its end; its paths begin with it.
    """
    marks: dict[str, str] = {}
    ignored: list[str] = []
    for entry in porcelain.split("\0")[:MARKS_CAP]:
        state, path = entry[:2], entry[3:].removeprefix(above).rstrip("/")
        if state == "!!" and path:
            ignored.append(path)
        elif path:
            marks[path] = _mark(state)
    return Status(marks, ignored)


def _mark(state: str) -> str:
    if "U" in state or state in ("AA", "DD"):
        return "U"
    return state.strip()[-1]


class Repository:
    """Answers `files.status`: git is asked once, whoever wants to know.

    Args:
        folder: gives the studio's folder, wherever that is now.
    """

    def __init__(self, folder: Callable[[], Folder]) -> None:
        self._folder = folder
        self._asking = asyncio.Lock()
        self._known: tuple[float, Folder, Status] | None = None

    async def call(self, _params: Params) -> Result:
        """Returns {"marks": {path: mark}, "ignored": [path]}."""
        async with self._asking:
            now, known, folder = time.monotonic(), self._known, self._folder()
            if known is None or known[1] is not folder or now - known[0] > FRESH_SECONDS:
                known = self._known = now, folder, await status(await folder.site())
        return {"marks": known[2].marks, "ignored": known[2].ignored}
