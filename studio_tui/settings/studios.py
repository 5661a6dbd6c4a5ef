"""The record of this user's studios, and the lock that gives one folder one host.

Layout: `state/studios/<id>/studio.json` is one studio; `state/locks/<hash of folder>.lock` is
held, with flock, by the host that serves the folder, and names its process.
"""

from __future__ import annotations

import difflib
import fcntl
import hashlib
import os
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import TracebackType

from studio_tui.errors import NotFound, StudioError
from studio_tui.settings import joined, paths
from studio_tui.settings.names import valid_id
from studio_tui.settings.private import private_folder, read_json, write_json

ACQUIRE_SECONDS = 1.0
"""How long a host tries for its folder: longer than anyone looks at the lock."""


@dataclass(frozen=True, slots=True)
class StudioRecord:
    """One studio of this user, as its host last wrote it."""

    id: str
    """Two words, such as `calm-otter`; also the name of its room."""

    name: str
    """What people call it."""

    dir: str
    """Absolute path of its folder, symbolic links resolved."""

    relay: str | None
    """URL of the team's relay; None when the host brings its own."""

    url: str
    """URL where the studio is reached now; of the last run when the host is not alive."""

    token_path: str
    """Path of the 0600 file with the owner's token for `url`."""

    pid: int
    """Process id of the host; 0 before its first start."""

    started: float
    """When the host started, in seconds since 1970."""

    @property
    def folder(self) -> Path:
        """The studio's folder."""
        return Path(self.dir)

    def token(self) -> str:
        """Return the owner's token.

        Raises:
            NotFound: the file is gone.
        """
        try:
            return Path(self.token_path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise NotFound(
                f"the token of {self.id} cannot be read: {error.strerror}",
                f"restart it: studio-tui stop {self.id}, then studio-tui open {self.dir}",
            ) from error


def save(record: StudioRecord) -> None:
    """Write the record, in place of an earlier one of the same id."""
    write_json(_file(record.id), asdict(record))


def records() -> list[StudioRecord]:
    """Return this user's studios, the last started first; a damaged record is left out."""
    found = (_read(folder.name) for folder in paths.studios_folder().iterdir() if folder.is_dir())
    return sorted((record for record in found if record), key=lambda r: (-r.started, r.id))


def find(studio: str) -> StudioRecord:
    """Return the studio with this id.

    Raises:
        NotFound: there is none; the hint gives the id of the one nearest by id or by name, of
            those that were joined, too.
    """
    record = _read(studio) if valid_id(studio) else None
    if record:
        return record
    # The last started wins a name that several have, and an id wins over any name.
    visited = {each.id for each in joined.all_joined()}
    if studio in visited:
        hint = "it is stopped where it was opened; to join it again, ask for an invite"
        raise NotFound(f"{studio} is somebody else's studio", hint)
    known = {r.name: r.id for r in reversed(records())} | {r.id: r.id for r in records()}
    known |= {id: id for id in visited}
    close = difflib.get_close_matches(studio, known, n=1)
    hint = (
        f"did you mean {known[close[0]]}?"
        if close
        else ("studio-tui ls shows your studios; into somebody else's an invite leads, ask for one")
    )
    raise NotFound(f"no studio {studio!r}", hint)


def for_folder(folder: Path) -> StudioRecord | None:
    """Return the studio of this folder; None when it has none yet."""
    path = str(folder.expanduser().resolve())
    return next((record for record in records() if record.dir == path), None)


def alive(record: StudioRecord) -> bool:
    """Say whether the record's own host runs: it holds the folder's lock."""
    return host_of(record.folder) == record.pid != 0


def host_of(folder: Path) -> int | None:
    """Return the process id of the host that holds this folder; None when there is none."""
    try:
        file = os.open(_lock_file(folder), os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return int(os.pread(file, 20, 0) or b"0")
    finally:
        os.close(file)
    return None


class HostLock:
    """A folder's lock, held by its host from start to end: a context manager.

    The system gives it back when the process ends, however it ends.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file: int | None = None

    def __enter__(self) -> HostLock:
        """Take the lock.

        Raises:
            StudioError: another host serves the folder.
        """
        file = os.open(_lock_file(self.folder), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        # Whoever asks `host_of` holds the lock for a moment, so one refusal proves nothing.
        end = time.monotonic() + ACQUIRE_SECONDS
        while not _locked(file):
            if time.monotonic() > end:
                os.close(file)
                raise self._served()
            time.sleep(0.02)
        os.ftruncate(file, 0)
        os.pwrite(file, str(os.getpid()).encode(), 0)
        self._file = file
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the lock back."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _served(self) -> StudioError:
        record = for_folder(self.folder)
        return StudioError(
            f"{self.folder} already has a host, process {host_of(self.folder)}",
            f"studio-tui attach {record.id}" if record else "stop that process first",
        )


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _file(studio: str) -> Path:
    return paths.studios_folder() / studio / "studio.json"


def _lock_file(folder: Path) -> Path:
    digest = hashlib.sha256(os.fsencode(folder.expanduser().resolve())).hexdigest()[:24]
    return private_folder(paths.state_folder() / "locks") / f"{digest}.lock"


def _read(studio: str) -> StudioRecord | None:
    """Return the studio's record; None when there is none, or what is there cannot be read."""
    try:
        content = read_json(_file(studio))
        known = {field.name: content[field.name] for field in fields(StudioRecord)}
    except (StudioError, KeyError):
        return None
    return StudioRecord(**known)
