"""The registrar answers the calls that the relay takes itself: who is let in, and as what.

    relay.invite   {role, expires?, name?}  -> {invite, code, id, role, expires}
    relay.invites  {}                       -> {invites: [{id, role, name, expires, by, state}]}
    relay.revoke   {id}                     -> {id, state}
    relay.role     {id, role}               -> {id, role}

Owners and hosts alone may make them (`access.authorize`), each about its own studio.
"""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from relay_server import invites
from relay_server.calls import refusal
from relay_server.errors import AccessDenied, BadSetting, RelayError
from relay_server.keys import FOREVER
from relay_server.member import display_name
from relay_server.wire import Call, Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from relay_server.audit import Audit
    from relay_server.invites import Invite, InviteBook
    from relay_server.keys import Keys

SHIFT: Final = 8 * 3600.0  # seconds an invite is good for unless told

# Whom a role may let in, and whose role it may change or end.
_LETS_IN: Final[dict[str, frozenset[str]]] = {
    "owner": frozenset(("owner", "editor", "viewer")),
    "host": frozenset(("editor", "viewer")),
}


@dataclass(frozen=True, slots=True)
class Asker:
    """Who calls.

    Attributes:
        room: the room that it calls in; what it does is about this room and those below.
        url: the relay's, as the caller reaches it.
        expires: of its own token, Unix time in seconds; nobody lets others in for longer.
    """

    room: str
    connection: int
    name: str
    role: str
    expires: float
    url: str


class Registrar:
    """Keeps the book of invites. Its methods wait for the disk: call them off the event loop.

    Args:
        keys: mints and revokes tokens.
        book: the invites.
        audit: is told of everything.
        clock: Unix time in seconds.
    """

    def __init__(
        self,
        keys: Keys,
        book: InviteBook,
        audit: Audit,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._keys = keys
        self._book = book
        self._audit = audit
        self._clock = clock
        self._methods: dict[str, Callable[[Asker, dict[str, Any]], dict[str, object]]] = {
            "relay.invite": self._invite,
            "relay.invites": self._invites,
            "relay.revoke": self._revoke,
            "relay.role": self._role,
        }

    def exchange(self, code: str, room: str, source: str) -> str:
        """The token for an invite's code, which is used up by it.

        Args:
            code: what follows "#" in the invite.
            room: the studio that the invite names.
            source: the address that it comes from.

        Raises:
            AccessDenied: not an invite to that studio, used already, expired or revoked.
            StoreFailed: the book cannot be written.
        """
        try:
            token, invite = self._exchange(code, room)
        except RelayError as error:
            self._audit.note("invite refused", room=room, source=source, reason=error.message)
            raise
        self._audit.note("invite used", id=invite.id, room=room, role=invite.role, source=source)
        return token

    def _exchange(self, code: str, room: str) -> tuple[str, Invite]:
        invite = self._book.find(code)
        if invite.room not in ("*", room):
            raise AccessDenied("the invite is for another studio", "ask for a new one")
        if self._keys.revoked(invite.id):
            raise AccessDenied("the invite was revoked", "ask for a new one")
        invite = self._book.redeem(code)
        token = self._keys.mint(
            room=invite.room,
            role=invite.role,
            name=invite.name,
            expires=max(invite.expires - self._clock(), 1),
            id=invite.id,
        )
        return token, invite

    def answer(self, asker: Asker, call: Call) -> Reply:
        """The reply to a call whose method begins with "relay."; it may say no."""
        try:
            method = self._methods.get(call.method)
            if method is None:
                raise BadSetting(f"no such call: {call.method}", "is the relay older than you?")
            result = method(asker, _params(call.params))
        except RelayError as error:
            code = "refused" if isinstance(error, AccessDenied) else error.exit_code
            return refusal(call.call_id, code, error.message, error.hint)
        return Reply(call.call_id, True, json.dumps(result).encode())

    def _invite(self, asker: Asker, params: dict[str, Any]) -> dict[str, object]:
        role, name = params.get("role"), params.get("name")
        expires = params.get("expires", SHIFT)
        if not isinstance(role, str) or not isinstance(name, str | None):
            raise BadSetting("an invite has a role and perhaps a name", "--role editor")
        if isinstance(expires, bool) or not isinstance(expires, int | float):
            raise BadSetting("expires is a number of seconds", "--expires 8h")
        if not math.isfinite(expires):
            raise BadSetting("expires is a number of seconds", "--expires 8h")
        _check_may(asker, role)
        invite, code = self._book.make(
            room=asker.room,
            role=role,
            expires=min(expires, asker.expires - self._clock(), FOREVER),
            name=display_name(name or "") or None,
            by=asker.name,
        )
        self._note("invite made", asker, id=invite.id, role=role, expires=int(invite.expires))
        return {
            "invite": invites.link(asker.url, asker.room, code),
            "code": code,
            "id": invite.id,
            "role": role,
            "expires": int(invite.expires),
        }

    def _invites(self, asker: Asker, params: dict[str, Any]) -> dict[str, object]:
        found = [self.told(i) for i in self._book.all() if i.room == asker.room]
        return {"invites": found}

    def _revoke(self, asker: Asker, params: dict[str, Any]) -> dict[str, object]:
        invite = self._own(asker, params)
        self._keys.revoke(invite.id)
        self._note("revoked", asker, id=invite.id)
        return {"id": invite.id, "state": "revoked"}

    def _role(self, asker: Asker, params: dict[str, Any]) -> dict[str, object]:
        invite, role = self._own(asker, params), params.get("role")
        if not isinstance(role, str):
            raise BadSetting("the role is missing", "owner, editor or viewer")
        _check_may(asker, role)
        self._keys.change_role(invite.id, role)
        self._note("role changed", asker, id=invite.id, role=role)
        return {"id": invite.id, "role": role}

    def told(self, invite: Invite) -> dict[str, object]:
        """An invite as lists show it."""
        return {
            "id": invite.id,
            "role": self._keys.role(invite.id) or invite.role,
            "name": invite.name,
            "expires": int(invite.expires),
            "by": invite.by,
            "state": self._state(invite),
        }

    def _state(self, invite: Invite) -> str:
        if self._keys.revoked(invite.id):
            return "revoked"
        if invite.expires <= self._clock():
            return "expired"
        return "used" if invite.used else "open"

    def _own(self, asker: Asker, params: dict[str, Any]) -> Invite:
        """The invite that a call is about: one of the caller's studio, not above its role."""
        id = params.get("id")
        invite = self._book.get(id) if isinstance(id, str) else None
        if invite is None or invite.room != asker.room:
            raise Unknown("this studio has no invite with that id", "studio-tui share lists them")
        _check_may(asker, self._keys.role(invite.id) or invite.role)
        return invite

    def _note(self, event: str, asker: Asker, **what: object) -> None:
        self._audit.note(
            event, room=asker.room, connection=asker.connection, name=asker.name, **what
        )


class Unknown(RelayError):
    """A call about something that is not there."""

    exit_code = 3


def _check_may(asker: Asker, role: str) -> None:
    if role not in _LETS_IN.get(asker.role, frozenset()):
        raise AccessDenied(
            f"the role {asker.role} cannot give or take the role {role}",
            "an owner gives owner, editor or viewer; a host editor or viewer",
        )


def _params(body: bytes) -> dict[str, Any]:
    try:
        params = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        params = None
    if not isinstance(params, dict):
        raise BadSetting("the call's parameters are not a JSON object", "update the client")
    return params
