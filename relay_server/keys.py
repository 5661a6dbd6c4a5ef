"""Keys: tokens are made, read, revoked and given other roles by them.

A token is a JWT signed with Ed25519 (EdDSA). It names rooms by a prefix ("calm-otter" is that room
and every room below it, "*" is all), a role, an expiry and an id that can be revoked.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from relay_server.access import ROLES, Grant, check_role
from relay_server.errors import AccessDenied, BadSetting, RoleChanged, StoreFailed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

AUDIENCE: Final = "studio-relay"
FOREVER: Final = 10 * 365 * 86400  # seconds


class Keys:
    """The relay's signing key, and what became of tokens since they were made.

    Args:
        private: the key.
        revoked_path: file shared with other processes, one line per change: `ID` is a token that
            was revoked, `ID ROLE` one that has another role now; None: memory.
        clock: Unix time in seconds.
    """

    def __init__(
        self,
        private: Ed25519PrivateKey,
        revoked_path: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._private = private
        self._public = private.public_key()
        self._revoked_path = revoked_path
        self._revoked_stamp = 0
        self._revoked: set[str] = set()
        self._roles: dict[str, str] = {}  # token id -> the role it has now
        self._verified: dict[str, Grant] = {}
        self._clock = clock
        self.refresh()

    @classmethod
    def load(cls, path: Path | None, clock: Callable[[], float] = time.time) -> Keys:
        """Reads the key at `path`, which is created (mode 0600) when missing.

        Args:
            path: PEM file; None makes a key that lives in memory.
            clock: Unix time in seconds.

        Raises:
            BadSetting: the file is readable by others, or holds no Ed25519 key.
        """
        if path is None:
            return cls(Ed25519PrivateKey.generate(), None, clock)
        try:
            pem = path.read_bytes() if path.exists() else _create_key(path)
            if path.stat().st_mode & 0o077:
                raise BadSetting(f"key file {path} can be read by others", f"chmod 600 {path}")
            private = serialization.load_pem_private_key(pem, None)
        except (OSError, ValueError, TypeError) as error:
            raise BadSetting(
                f"key file {path} cannot be used: {error}", "give another file with --key"
            ) from error
        if not isinstance(private, Ed25519PrivateKey):
            raise BadSetting(f"key file {path} holds no Ed25519 key", "give another with --key")
        return cls(private, path.with_name(path.name + ".revoked"), clock)

    def mint(
        self,
        *,
        room: str,
        role: str,
        name: str | None = None,
        expires: float = FOREVER,
        id: str | None = None,
    ) -> str:
        """A token.

        Args:
            room: prefix of the rooms it is good for, "*" for all.
            role: one of `ROLES`.
            name: pins the person's name; None lets the client choose one.
            expires: seconds from now.
            id: by which it can be revoked; None makes one.

        Raises:
            BadSetting: no such role, no room, or an expiry that is not ahead.
        """
        check_role(role)
        if not room or expires <= 0:
            raise BadSetting("a token needs a room and an expiry ahead", "--expires 8h")
        now = self._clock()
        claims: dict[str, object] = {
            "v": 1,
            "aud": AUDIENCE,
            "room": room.rstrip("/"),
            "role": role,
            "iat": int(now),
            "exp": int(now + expires) or 1,
            "jti": id or new_id(),
        }
        if name:
            claims["sub"] = name
        return jwt.encode(claims, self._private, algorithm="EdDSA")

    def verify(self, token: str) -> Grant:
        """What a token allows now.

        Raises:
            AccessDenied: not ours, malformed, expired or revoked.
        """
        grant = self._verified.get(token)
        if grant is None:
            grant = self._read(token)
            if len(self._verified) >= 1024:
                self._verified.clear()
            self._verified[token] = grant
        role = self._roles.get(grant.jti)
        if role is not None:
            grant = replace(grant, role=role)
        self.check(grant)
        return grant

    def check(self, grant: Grant) -> None:
        """Refuses a grant that is over.

        Raises:
            AccessDenied: expired or revoked.
            RoleChanged: good, but not for that role any more.
        """
        if grant.expires <= self._clock():
            raise AccessDenied("the token has expired", "ask the studio's owner for a new one")
        if grant.jti in self._revoked:
            raise AccessDenied("the token was revoked", "ask the studio's owner for a new one")
        if self._roles.get(grant.jti, grant.role) != grant.role:
            raise RoleChanged("your role was changed", "it is in force when you are back")

    def revoked(self, id: str) -> bool:
        """Whether a token, or the invite for it, was revoked."""
        return id in self._revoked

    def role(self, id: str) -> str | None:
        """The role that a token was given after it was made."""
        return self._roles.get(id)

    def revoke(self, id: str) -> None:
        """Ends a token by its id; relays that share the key file notice within a second.

        Raises:
            StoreFailed: it could not be written down; it holds in this process all the same.
        """
        check_id(id)
        self._revoked.add(id)
        self._note(id)

    def change_role(self, id: str, role: str) -> None:
        """Gives a token another role, in every relay that shares the key file.

        Raises:
            BadSetting: no such role.
            StoreFailed: it could not be written down; it holds in this process all the same.
        """
        check_id(id)
        check_role(role)
        self._roles[id] = role
        self._note(f"{id} {role}")

    def _note(self, line: str) -> None:
        if self._revoked_path is None:
            return
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        try:
            file = os.open(self._revoked_path, flags, 0o600)
            try:
                os.write(file, f"{line}\n".encode())
                os.fsync(file)
            finally:
                os.close(file)
        except OSError as error:
            raise StoreFailed(
                f"{self._revoked_path} cannot be written: {error}",
                "it holds until the relay ends; make room there and do it again",
            ) from error

    def refresh(self) -> bool:
        """Reads what other processes changed. True when there is something new."""
        if self._revoked_path is None:
            return False
        try:
            stamp = self._revoked_path.stat().st_size
            if stamp == self._revoked_stamp:
                return False
            lines = self._revoked_path.read_text().splitlines()
        except OSError:
            return False
        self._revoked_stamp = stamp
        before = len(self._revoked), dict(self._roles)
        for line in lines:
            id, _, role = line.partition(" ")
            if role in ROLES:
                self._roles[id] = role
            elif id and not role:
                self._revoked.add(id)
        return (len(self._revoked), self._roles) != before

    def _read(self, token: str) -> Grant:
        try:
            claims = jwt.decode(
                token,
                self._public,
                algorithms=["EdDSA"],
                audience=AUDIENCE,
                options={
                    "require": ["exp", "aud", "jti"],
                    # the expiry is checked against the clock that was passed in
                    "verify_exp": False,
                    "verify_iat": False,
                },
            )
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise AccessDenied(
                "the token is not valid here", "ask the studio's owner for a new one"
            ) from error
        return _grant(claims)


def check_id(id: str) -> None:
    """Raises BadSetting when no token can have that id."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", id):
        raise BadSetting("no such id", "studio-relay invites lists them")


def new_id() -> str:
    """A new id for a token; it never begins with "-", which commands take for an option."""
    return secrets.token_hex(6)


def _grant(claims: dict[str, object]) -> Grant:
    room, role, jti = claims.get("room"), claims.get("role"), claims["jti"]
    name, expires = claims.get("sub"), claims["exp"]
    if (
        not isinstance(room, str)
        or not room
        or not isinstance(role, str)
        or role not in ROLES
        or not isinstance(jti, str)
        or not isinstance(expires, int | float)
        or not isinstance(name, str | None)
    ):
        raise AccessDenied("the token lacks a claim", "ask the studio's owner for a new one")
    return Grant(name, role, room, float(expires), jti)


def _create_key(path: Path) -> bytes:
    """Writes a new key, whole or not at all; another process's key wins when it was first."""
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    try:
        os.link(draft, path)
    except FileExistsError:
        pem = path.read_bytes()
    finally:
        draft.unlink()
    return pem
