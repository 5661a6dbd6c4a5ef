"""Invites to a studio: who may make them, what they say, how they end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from studio_tui.client import sharing
from studio_tui.client.invite import read_invite
from studio_tui.client.locate import redeem
from studio_tui.errors import NotFound, Refused, StudioError

if TYPE_CHECKING:
    from .conftest import Stage


async def test_an_invite_is_made_listed_and_revoked(stage: Stage) -> None:
    owner = await stage.attach("owen")
    made = await owner.guests.invite("editor", 60, "bob")
    assert made.invite.startswith(f"{stage.relay.url}/{stage.id}#")
    assert made.role == "editor"
    assert time.time() < made.expires <= time.time() + 61
    assert made.invite not in repr(made)
    listed = {"id": made.id, "role": "editor", "name": "bob", "expires": made.expires, "by": "owen"}
    assert await owner.guests.invites() == [{**listed, "state": "open"}]
    await redeem(read_invite(made.invite))
    assert await owner.guests.invites() == [{**listed, "state": "used"}]
    await owner.guests.revoke(made.id)
    assert await owner.guests.invites() == [{**listed, "state": "revoked"}]
    with pytest.raises(NotFound, match="no invite with that id"):
        await owner.guests.revoke("0" * 12)


async def test_a_guest_looks_for_a_shift_unless_told(stage: Stage) -> None:
    made = await (await stage.attach("owen")).guests.invite()
    assert made.role == "viewer"
    assert 0 < made.expires - time.time() <= sharing.SHIFT + 1


@pytest.mark.parametrize("role", ["editor", "viewer"])
async def test_a_guest_lets_nobody_in(role: str, stage: Stage) -> None:
    guest = await stage.attach("bob", role)
    for asked in (guest.guests.invite(), guest.guests.invites(), guest.guests.revoke("0" * 12)):
        with pytest.raises(Refused):
            await asked


async def test_an_answer_that_makes_no_sense_is_an_error() -> None:
    class Odd:
        async def command(self, method: str, **params: Any) -> dict[str, Any]:
            return {"invite": 7, "invites": [{"id": 7}]}

    guests = sharing.Guests(Odd())  # type: ignore[arg-type]
    for asked in (guests.invite(), guests.invites()):
        with pytest.raises(StudioError, match="makes no sense"):
            await asked
