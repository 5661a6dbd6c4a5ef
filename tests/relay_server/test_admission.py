"""Who is let in, over real sockets: invites, revocation, roles, histories, addresses."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from relay_server import wire
from relay_server.admission import admit
from relay_server.errors import AccessDenied
from relay_server.invites import InviteBook
from relay_server.keys import Keys
from relay_server.limits import Limits
from relay_server.serve import Relay, serve
from relay_server.settings import RelaySettings
from relay_server.wire import Ack, Close, Level

Join = Callable[..., Awaitable[Any]]


async def ask(peer: Any, method: str, **params: object) -> wire.Reply:
    await peer.send(wire.Call(5, method, json.dumps(params).encode(), True))
    reply: wire.Reply = await peer.expect(wire.Reply)
    assert reply.call_id == 5
    return reply


async def asked(peer: Any, method: str, **params: object) -> dict[str, Any]:
    reply = await ask(peer, method, **params)
    assert reply.ok, reply.body
    told: dict[str, Any] = json.loads(reply.body)
    return told


async def exchange(relay: Relay, room: str, code: str) -> tuple[wire.Message, int | None]:
    """What a code is answered with, and how the connection ends if the relay ends it."""
    async with connect(relay.url) as socket:
        await socket.send(wire.encode(room, wire.Token(f"invite:{code}")))
        name, message = wire.decode(await socket.recv(decode=False))
        assert name == room
        if isinstance(message, wire.Denied):
            await asyncio.wait_for(socket.wait_closed(), 10)
    return message, socket.close_code if isinstance(message, wire.Denied) else None


# ---------------------------------------------------------------- invites


async def test_from_an_invite_to_a_seat(relay: Relay, join: Join) -> None:
    ann = await join(role="owner", name="Ann")
    made = await asked(ann, "relay.invite", role="viewer", expires=600, name="Bob")
    assert made["invite"] == f"{relay.url}/calm-otter#{made['code']}"
    assert sorted(made) == ["code", "expires", "id", "invite", "role"]
    issued, _ = await exchange(relay, "calm-otter", made["code"])
    assert isinstance(issued, wire.Issued)
    bob = await join(token=issued.token, name="root")
    await ann.type("hello")
    await bob.until(lambda: str(bob.text) == "hello")
    await bob.send(wire.Awareness((wire.Entry(77, 1, "{}"),)))
    told = await ann.expect(wire.Awareness)
    person = json.loads(told.entries[0].state)["person"]
    assert (person["name"], person["role"]) == ("Bob", "viewer")
    again, code = await exchange(relay, "calm-otter", made["code"])
    assert (type(again), code) == (wire.Denied, Close.TOKEN)
    listed = (await asked(ann, "relay.invites"))["invites"]
    assert [(i["id"], i["state"]) for i in listed] == [(made["id"], "used")]


async def test_an_invite_made_by_a_command_is_good(tmp_path: Path) -> None:
    settings = RelaySettings(port=0, key_path=tmp_path / "key.pem")
    async with serve(settings) as relay:
        _, code = InviteBook.beside(tmp_path / "key.pem").make(
            room="calm-otter", role="editor", expires=60
        )
        assert type((await exchange(relay, "calm-otter", code))[0]) is wire.Issued


async def test_a_code_joins_nothing(relay: Relay, join: Join) -> None:
    owner = await join(role="owner")
    made = await asked(owner, "relay.invite", role="editor")
    async with connect(relay.url) as socket:
        await socket.send(wire.encode("calm-otter", wire.Token(f"invite:{made['code']}")))
        await socket.send(wire.encode("calm-otter", wire.Step1(b"\0")))
        await socket.send(wire.encode("", wire.Ping()))
        answers = [wire.decode(await socket.recv(decode=False))[1] for _ in range(2)]
    assert {type(answer) for answer in answers} == {wire.Issued, wire.Pong}


async def test_an_invite_to_another_studio_is_not_used_up(relay: Relay, join: Join) -> None:
    made = await asked(await join(role="owner"), "relay.invite", role="editor")
    assert type((await exchange(relay, "other", made["code"]))[0]) is wire.Denied
    assert type((await exchange(relay, "calm-otter", made["code"]))[0]) is wire.Issued


@pytest.mark.parametrize("role", ["editor", "viewer"])
async def test_guests_let_nobody_in(join: Join, role: str) -> None:
    host, guest = await join(role="host"), await join(role=role)
    for method in ("relay.invite", "relay.invites", "relay.revoke", "relay.role", "relay.x"):
        reply = await ask(guest, method, role="viewer", id="x")
        assert (reply.ok, json.loads(reply.body)["code"]) == (False, "refused")
    made = await asked(host, "relay.invite", role="viewer")
    assert made["role"] == "viewer"
    assert not any(isinstance(message, wire.Call) for message in host.seen)


async def test_an_owner_that_joined_as_less_is_less(relay: Relay) -> None:
    token = relay.keys.mint(room="*", role="owner")
    async with connect(relay.url) as socket:
        hello = json.dumps({"name": "Ann", "as": "viewer"})
        await socket.send(wire.encode("r", wire.Token(token, "1", hello)))
        await socket.send(wire.encode("r", wire.Call(1, "relay.invites", b"", False)))
        while True:
            _, message = wire.decode(await socket.recv(decode=False))
            if isinstance(message, wire.Reply):
                break
    assert not message.ok


async def test_the_public_url_is_in_the_invite(join: Join) -> None:
    settings = RelaySettings(port=0, public_url="wss://relay.example.com")
    async with serve(settings) as relay:
        token = relay.keys.mint(room="*", role="owner")
        owner = await join(token=token, url=relay.url)
        made = await asked(owner, "relay.invite", role="viewer")
        assert made["invite"].startswith("wss://relay.example.com/calm-otter#")
        owner.abort()


# ---------------------------------------------------------------- revocation, roles


async def test_who_is_revoked_goes_and_the_rest_stay(relay: Relay, join: Join) -> None:
    ann = await join(role="owner", name="Ann")
    made = await asked(ann, "relay.invite", role="editor")
    issued, _ = await exchange(relay, "calm-otter", made["code"])
    assert isinstance(issued, wire.Issued)
    eve, other_room = await join(token=issued.token), await join("calm-otter/x", token=issued.token)
    bob = await join(name="Bob")
    await asked(ann, "relay.revoke", id=made["id"])
    assert await eve.closed() == Close.REVOKED
    assert await other_room.closed() == Close.REVOKED
    back = await join(token=issued.token, synced=False)
    assert await back.closed() == Close.TOKEN
    await bob.type("still here")
    await ann.until(lambda: str(ann.text) == "still here")


async def test_a_revocation_by_a_command_reaches_live_sockets(tmp_path: Path, join: Join) -> None:
    settings = RelaySettings(port=0, key_path=tmp_path / "key.pem")
    async with serve(settings) as relay:
        token = relay.keys.mint(room="*", role="editor", id="abc")
        eve = await join(token=token, url=relay.url)
        Keys.load(tmp_path / "key.pem").revoke("abc")
        assert await eve.closed() == Close.REVOKED
    async with serve(settings) as relay:  # and those of the next relay
        back = await join(token=token, url=relay.url, synced=False)
        assert "revoked" in (await back.expect(wire.Denied)).reason
        assert await back.closed() == Close.TOKEN
    async with serve(settings) as relay:
        back = await join(token=token, url=relay.url, synced=False)
        assert await back.closed() == Close.TOKEN


async def test_a_changed_role_is_in_force_on_the_way_back(relay: Relay, join: Join) -> None:
    ann = await join(role="owner", name="Ann")
    made = await asked(ann, "relay.invite", role="editor")
    issued, _ = await exchange(relay, "calm-otter", made["code"])
    assert isinstance(issued, wire.Issued)
    bob = await join(token=issued.token)
    await bob.type("one")
    await bob.expect(Ack, lambda ack: ack.seq == 2)
    await asked(ann, "relay.role", id=made["id"], role="viewer")
    assert await bob.closed() == Close.ROLE_CHANGED
    bob = await join(token=issued.token)
    assert wire.Granted("readonly") in bob.seen
    await bob.type("two")
    assert await bob.expect(wire.SyncStatus) == wire.SyncStatus(False)
    late = await join()
    assert str(late.text) == "one"


# ---------------------------------------------------------------- histories


def remembering(relay: Relay, history: str, role: str = "editor") -> wire.Token:
    hello = json.dumps({"name": "Ann", "as": "", "history": history})
    return wire.Token(relay.keys.mint(room="*", role=role), "1", hello)


def histories(peer: Any) -> list[str]:
    return [message.id for message in peer.seen if isinstance(message, wire.History)]


async def test_our_own_clients_are_told_the_history(join: Join) -> None:
    ann, bob, other = await join(), await join(), await join("other")
    assert len(histories(ann)) == 1
    assert histories(ann) == histories(bob) != histories(other)
    assert [type(m) for m in ann.seen[:2]] == [wire.Granted, wire.History]
    assert histories(await join(own=False)) == []


async def test_a_history_outlives_the_relay_with_its_store(tmp_path: Path, join: Join) -> None:
    seen = []
    for life in range(3):
        path = tmp_path / ("b.db" if life == 2 else "a.db")
        async with serve(RelaySettings(port=0, store=f"sqlite:///{path}")) as relay:
            token = relay.keys.mint(room="*", role="editor")
            ann = await join(token=token, url=relay.url)
            seen += histories(ann)
            ann.abort()
    assert seen[0] == seen[1] != seen[2]


async def test_a_relay_that_lost_its_store_takes_nothing_of_the_old_one(
    tmp_path: Path, join: Join
) -> None:
    async with serve(RelaySettings(port=0)) as relay:
        ann = await join(token=relay.keys.mint(room="*", role="editor"), url=relay.url)
        await ann.type("def f(): pass")
        old, copy = histories(ann)[0], ann.doc.get_update()
        ann.abort()
    async with serve(RelaySettings(port=0)) as relay:
        host = await join(token=relay.keys.mint(room="*", role="host"), url=relay.url)
        await host.type("def f(): pass")  # seeded again from the disk
        editor = relay.keys.mint(room="*", role="editor")
        ann = await join(url=relay.url, token=editor, history=old, synced=False)
        told = await ann.expect(wire.History)
        assert told.id != old
        await ann.expect(wire.Denied)
        await ann.send(wire.Step2(copy))
        await ann.send(wire.Update(copy))
        await ann.send(remembering(relay, told.id))
        await ann.expect(wire.Granted)
        late = await join(url=relay.url, token=relay.keys.mint(room="*", role="viewer"))
        assert str(late.text) == "def f(): pass"
        for peer in (host, ann, late):
            peer.abort()


async def test_another_history_does_not_end_the_connection(relay: Relay, join: Join) -> None:
    ann = await join("a", synced=False, token="x")
    assert await ann.closed() == Close.TOKEN
    async with connect(relay.url) as socket:
        for history, answers in [
            ("of another relay", [wire.History, wire.Denied]),
            ("", [wire.Granted, wire.History]),
        ]:
            await socket.send(wire.encode("a", remembering(relay, history)))
            got = [wire.decode(await socket.recv(decode=False))[1] for _ in answers]
            assert [type(message) for message in got] == answers


async def test_who_comes_back_to_the_same_history_goes_on(relay: Relay, join: Join) -> None:
    ann = await join()
    await ann.type("one")
    await ann.expect(Ack, lambda ack: ack.seq == 2)
    ann.abort()
    ann.text.insert(3, "offline")
    await join(history=histories(ann)[0], doc=ann.doc)
    late = await join()
    assert str(late.text) == "oneoffline"


async def test_a_room_without_a_journal_begins_anew_when_it_was_forgotten(join: Join) -> None:
    async with serve(RelaySettings(port=0, linger=0)) as relay:
        token = relay.keys.mint(room="*", role="host")
        seen = []
        for _ in range(2):
            host = await join("a/term/1", token=token, url=relay.url)
            seen += histories(host)
            await host.socket.close()
            async with asyncio.timeout(10):
                while relay._lobby.rooms:
                    await asyncio.sleep(0.05)
        assert seen[0] != seen[1]


async def test_a_room_that_lost_its_state_begins_anew(
    tmp_path: Path, join: Join, typed: Callable[[str], list[bytes]]
) -> None:
    from relay_server.journal.sqlite import connect as open_store

    settings = RelaySettings(port=0, store=f"sqlite:///{tmp_path / 'j.db'}")
    seen = []
    for life in range(3):
        async with serve(settings) as relay:
            token = relay.keys.mint(room="*", role="editor")
            ann = await join("a", token=token, url=relay.url, synced=False)
            other = await join("b", token=token, url=relay.url)
            seen.append((await ann.expect(wire.History)).id)
            if life == 1:  # told before the store was read, and so sent away to hear it again
                assert await ann.closed() == Close.HISTORY
            assert histories(other) == histories(await join("b", token=token, url=relay.url))
        if life == 0:
            with contextlib.closing(open_store(tmp_path / "j.db")) as db:
                db.execute("INSERT INTO snapshot VALUES('a', 1, x'ffff')")
    assert seen[0] == seen[1] != seen[2]


# ---------------------------------------------------------------- addresses, audit


async def test_one_address_has_its_share(join: Join) -> None:
    settings = RelaySettings(port=0, limits=Limits(per_address=2))
    async with serve(settings) as relay, connect(relay.url), connect(relay.url) as second:
        with pytest.raises(InvalidStatus) as caught:
            await connect(relay.url)
        assert caught.value.response.status_code == 429
        assert caught.value.response.headers["Retry-After"] == "1"
        await second.close()
        async with asyncio.timeout(10):
            while len(relay.crowd) > 1:
                await asyncio.sleep(0.01)
        async with connect(relay.url):
            pass


async def test_the_audit_log_tells_who_did_what_and_nothing_of_it(
    tmp_path: Path, join: Join
) -> None:
    path = tmp_path / "audit.jsonl"
    settings = RelaySettings(port=0, audit=path, store=f"sqlite:///{tmp_path / 'j.db'}")
    async with serve(settings) as relay:
        tokens = {r: relay.keys.mint(room="r", role=r) for r in ("owner", "viewer", "host")}
        host, ann, eve = [
            await join("r", token=tokens[role], name=name, url=relay.url)
            for role, name in (("host", "Otto"), ("owner", "Ann"), ("viewer", "Eve"))
        ]
        await ann.type("canary text")
        await ann.expect(Ack, lambda ack: ack == Ack(2, Level.DISK))
        await ann.send(wire.Call(1, "jobs.run", b'{"env": "canary parameter"}', True))
        await host.expect(wire.Call)
        await ann.send(wire.Call(2, "files.list", b"{}", False))
        await host.expect(wire.Call)
        await eve.send(wire.Call(3, "jobs.stop", b"{}", True))
        await eve.expect(wire.Reply)
        made = await asked(ann, "relay.invite", role="viewer")
        issued, _ = await exchange(relay, "r", made["code"])
        assert isinstance(issued, wire.Issued)
        await asked(ann, "relay.revoke", id=made["id"])
        bad = await join("r", token="canary.token", url=relay.url, synced=False)
        assert await bad.closed() == Close.TOKEN
        for peer in (host, ann, eve):
            await peer.socket.close()
    text = path.read_text()
    events = [json.loads(line) for line in text.splitlines()]
    assert [e["event"] for e in events if e["event"] != "left"] == [
        "relay started", "joined", "joined", "joined", "call", "call", "call", "invite made",
        "invite used", "call", "revoked", "refused", "relay stopped",
    ]  # fmt: skip
    joined = [e for e in events if e["event"] == "joined"]
    assert [(e["name"], e["role"], e["source"]) for e in joined] == [
        ("Otto", "host", "127.0.0.1"),
        ("Ann", "owner", "127.0.0.1"),
        ("Eve", "viewer", "127.0.0.1"),
    ]
    calls = [e for e in events if e["event"] == "call"]
    assert [(e["method"], e["name"], e["granted"]) for e in calls] == [
        ("jobs.run", "Ann", True),
        ("jobs.stop", "Eve", False),
        ("relay.invite", "Ann", True),
        ("relay.revoke", "Ann", True),
    ]
    assert sum(e["event"] == "left" for e in events) == 3
    secret = [*tokens.values(), issued.token, made["code"], "canary"]
    assert not [s for s in secret if s in text]


async def person(peer: Any, watcher: Any, client: int, said: str = "{}") -> str:
    await peer.send(wire.Awareness((wire.Entry(client, 1, said),)))
    told = await watcher.expect(
        wire.Awareness, lambda m: any(e.client_id == client for e in m.entries)
    )
    (entry,) = [e for e in told.entries if e.client_id == client]
    name: str = json.loads(entry.state)["person"]["name"]
    return name


async def test_a_name_that_a_token_gives_is_nobody_elses(relay: Relay, join: Join) -> None:
    free = [relay.keys.mint(room="*", role="editor") for _ in range(3)]
    early = await join(name="Ann", token=free[0])
    ann = await join(token=relay.keys.mint(room="*", role="owner", name="Ann"))
    eve = await join(name="ANN", token=free[1])
    stock = await join(token=free[2], own=False)
    assert await person(ann, early, 1) == "Ann"
    assert (await person(early, ann, 2)).startswith("Ann~")
    assert (await person(eve, ann, 3)).startswith("ANN~")
    assert (await person(stock, ann, 4, '{"user": {"name": "Ann"}}')).startswith("Ann~")
    both = [await join(name="Bob", token=token) for token in free[:2]]
    assert [await person(bob, ann, 5 + n) for n, bob in enumerate(both)] == ["Bob", "Bob"]


# ---------------------------------------------------------------- without a socket


def test_what_a_token_and_a_client_say_makes_a_member(tmp_path: Path) -> None:
    keys = Keys.load(tmp_path / "key")
    token = keys.mint(room="calm", role="editor", name="Ann")
    hello = json.dumps({"name": "Bob", "as": "viewer", "history": "h1", "odd": 3})
    found = admit(keys, "calm/otter", wire.Token(token, hello=hello), joined=0)
    assert (found.name, found.role, found.history, found.own) == ("Ann", "viewer", "h1", True)
    member = found.member(7, 3, told=True)
    assert (member.id, member.connection, member.told) == (7, 3, True)
    assert (member.name, member.pinned, member.vouched) == ("Ann", True, True)

    nameless = admit(
        keys, "calm", wire.Token(keys.mint(room="calm", role="viewer"), hello="[1"), joined=0
    )
    assert (nameless.name, nameless.role, nameless.history) == ("", "viewer", "")
    member = nameless.member(8, 4, told=False)
    assert (member.pinned, member.vouched, member.told) == (False, False, False)


@pytest.mark.parametrize(
    ("room", "joined", "hello", "why"),
    [
        ("", 0, "", "empty"),
        ("a\n", 0, "", "not printable"),
        ("calm", wire.CAPS.rooms, "", "are joined already"),
        ("other", 0, "", "not good for this room"),
        ("calm", 0, '{"as": "owner"}', "cannot join as owner"),
    ],
)
def test_why_somebody_is_not_let_in(
    room: str, joined: int, hello: str, why: str, tmp_path: Path
) -> None:
    keys = Keys.load(tmp_path / "key")
    with pytest.raises(AccessDenied, match=why):
        admit(keys, room, wire.Token(keys.mint(room="calm", role="editor"), hello=hello), joined)
