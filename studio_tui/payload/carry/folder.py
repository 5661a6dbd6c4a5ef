"""One folder that is carried: what can be asked of it and done to it."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Any

from . import segments, survey
from .listing import Listing, is_repository, within_repository
from .settle import Settlement

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

STATE, TRASH = ".studio-carry", ".studio-trash"
IGNORE_FILES = (".gitignore", ".studioignore")
PATIENCE = 3.0  # seconds that another program has for its end
_PARTS = ".studio-parts"  # where rsync keeps the half of a large file


class Busy(Exception):
    """Another program carries this folder."""


class Folder:
    """The folder, made when it is missing, with what is remembered of it in STATE.

    Raises:
        Busy: see there.
        OSError: it cannot be made or written.
    """

    def __init__(self, path: str) -> None:
        self.root = os.path.realpath(os.path.expanduser(path))
        os.makedirs(self.root, exist_ok=True)
        self._state = os.path.join(self.root, STATE)
        self.stage = os.path.join(self._state, "stage")
        self._bases = os.path.join(self._state, "bases")
        os.makedirs(self._bases, mode=0o700, exist_ok=True)
        _hidden_from_git(self._state)
        # Open for as long as this process lives: its end is the lock's.
        lock = os.open(os.path.join(self._state, "lock"), os.O_WRONLY | os.O_CREAT, 0o600)
        _lock(lock, path)
        self._remembered: dict[str, dict[str, Any]] = {}  # file to path to row
        self._digests = survey.Digests(os.path.join(self._state, "digests"))

    def hello(self) -> dict[str, Any]:
        """What it is: its real path, its disk's ways, and whether git has a say and is there."""
        return {
            "root": self.root,
            "caseless": self._caseless(),
            "git": shutil.which("git") is not None,
            "repository": within_repository(self.root),
        }

    def rsync(self) -> str:
        """What rsync says of itself in its first line, nothing when it is not there."""
        try:
            done = subprocess.run(["rsync", "--version"], capture_output=True, check=False)
        except OSError:
            return ""
        return done.stdout.decode("utf-8", "replace").partition("\n")[0]

    def known(self, peer: str) -> list[str]:
        """The names of what is remembered of the last carries with a peer, newest first."""
        names = (file.partition("-")[2] for file in self._kept(peer))
        return [name for name in names if self._read(peer, name) is not None]

    def base(self, peer: str, name: str) -> list[Any]:
        """The rows that are remembered under a name."""
        return list(self._base(peer, name).values())

    def ignore(self) -> list[str]:
        """The texts that say what is ignored, as far as git does not read them on both sides."""
        return [self._text(name) for name in IGNORE_FILES[is_repository(self.root) :]]

    def survey(self, peer: str, name: str, rules: Any, defaults: Any) -> dict[str, Any]:
        """What belongs to it, as far as it is not what is remembered under a name.

        Returns:
            {"rows": new or other, "gone": paths, "left": paths that cannot be carried,
            "hidden": those of the gone ones that are there, but are not listed any more}.
        """
        listing = Listing(self.root, rules, defaults)
        found, left = survey.rows(self.root, listing.paths(), self._digests)
        self._digests.write()
        base = self._base(peer, name)
        gone = base.keys() - {row[1] for row in found}
        hidden = [path for path in gone if base[path][0] != "d" and self._there(path)]
        return {
            "rows": [row for row in found if base.get(row[1]) != row],
            "gone": sorted(gone),
            "left": left,
            "hidden": sorted(hidden),
        }

    def digests(self, paths: Sequence[str]) -> list[Any]:
        """Rows with digests, however large the files are."""
        return survey.rows(self.root, paths, self._digests, below=None)[0]

    def changed(self, wanted: Sequence[Any]) -> list[str]:
        """Those of [path, mode, size, mtime_ns] that are not so any more."""
        return [each[0] for each in wanted if not _is(os.path.join(self.root, each[0]), each)]

    def pack(self, wanted: Sequence[Any], send: Callable[[bytes], object]) -> list[str]:
        """See segments.pack."""
        return segments.pack(self.root, wanted, send)

    def make_stage(self, wanted: Sequence[Any]) -> dict[str, Any]:
        """Makes room for what comes.

        Args:
            wanted: [path, mode, size, mtime_ns] each.

        Returns:
            {"whole": what of it has come already, "free": bytes of the disk}.
        """
        by_path = {each[0]: each for each in wanted}
        whole = []
        for folder, _, names in os.walk(self.stage):
            if os.path.basename(folder) == _PARTS:
                continue
            for name in names:
                full = os.path.join(folder, name)
                path = os.path.relpath(full, self.stage)
                if path in by_path and _is(full, by_path[path]):
                    whole.append(path)
                else:
                    os.unlink(full)
        os.makedirs(self.stage, mode=0o700, exist_ok=True)
        space = os.statvfs(self.stage)
        return {"whole": whole, "free": space.f_bavail * space.f_frsize}

    def unpack(self, wanted: Sequence[Any], read: Callable[[int], bytes]) -> None:
        """See segments.unpack; into the stage."""
        segments.unpack(self.stage, wanted, read)

    def drop_stage(self) -> None:
        """Gives back what half a carry takes."""
        shutil.rmtree(self.stage, ignore_errors=True)

    def settle(self, steps: dict[str, Any], stamp: str) -> list[list[str]]:
        """See Settlement; displaced files go into a folder of the trash named by the stamp."""
        trash = os.path.join(self.root, TRASH, stamp)
        left = Settlement(self.root, self.stage, trash).do(steps)
        if os.path.isdir(os.path.join(self.root, TRASH)):
            _hidden_from_git(os.path.join(self.root, TRASH))
        return left

    def keep(self, peer: str, name: str, since: str, rows: Any, gone: Any) -> None:
        """Remembers what both sides are now under a new name; the last time's is kept too.

        The two sides cannot remember in one step: they compare by what both of them know.

        Args:
            since: the name of what `rows` and `gone` are the difference to.
        """
        base = dict(self._base(peer, since))
        base.update((row[1], row) for row in rows)
        for path in gone:
            base.pop(path, None)
        kept = self._kept(peer)
        number = int(kept[0].partition("-")[0]) + 1 if kept else 1
        path = os.path.join(self._peer(peer), f"{number:08d}-{name}")
        os.makedirs(self._peer(peer), exist_ok=True)
        survey.write_json(path, list(base.values()))
        self._remembered[path] = base
        for old in kept[1:]:
            os.unlink(os.path.join(self._peer(peer), old))
        self.drop_stage()

    def _base(self, peer: str, name: str) -> dict[str, Any]:
        """Path to row; nothing when it is not remembered."""
        return self._read(peer, name) or {}

    def _read(self, peer: str, name: str) -> dict[str, Any] | None:
        """Path to row; None when it is not remembered, or cannot be read."""
        file = next((each for each in self._kept(peer) if each.partition("-")[2] == name), "none")
        path = os.path.join(self._peer(peer), file)
        if path not in self._remembered:
            try:
                with open(path, encoding="ascii") as content:
                    self._remembered[path] = {row[1]: row for row in json.load(content)}
            except (OSError, ValueError, TypeError, IndexError):
                return None
        return self._remembered[path]

    def _kept(self, peer: str) -> list[str]:
        """The files of what is remembered, newest first."""
        try:
            files = os.listdir(self._peer(peer))
        except OSError:
            return []
        return sorted((file for file in files if not file.endswith(".part")), reverse=True)

    def _peer(self, peer: str) -> str:
        return os.path.join(self._bases, peer.encode("utf-8", "surrogateescape").hex())

    def _there(self, path: str) -> bool:
        """Whether there is something, or something that cannot be looked at."""
        try:
            os.lstat(os.path.join(self.root, path))
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:
            return True
        return True

    def _text(self, name: str) -> str:
        try:
            with open(os.path.join(self.root, name), encoding="utf-8", errors="replace") as file:
                return file.read()
        except OSError:
            return ""

    def _caseless(self) -> bool:
        return os.path.lexists(os.path.join(self._state, "LOCK"))


def _lock(number: int, path: str) -> None:
    """One that was cancelled just now may need a moment to end."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise Busy(path) from None
            time.sleep(0.02)


def _is(full: str, wanted: Sequence[Any]) -> bool:
    try:
        status = os.lstat(full)
    except OSError:
        return False
    return status.st_size == wanted[2] and survey.same_time(status.st_mtime_ns, wanted[3])


def _hidden_from_git(folder: str) -> None:
    path = os.path.join(folder, ".gitignore")
    if not os.path.exists(path):
        with open(path, "w", encoding="ascii") as file:
            file.write("*\n")
