"""A whole relay on loopback, with real clients."""

from __future__ import annotations

import asyncio
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Doc, Text
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

import relay_server.replica as replica
from relay_server import wire
from relay_server.errors import BadSetting, PortTaken, StoreFailed
from relay_server.replica import BATCH
from relay_server.serve import Relay, serve
from relay_server.settings import RelaySettings
from relay_server.wire import Ack, Awareness, Close, Entry, Level

Join = Callable[..., Awaitable[Any]]
Typed = Callable[[str], list[bytes]]
NO_PARENT = bytes([1, 1, 8, 0, 4, 0, 7, 0, 1, 97, 0])  # a character inside a character


async def get(relay: Relay, path: str) -> tuple[int, str]:
    def fetch() -> tuple[int, str]:
        url = relay.url.replace("ws", "http", 1) + path
        try:
            with urllib.request.urlopen(url, timeout=10) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    return await asyncio.to_thread(fetch)


# ---------------------------------------------------------------- documents


async def test_two_clients_converge(join: Join) -> None:
    ann, bob = await join(), await join()
    await ann.type("hello ")
    await bob.until(lambda: str(bob.text) == "hello ")
    await asyncio.gather(ann.type("Ann"), bob.type("Bob", 0))
    await ann.until(lambda: len(str(ann.text)) == 12)
    await bob.until(lambda: len(str(bob.text)) == 12)
    assert str(ann.text) == str(bob.text)
    assert {"Ann", "Bob"} <= set(str(ann.text).replace("hello", "").replace("Bob", "Bob ").split())


async def test_a_late_joiner_has_everything(join: Join) -> None:
    ann = await join()
    for word in ("one ", "two ", "three"):
        await ann.type(word)
    await ann.expect(Ack, lambda ack: ack.seq == 4)
    late = await join()
    assert str(late.text) == "one two three"


async def test_own_clients_hear_acks_and_others_a_status(join: Join) -> None:
    own, other = await join("memory"), await join("memory", own=False)
    await own.type("x")
    await own.expect(Ack, lambda ack: ack == Ack(2, Level.MEMORY))
    await other.expect(wire.SyncStatus)
    await other.type("y")
    assert await other.expect(wire.SyncStatus) == wire.SyncStatus(True)
    assert not any(isinstance(m, Ack) for m in other.seen)
    assert not any(isinstance(m, wire.SyncStatus) for m in own.seen)


async def test_a_viewer_cannot_write(join: Join) -> None:
    ann, eve = await join(), await join(role="viewer")
    await eve.type("x")
    assert await eve.expect(wire.SyncStatus) == wire.SyncStatus(False)
    await eve.send(wire.Step2(eve.doc.get_update()))
    assert await eve.expect(wire.SyncStatus) == wire.SyncStatus(False)
    await ann.type("y")
    await eve.until(lambda: "y" in str(eve.text))
    late = await join()
    assert str(late.text) == "y"
    assert str(ann.text) == "y"


async def test_what_a_token_grants_is_said(join: Join) -> None:
    scopes = {}
    for role, room in [("editor", "r"), ("viewer", "r"), ("editor", "r/term/1"), ("host", "r")]:
        peer = await join(room, role)
        (granted,) = [m for m in peer.seen if isinstance(m, wire.Granted)]
        scopes[role, room] = granted.scope
    assert scopes == {
        ("editor", "r"): "read-write",
        ("viewer", "r"): "readonly",
        ("editor", "r/term/1"): "readonly",
        ("host", "r"): "read-write",
    }


async def test_a_burst_is_never_merged_in_one(
    join: Join, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    real = replica.merge_updates

    def counted(*updates: bytes) -> bytes:
        sizes.append(len(updates))
        return real(*updates)

    monkeypatch.setattr(replica, "merge_updates", counted)
    ann, bob = await join(), await join()
    updates = typed("x" * 3000)
    await asyncio.gather(*(ann.send(wire.Update(update)) for update in updates))
    await bob.until(lambda: len(bob.text) == 3000)
    await ann.expect(Ack, lambda ack: ack.seq == 3001)
    assert max(sizes) <= BATCH
    late = await join()
    assert len(late.text) == 3000


async def test_a_misfit_costs_its_sender_and_nobody_else(join: Join) -> None:
    ann, eve = await join(), await join()
    doc: Doc = Doc(client_id=7)
    doc.get("text", type=Text).insert(0, "a")
    await ann.send(wire.Update(doc.get_update()))
    await ann.expect(Ack, lambda ack: ack.seq == 2)
    await eve.socket.send(wire.encode(eve.room, wire.Update(NO_PARENT)))
    passed_on = wire.decode(await ann.socket.recv(decode=False))
    assert passed_on == (ann.room, wire.Update(NO_PARENT))
    late = await join(synced=False)
    await late.send(wire.Step1(b"\0"))
    await late.until(lambda: str(late.text) == "a")
    await asyncio.wait_for(eve.socket.wait_closed(), 10)
    assert eve.socket.close_code == Close.PROTOCOL


async def test_a_misfit_that_waits_for_another_person_costs_its_sender(join: Join) -> None:
    doc: Doc = Doc(client_id=7)
    ann, eve = await join(doc=doc), await join()
    await ann.type("a")
    await ann.expect(Ack, lambda ack: ack.seq == 2)
    # Inside the character that Ann types next.
    await eve.send(wire.Update(bytes([1, 1, 8, 0, 4, 0, 7, 1, 1, 97, 0])))
    await eve.expect(Ack, lambda ack: ack.seq == 2)
    await ann.type("b")
    await ann.expect(Ack, lambda ack: ack.seq == 3)
    late = await join(synced=False)
    await late.send(wire.Step1(b"\0"))
    await late.until(lambda: str(late.text) == "ab")
    await asyncio.wait_for(eve.socket.wait_closed(), 10)
    assert eve.socket.close_code == Close.PROTOCOL
    await ann.type("c")
    await ann.expect(Ack, lambda ack: ack.seq == 4)
    await late.until(lambda: str(late.text) == "abc")


# ---------------------------------------------------------------- tokens


async def test_a_bad_token_is_denied_and_closed(join: Join) -> None:
    peer = await join(token="not a token", synced=False)
    denied = await peer.expect(wire.Denied)
    assert "not valid" in denied.reason
    assert await peer.closed() == Close.TOKEN


async def test_a_token_for_another_room_is_denied(relay: Relay, join: Join) -> None:
    token = relay.keys.mint(room="calm-otter", role="editor")
    peer = await join("calm-otters", token=token, synced=False)
    await peer.expect(wire.Denied)
    assert await peer.closed() == Close.TOKEN


async def test_one_refused_room_leaves_the_others(relay: Relay, join: Join) -> None:
    token = relay.keys.mint(room="a", role="editor")
    peer = await join("a", token=token)
    await peer.socket.send(wire.encode("b", wire.Token(token)))
    assert wire.decode(await peer.socket.recv(decode=False))[0] == "b"
    await peer.send(wire.Ping())
    await peer.expect(wire.Pong)


async def test_a_revoked_token_ends_its_connections(relay: Relay, join: Join) -> None:
    token = relay.keys.mint(room="*", role="editor")
    eve, ann = await join(token=token), await join()
    relay.keys.revoke(relay.keys.verify(token).jti)
    assert await eve.closed() == Close.REVOKED
    await ann.type("still here")
    await ann.expect(Ack, lambda ack: ack.seq == 2)


async def test_silence_before_a_token_is_ended(join: Join) -> None:
    settings = RelaySettings(port=0, auth_timeout=0.05)
    async with serve(settings) as relay, connect(relay.url) as socket:
        await socket.wait_closed()
        assert socket.close_code == Close.AUTH_TIMEOUT


async def test_an_owner_joins_as_what_it_likes(relay: Relay) -> None:
    token = relay.keys.mint(room="*", role="owner")
    async with connect(relay.url) as socket:
        granted, refused = [wire.Granted, wire.History], [wire.Denied]
        for room, role, answers in [("a", "host", granted), ("b", "root", refused)]:
            hello = json.dumps({"name": "Ann", "as": role})
            await socket.send(wire.encode(room, wire.Token(token, "1", hello)))
            for answer in answers:
                name, message = wire.decode(await socket.recv(decode=False))
                assert (name, type(message)) == (room, answer)


# ---------------------------------------------------------------- presence, calls, streams


async def test_presence_is_stamped_and_removed_when_a_client_dies(join: Join) -> None:
    ann, bob = await join(name="Ann"), await join(role="viewer", name="Bob")
    forged = json.dumps({"person": {"name": "root"}, "user": {"name": "root"}})
    await bob.send(Awareness((Entry(77, 1, forged),)))
    told = await ann.expect(Awareness)
    state = json.loads(told.entries[0].state)
    assert state["person"]["name"] == state["user"]["name"] == "Bob"
    assert state["person"]["role"] == "viewer"
    assert await bob.expect(Awareness) == told
    bob.abort()
    gone = await ann.expect(Awareness)
    assert [(e.client_id, e.state) for e in gone.entries] == [(77, "null")]


async def test_nobody_speaks_for_another(join: Join) -> None:
    ann, eve = await join(name="Ann"), await join(name="Eve")
    await ann.send(Awareness((Entry(77, 1, '{"cursor": 1}'),)))
    real = (await eve.expect(Awareness)).entries
    for clock, state in ((9, '{"cursor": 2}'), (10, "null"), (1 << 52, '{"cursor": 3}')):
        await eve.send(Awareness((Entry(77, clock, state),)))
    await eve.send(Awareness((Entry(78, 1, "{}"), Entry(77, 11, "null"))))
    await ann.expect(Awareness, lambda told: any(e.client_id == 78 for e in told.entries))
    late = await join(name="Cid", synced=False)
    present = (await late.expect(Awareness)).entries
    assert [entry for entry in present if entry.client_id == 77] == list(real)
    await ann.send(Awareness((Entry(77, 2, '{"cursor": 4}'),)))  # its clock was not run away with
    told = await late.expect(Awareness, lambda told: told.entries[0].client_id == 77)
    assert json.loads(told.entries[0].state)["cursor"] == 4


async def test_calls_and_streams_find_their_way(join: Join) -> None:
    host, ann, eve = await join(role="host"), await join(name="Ann"), await join(role="viewer")
    await ann.send(wire.Call(7, "jobs.run", b"{}", True))
    call = await host.expect(wire.Call)
    assert call.sender is not None
    assert (call.method, call.sender.name, call.sender.role) == ("jobs.run", "Ann", "editor")
    await host.send(wire.Reply(call.call_id, True, b"done"))
    assert await ann.expect(wire.Reply) == wire.Reply(7, True, b"done")
    await eve.send(wire.Call(1, "jobs.run", b"{}", True))
    assert not (await eve.expect(wire.Reply)).ok
    await host.send(wire.Stream("meters", 1, b"data"))
    assert (await ann.expect(wire.Stream)).data == b"data"
    assert (await eve.expect(wire.Stream)).data == b"data"
    await ann.send(wire.Stream("input", 1, b"ls"))
    assert (await host.expect(wire.Stream)).sender == call.sender
    await ann.send(wire.Call(8, "files.list", b"{}", False))
    await host.expect(wire.Call)
    host.abort()
    reply = await ann.expect(wire.Reply)
    assert (reply.call_id, json.loads(reply.body)["code"]) == (8, "away")


async def test_one_connection_is_the_same_in_all_its_rooms(relay: Relay, join: Join) -> None:
    host = await join("a", "host")
    ann = await join("a/term/1", name="Ann")
    token = relay.keys.mint(room="*", role="editor")
    await ann.socket.send(wire.encode("a", wire.Token(token, "1", '{"name": "Ann"}')))
    call = wire.Call(1, "m", b"", False)
    await ann.socket.send(wire.encode("a", call))
    told = await host.expect(wire.Call)
    other = await join("a/term/1", "host")
    await ann.socket.send(wire.encode("a/term/1", wire.Stream("input", 1, b"")))
    assert (await other.expect(wire.Stream)).sender == told.sender


async def test_a_room_is_left_without_the_connection(join: Join) -> None:
    ann, bob = await join(), await join()
    await bob.send(Awareness((Entry(77, 1, "{}"),)))
    await ann.expect(Awareness)
    await bob.send(wire.CloseRoom())
    assert (await ann.expect(Awareness)).entries[0].state == "null"
    await bob.send(wire.Ping())
    await bob.expect(wire.Pong)


# ---------------------------------------------------------------- y-websocket


async def test_the_other_framing_shares_the_room(relay: Relay, join: Join) -> None:
    ann = await join("calm-otter/notes")
    await ann.type("hello")
    await ann.expect(Ack, lambda ack: ack.seq == 2)
    token = relay.keys.mint(room="calm-otter", role="editor")
    headers = {"Authorization": f"Bearer {token}"}
    for url, extra in [(f"?token={token}", {}), ("", headers)]:
        async with connect(f"{relay.url}/calm-otter/notes{url}", additional_headers=extra) as y:
            await y.send(wire.encode_y(wire.Step1(b"\0")) or b"")
            step = wire.decode_y(await y.recv(decode=False))
            assert isinstance(step, wire.Step2)
            doc: Doc = Doc()
            doc.apply_update(step.update)
            assert str(doc.get("text", type=Text)) == "hello"


async def test_a_bad_token_in_a_query_is_denied_for_good(relay: Relay) -> None:
    async with connect(f"{relay.url}/room?token=x") as socket:
        assert isinstance(wire.decode_y(await socket.recv(decode=False)), wire.Denied)
        await socket.wait_closed()
        assert socket.close_code == Close.TOKEN


# ---------------------------------------------------------------- the process


async def test_plain_gets_are_answered(relay: Relay, join: Join) -> None:
    await join()
    status, body = await get(relay, "/healthz")
    assert status == 200
    assert json.loads(body)["rooms"] == 1
    assert (await get(relay, "/readyz"))[0] == 200
    status, body = await get(relay, "/metrics")
    assert status == 200
    assert "relay_members 1\n" in body
    assert (await get(relay, "/nothing"))[0] == 404


async def test_metrics_tell_what_happened(tmp_path: Path, join: Join) -> None:
    async with serve(RelaySettings(port=0, store=f"sqlite:///{tmp_path / 'j.db'}")) as relay:
        token = relay.keys.mint(room="*", role="editor")
        ann, bob = [await join(token=token, url=relay.url) for _ in range(2)]
        for n in range(3):
            await ann.type("word ")
            await ann.expect(Ack, lambda ack, n=n: ack == Ack(n + 2, Level.DISK))
        await bob.until(lambda: str(bob.text) == "word " * 3)
        lines = (await get(relay, "/metrics"))[1].splitlines()
        assert "relay_deliveries_total 3" in lines
        assert "relay_ack_latency_seconds_count 3" in lines
        assert "relay_journal_lag_seconds 0.0" in lines
        assert "relay_members 2" in lines


async def test_without_memory_those_who_are_here_go_on_and_nobody_else_is_let_in(
    monkeypatch: pytest.MonkeyPatch, join: Join, caplog: pytest.LogCaptureFixture
) -> None:
    used = 1000
    monkeypatch.setattr("relay_server.crowd.memory_limit", lambda: 2000)
    monkeypatch.setattr("relay_server.crowd.memory_used", lambda: used)
    async with serve(RelaySettings(port=0)) as relay:
        token = relay.keys.mint(room="*", role="editor")
        ann = await join(token=token, url=relay.url)
        used = 3000
        async with asyncio.timeout(10):
            while not relay.full:
                await asyncio.sleep(0.05)
        with pytest.raises(InvalidStatus) as caught:
            await connect(relay.url)
        assert caught.value.response.status_code == 503
        assert (await get(relay, "/readyz"))[0] == 503
        assert "memory is short" in caplog.text
        await ann.type("still here")
        await ann.expect(Ack, lambda ack: ack.seq == 2)
        used = 1000
        async with asyncio.timeout(10):
            while relay.full:
                await asyncio.sleep(0.05)
        assert str((await join(token=token, url=relay.url)).text) == "still here"


async def test_metrics_may_have_a_port_of_their_own(unused_port: int) -> None:
    settings = RelaySettings(port=0, metrics_port=unused_port)
    async with serve(settings) as relay:
        relay.port = unused_port
        assert (await get(relay, "/metrics"))[0] == 200
        with pytest.raises(InvalidStatus):
            await connect(relay.url)


@pytest.fixture
def unused_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_an_origin_is_refused_unless_it_is_listed(relay: Relay) -> None:
    with pytest.raises(InvalidStatus) as caught:
        await connect(relay.url, origin="https://evil.example")  # type: ignore[arg-type]
    assert caught.value.response.status_code == 403
    settings = RelaySettings(port=0, origins=("https://fine.example",))
    async with serve(settings) as other:
        socket = await connect(other.url, origin="https://fine.example")  # type: ignore[arg-type]
        await socket.close()


async def test_a_taken_port_is_an_error_with_a_hint(relay: Relay) -> None:
    with pytest.raises(PortTaken) as caught:
        async with serve(RelaySettings(port=relay.port)):
            pass
    assert "--port" in caught.value.hint


async def test_a_store_that_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreFailed):
        async with serve(RelaySettings(port=0, store=f"sqlite:///{tmp_path}/no/j.db")):
            pass


async def test_a_certificate_that_is_none_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "c.pem").write_text("hello")
    pem = {"tls_cert": tmp_path / "c.pem", "tls_key": tmp_path / "c.pem"}
    with pytest.raises(BadSetting):
        async with serve(RelaySettings(port=0, **pem)):
            pass


async def test_a_closing_relay_keeps_what_it_has_and_says_when_to_come_back(
    join: Join, relay: Relay, tmp_path: Path
) -> None:
    settings = RelaySettings(
        port=0, store=f"sqlite:///{tmp_path / 'j.db'}", key_path=tmp_path / "key.pem"
    )
    async with serve(settings) as first:
        token = first.keys.mint(room="*", role="editor")
        ann = await join(token=token, url=first.url)
        await ann.type("kept")
        await ann.expect(Ack, lambda ack: ack == Ack(2, Level.DISK))
        await ann.type(", too")
        closing = asyncio.create_task(ann.closed())
    assert await closing == Close.RESTART
    async with serve(settings) as second:
        late = await join(token=token, url=second.url)
        assert str(late.text).startswith("kept")


async def test_a_cold_room_is_forgotten_and_comes_back(join: Join, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'j.db'}"
    async with serve(RelaySettings(port=0, store=store, linger=0)) as relay:
        token = relay.keys.mint(room="*", role="editor")
        ann = await join(token=token, url=relay.url)
        for _ in range(20):
            await ann.type("word ")
        await ann.expect(Ack, lambda ack: ack.seq == 21)
        await ann.socket.close()
        async with asyncio.timeout(10):
            while json.loads((await get(relay, "/healthz"))[1])["rooms"]:
                await asyncio.sleep(0.05)
        late = await join(token=token, url=relay.url)
        assert str(late.text) == "word " * 20


async def test_it_speaks_tls(certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    async with serve(RelaySettings(port=0, tls_cert=cert, tls_key=key)) as relay:
        assert relay.url.startswith("wss://")
        trust = ssl.create_default_context(cafile=str(cert))
        async with connect(relay.url, ssl=trust) as socket:
            token = relay.keys.mint(room="*", role="editor")
            await socket.send(wire.encode("r", wire.Token(token)))
            assert wire.decode(await socket.recv(decode=False))[1] == wire.Granted("read-write")
