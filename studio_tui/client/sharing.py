"""Letting people into a studio: making invites, listing them, ending what they gave."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from studio_tui.client.answer import Answer

if TYPE_CHECKING:
    from studio_tui.client.services import Services

SHIFT = 8 * 3600.0
"""Seconds that an invite is good for unless told otherwise."""


@dataclass(frozen=True)
class Invitation:
    """A new invite.

    Attributes:
        invite: the line to pass on; whoever has it gets in, once.
        role: "viewer" or "editor".
        expires: when the invite ends, and what it gave, in seconds since 1970.
        id: by which it is revoked.
    """

    invite: str = field(repr=False)
    role: str
    expires: int
    id: str


class Guests:
    """Who is let into a studio, by its owner: invites, and what they gave.

    Args:
        studio: the studio.
    """

    def __init__(self, studio: Services) -> None:
        self._studio = studio

    async def invite(
        self, role: str = "viewer", expires: float = SHIFT, name: str | None = None
    ) -> Invitation:
        """A new invite to the studio.

        Args:
            role: what the guest will be.
            expires: seconds from now; the relay shortens it to what our own token has left.
            name: what the guest is called; None lets the guest choose.

        Raises:
            Refused: this user owns nothing here.
            StudioError: the relay's own error.
        """
        params: dict[str, Any] = {"role": role, "expires": expires}
        if name is not None:
            params["name"] = name
        made = Answer("relay.invite", await self._studio.command("relay.invite", **params))
        line, id = made.text("invite"), made.text("id")
        return Invitation(line, made.text("role"), made.count("expires"), id)

    async def invites(self) -> list[dict[str, Any]]:
        """Every invite to the studio, oldest first: {id, role, name, expires, by, state}.

        `state` is "open", "used", "expired" or "revoked"; raises as `invite` does.
        """
        told = Answer("relay.invites", await self._studio.command("relay.invites"))
        listed = [
            Answer("relay.invites", item) for item in told.items("invites") if type(item) is dict
        ]
        return [
            {
                "id": item.text("id"),
                "role": item.text("role"),
                "name": item.values.get("name"),
                "expires": item.count("expires"),
                "by": item.text("by"),
                "state": item.text("state"),
            }
            for item in listed
        ]

    async def revoke(self, id: str) -> None:
        """End an invite, and the stay of who came with it, within a second.

        Raises:
            NotFound: the studio has no such invite.
            Refused: this user owns nothing here.
        """
        await self._studio.command("relay.revoke", id=id)
