"""The registrar does what the caller's role allows, for its own studio."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from relay_server.access import ROLES
from relay_server.audit import Audit
from relay_server.errors import AccessDenied
from relay_server.invites import InviteBook
from relay_server.keys import Keys
from relay_server.registrar import Asker, Registrar
from relay_server.wire import Call

NOW = time.time()


class Desk:
    """A registrar, and somebody who asks it."""

    def __init__(self, folder: Path) -> None:
        self.keys = Keys.load(None)
        self.book = InviteBook(None)
        self.log = folder / "audit"
        self.registrar = Registrar(self.keys, self.book, Audit(self.log))

    def ask(
        self,
        method: str,
        params: dict[str, object] | bytes,
        role: str = "owner",
        room: str = "calm-otter",
    ) -> tuple[bool, dict[str, Any]]:
        asker = Asker(room, 7, "Ann", role, NOW + 3600, "wss://relay.example")
        body = params if isinstance(params, bytes) else json.dumps(params).encode()
        reply = self.registrar.answer(asker, Call(3, method, body, True))
        assert reply.call_id == 3
        return reply.ok, json.loads(reply.body)

    def events(self) -> list[str]:
        return [json.loads(line)["event"] for line in self.log.read_text().splitlines()]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_an_invite_becomes_a_token(desk: Desk) -> None:
    ok, made = desk.ask("relay.invite", {"role": "editor", "expires": 60})
    assert ok
    assert made["invite"] == f"wss://relay.example/calm-otter#{made['code']}"
    assert NOW + 58 <= made["expires"] <= time.time() + 60
    token = desk.registrar.exchange(made["code"], "calm-otter", "10.0.0.1")
    grant = desk.keys.verify(token)
    assert (grant.room, grant.role, grant.jti) == ("calm-otter", "editor", made["id"])
    assert abs(grant.expires - made["expires"]) <= 2
    with pytest.raises(AccessDenied, match="used"):
        desk.registrar.exchange(made["code"], "calm-otter", "10.0.0.1")
    assert desk.events() == ["invite made", "invite used", "invite refused"]
    assert made["code"] not in desk.log.read_text()
    assert token not in desk.log.read_text()


def test_an_invite_opens_its_own_studio_alone(desk: Desk) -> None:
    _, made = desk.ask("relay.invite", {"role": "viewer"})
    with pytest.raises(AccessDenied, match="another studio"):
        desk.registrar.exchange(made["code"], "other", "")
    _, code = desk.book.make(room="*", role="viewer", expires=60)
    assert desk.keys.verify(desk.registrar.exchange(code, "any", "")).room == "*"


def test_a_guest_stays_no_longer_than_who_let_it_in(desk: Desk) -> None:
    _, made = desk.ask("relay.invite", {"role": "viewer", "expires": 1e9})
    assert made["expires"] <= NOW + 3600
    _, made = desk.ask("relay.invite", {"role": "viewer"})
    assert made["expires"] <= NOW + 3600


def test_revoked_before_it_was_used(desk: Desk) -> None:
    _, made = desk.ask("relay.invite", {"role": "viewer"})
    assert desk.ask("relay.revoke", {"id": made["id"]}) == (
        True,
        {"id": made["id"], "state": "revoked"},
    )
    with pytest.raises(AccessDenied, match="revoked"):
        desk.registrar.exchange(made["code"], "calm-otter", "")
    assert desk.events()[-2:] == ["revoked", "invite refused"]


def test_revoked_after_it_was_used(desk: Desk) -> None:
    _, made = desk.ask("relay.invite", {"role": "viewer"})
    token = desk.registrar.exchange(made["code"], "calm-otter", "")
    desk.ask("relay.revoke", {"id": made["id"]})
    with pytest.raises(AccessDenied, match="revoked"):
        desk.keys.verify(token)


def test_a_role_is_changed_before_and_after(desk: Desk) -> None:
    _, made = desk.ask("relay.invite", {"role": "editor"})
    assert desk.ask("relay.role", {"id": made["id"], "role": "viewer"})[0]
    token = desk.registrar.exchange(made["code"], "calm-otter", "")
    assert desk.keys.verify(token).role == "viewer"
    desk.ask("relay.role", {"id": made["id"], "role": "owner"})
    assert desk.keys.verify(token).role == "owner"


def test_the_list_says_how_each_is(desk: Desk) -> None:
    ids = {}
    for state in ("open", "used", "revoked", "changed"):
        _, made = desk.ask("relay.invite", {"role": "viewer", "name": state})
        ids[state] = made["id"]
        if state == "used":
            desk.registrar.exchange(made["code"], "calm-otter", "")
    desk.ask("relay.revoke", {"id": ids["revoked"]})
    desk.ask("relay.role", {"id": ids["changed"], "role": "editor"})
    desk.ask("relay.invite", {"role": "viewer"}, room="other")
    ok, told = desk.ask("relay.invites", b"")
    assert ok
    listed = {i["name"]: (i["id"], i["state"], i["role"], i["by"]) for i in told["invites"]}
    assert listed == {
        "open": (ids["open"], "open", "viewer", "Ann"),
        "used": (ids["used"], "used", "viewer", "Ann"),
        "revoked": (ids["revoked"], "revoked", "viewer", "Ann"),
        "changed": (ids["changed"], "open", "editor", "Ann"),
    }
    assert not any("code" in i or "digest" in i for i in told["invites"])


MAY = {"owner": {"owner", "editor", "viewer"}, "host": {"editor", "viewer"}}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("guest", [*ROLES, "root"])
def test_who_may_let_in_whom(desk: Desk, role: str, guest: str) -> None:
    allowed = guest in MAY.get(role, set())
    ok, told = desk.ask("relay.invite", {"role": guest}, role)
    assert ok == allowed
    assert ok or told["code"] == "refused"
    if guest in ROLES:
        invite, _ = desk.book.make(room="calm-otter", role=guest, expires=60)
        assert desk.ask("relay.role", {"id": invite.id, "role": "viewer"}, role)[0] == allowed
        invite, _ = desk.book.make(room="calm-otter", role=guest, expires=60)
        assert desk.ask("relay.revoke", {"id": invite.id}, role)[0] == allowed
        assert desk.keys.revoked(invite.id) == allowed


def test_nobody_reaches_into_another_studio(desk: Desk) -> None:
    _, made = desk.ask("relay.invite", {"role": "viewer"}, room="other")
    for method, more in (("relay.revoke", {}), ("relay.role", {"role": "editor"})):
        ok, told = desk.ask(method, {"id": made["id"], **more})
        assert (ok, told["code"]) == (False, 3)
    assert not desk.keys.revoked(made["id"])


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("relay.fly", {}),
        ("relay.", {}),
        ("relay.invite", {}),
        ("relay.invite", {"role": 7}),
        ("relay.invite", {"role": "viewer", "name": 7}),
        ("relay.invite", {"role": "viewer", "expires": "8h"}),
        ("relay.invite", {"role": "viewer", "expires": True}),
        ("relay.invite", {"role": "viewer", "expires": 0}),
        ("relay.invite", {"role": "viewer", "expires": -1}),
        ("relay.invite", b'{"role": "viewer", "expires": 1e999}'),
        ("relay.invite", b'{"role": "viewer", "expires": NaN}'),
        ("relay.invite", b"[]"),
        ("relay.invite", b"{"),
        ("relay.invite", b"[" * 100_000),
        ("relay.invite", b"\xff"),
    ],
)
def test_what_makes_no_sense_is_an_error(
    desk: Desk, method: str, params: dict[str, object] | bytes
) -> None:
    ok, told = desk.ask(method, params)
    assert (ok, told["code"]) == (False, 2)
    assert told["message"]
    assert desk.book.all() == []


def test_a_name_is_made_fit_to_show(desk: Desk) -> None:
    _, made = desk.ask("relay.invite", {"role": "viewer", "name": " A\x1b[31mnn\n" + "x" * 99})
    invite = desk.book.get(made["id"])
    assert invite is not None
    assert invite.name is not None
    assert invite.name.startswith("A[31mnnxxx")
    assert len(invite.name) == 80
