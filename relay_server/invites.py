"""Invites: one-time codes, each exchanged once for a token, kept in a file beside the key.

The relay and the commands share the file: JSON lines that are only ever added to, under a lock. It
holds the digest of a code, never the code. An invite and the token that it is exchanged for have
one id, so revoking that ends both, and both end at the same time.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from relay_server.access import check_role
from relay_server.errors import AccessDenied, BadSetting, StoreFailed
from relay_server.keys import new_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PREFIX: Final = "invite:"  # of a Token message's token that is a code
CODE_BYTES: Final = 16
MAX_OPEN: Final = 1000  # of one studio


@dataclass(frozen=True, slots=True)
class Invite:
    """One invite, without its code.

    Attributes:
        id: its id, and that of the token it is exchanged for.
        room: prefix of the rooms that the token will be good for.
        role: one of `access.ROLES`.
        name: the name that the token will pin, or None.
        expires: Unix time in seconds; the token ends then, too.
        by: who made it, for others to see.
        digest: of its code.
        used: whether it was exchanged.
    """

    id: str
    room: str
    role: str
    name: str | None
    expires: float
    by: str
    digest: str
    used: bool = False


class InviteBook:
    """All invites of a relay. Its methods may be called from any thread; they wait for the disk.

    Args:
        path: the file, made with mode 0600 at the first invite; None keeps them in memory.
        clock: Unix time in seconds.
    """

    def __init__(self, path: Path | None, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._invites: dict[str, Invite] = {}
        self._ids: dict[str, str] = {}  # digest -> id
        self._read_to = 0

    @classmethod
    def beside(cls, key_path: Path | None) -> InviteBook:
        """The book of the relay with this key file."""
        return cls(None if key_path is None else key_path.with_name(key_path.name + ".invites"))

    def make(
        self, *, room: str, role: str, expires: float, name: str | None = None, by: str = ""
    ) -> tuple[Invite, str]:
        """A new invite and its code.

        Args:
            room: prefix of the rooms that it opens.
            role: one of `access.ROLES`.
            expires: seconds from now.
            name: pins the guest's name.
            by: who makes it.

        Raises:
            BadSetting: no such role, no room, an expiry that is not ahead, or too many invites.
            StoreFailed: the file cannot be written.
        """
        check_role(role)
        if not room or expires <= 0:
            raise BadSetting("an invite needs a studio and an expiry ahead", "--expires 8h")
        code = secrets.token_urlsafe(CODE_BYTES)
        ends = self._clock() + expires
        invite = Invite(new_id(), room.rstrip("/"), role, name, ends, by, _digest(code))
        line: dict[str, object] = {
            "made": invite.id,
            "room": invite.room,
            "role": role,
            "name": name,
            "expires": ends,
            "by": by,
            "digest": invite.digest,
        }
        with self._locked() as file:
            if sum(self._is_open(i) for i in self._invites.values() if i.room == room) >= MAX_OPEN:
                raise BadSetting(f"{MAX_OPEN} invites are open", "revoke some: studio-relay revoke")
            self._add(file, line)
        return invite, code

    def find(self, code: str) -> Invite:
        """The invite with this code. Raises AccessDenied when there is none."""
        with self._locked():
            return self._find(code)

    def redeem(self, code: str) -> Invite:
        """Uses an invite up.

        Raises:
            AccessDenied: no such invite, used already, or expired.
            StoreFailed: the file cannot be written, and the invite is as good as before.
        """
        with self._locked() as file:
            invite = self._find(code)
            if invite.used:
                raise AccessDenied("the invite was used already", "ask for a new one")
            if invite.expires <= self._clock():
                raise AccessDenied("the invite has expired", "ask for a new one")
            self._add(file, {"used": invite.id})
            return self._invites[invite.id]

    def get(self, id: str) -> Invite | None:
        """The invite with this id."""
        with self._locked():
            return self._invites.get(id)

    def all(self) -> list[Invite]:
        """Every invite, oldest first, those that are over included."""
        with self._locked():
            return list(self._invites.values())

    # ------------------------------------------------------------ the file

    def _find(self, code: str) -> Invite:
        id = self._ids.get(_digest(code))
        if id is None:
            raise AccessDenied("the invite is not valid here", "ask for a new one")
        return self._invites[id]

    def _is_open(self, invite: Invite) -> bool:
        return not invite.used and invite.expires > self._clock()

    @contextlib.contextmanager
    def _locked(self) -> Iterator[int | None]:
        """Nobody else reads or writes, and what they wrote before is known."""
        with self._lock:
            if self._path is None:
                yield None
                return
            try:
                file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            except OSError as error:
                raise _failed(self._path, error) from error
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                self._catch_up(file)
                yield file
            finally:
                os.close(file)

    def _catch_up(self, file: int) -> None:
        size = os.fstat(file).st_size
        if size < self._read_to:  # another file, put there by hand
            self._invites, self._ids, self._read_to = {}, {}, 0
        data = os.pread(file, size - self._read_to, self._read_to)
        whole = data.rfind(b"\n") + 1
        self._read_to += whole
        for line in data[:whole].splitlines():
            self._take(line)

    def _take(self, line: bytes) -> None:
        """Reads one line; one that a crash or a hand left broken says nothing."""
        try:
            said = json.loads(line)
            if "used" in said:
                id = said["used"]
                self._invites[id] = replace(self._invites[id], used=True)
                return
            texts = [str(said[key]) for key in ("made", "room", "role", "by", "digest")]
            name = None if said["name"] is None else str(said["name"])
            id, room, role, by, digest = texts
            invite = Invite(id, room, role, name, float(said["expires"]), by, digest)
        except (ValueError, KeyError, TypeError):
            return
        self._invites[invite.id] = invite
        self._ids[invite.digest] = invite.id

    def _add(self, file: int | None, said: dict[str, object]) -> None:
        line = json.dumps(said).encode() + b"\n"
        if file is None or self._path is None:
            self._take(line)
            return
        size = os.fstat(file).st_size
        # After a torn line, ours begins on one of its own.
        data = line if size == self._read_to else b"\n" + line
        try:
            if os.write(file, data) != len(data):
                raise OSError("no space left")
            os.fsync(file)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(file, size)
            raise _failed(self._path, error) from error
        self._catch_up(file)


def link(relay: str, studio: str, code: str) -> str:
    """An invite as people pass it on: the code is a fragment, which no program sends or logs."""
    return f"{relay.rstrip('/')}/{quote(studio)}#{code}"


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode(errors="replace")).hexdigest()


def _failed(path: Path, error: OSError) -> StoreFailed:
    return StoreFailed(f"{path} cannot be written: {error}", "look at its disk and its owner")
