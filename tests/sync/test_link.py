"""The link: what it says of itself, when it comes back, and when it does not."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from relay_server import wire
from relay_server.serve import serve as serve_relay
from relay_server.settings import RelaySettings
from studio_tui.errors import NotFound, Refused, StudioError
from studio_tui.sync import link as module
from studio_tui.sync.backoff import FIRST, GROWTH
from studio_tui.sync.link import Endpoint, Link, LinkState, Timing

ROOM = "calm-otter"
OpenLine = Callable[[int], Awaitable[Any]]
Play = Callable[[ServerConnection], Awaitable[None]]


class Ends:
    """A link and what it told its owner."""

    def __init__(self, locate: Callable[[], Awaitable[Endpoint]], timing: Timing) -> None:
        self.told: list[object] = []
        self.states: list[LinkState] = []
        self._moved = asyncio.Event()
        self.link = Link(
            locate,
            lambda token: self._tell(token),
            lambda room, message: self._tell((room, message)),
            lambda: self._tell("lost"),
            self._state,
            timing,
            draw=lambda: 0.1,
        )

    def _tell(self, what: object) -> None:
        self.told.append(what)
        self._moved.set()

    def _state(self) -> None:
        if self.states[-1:] != [self.link.state]:
            self.states.append(self.link.state)
        self._moved.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                self._moved.clear()
                await self._moved.wait()


@asynccontextmanager
async def running(
    url: str | Callable[[], Awaitable[Endpoint]], timing: Timing, **endpoint: Any
) -> AsyncIterator[Ends]:
    """A link that runs, to an endpoint or wherever a function says."""

    async def at_url() -> Endpoint:
        return Endpoint(str(url), "token", **endpoint)

    ends = Ends(at_url if isinstance(url, str) else url, timing)
    task = asyncio.create_task(ends.link.run())
    try:
        yield ends
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def played(play: Play) -> AsyncIterator[str]:
    """A server that does with each websocket whatever `play` says; its URL."""
    async with serve(play, "127.0.0.1", 0, compression=None, close_timeout=0.1) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"


async def listen(socket: ServerConnection) -> None:
    """Answer pings, for ever."""
    async for frame in socket:
        if frame == wire.encode("", wire.Ping()):
            await socket.send(wire.encode("", wire.Pong()))


# -- coming up --------------------------------------------------------------------------------


async def test_it_goes_live_measures_and_passes_messages_on(quick: Timing) -> None:
    sent: asyncio.Queue[bytes] = asyncio.Queue()

    async def play(socket: ServerConnection) -> None:
        await socket.send(wire.encode(ROOM, wire.Granted("read-write")))
        async for frame in socket:
            if frame == wire.encode("", wire.Ping()):
                await socket.send(wire.encode("", wire.Pong()))
            else:
                sent.put_nowait(bytes(frame))

    async with played(play) as url, running(url, quick) as ends:
        assert (ends.link.state, ends.link.url) == (LinkState.CONNECTING, "")
        await ends.until(lambda: len(ends.told) == 2 and ends.link.round_trip is not None)
        assert ends.told == ["token", (ROOM, wire.Granted("read-write"))]
        assert (ends.states, ends.link.reason, ends.link.url) == ([LinkState.LIVE], "", url)
        ends.link.send(ROOM, wire.Step1(b"\0"))
        assert wire.decode(await sent.get()) == (ROOM, wire.Step1(b"\0"))


async def test_a_ping_is_answered(quick: Timing) -> None:
    answered = asyncio.Event()

    async def play(socket: ServerConnection) -> None:
        await socket.send(wire.encode("", wire.Ping()))
        async for frame in socket:
            if frame == wire.encode("", wire.Pong()):
                answered.set()

    async with played(play) as url, running(url, quick) as ends:
        await answered.wait()
        assert ends.told == ["token"]


async def test_a_slow_answer_is_measured_from_its_question(quick: Timing) -> None:
    delay = quick.probe_after * 4

    async def play(socket: ServerConnection) -> None:
        async for _ in socket:
            await asyncio.sleep(delay)
            await socket.send(wire.encode("", wire.Pong()))

    async with played(play) as url, running(url, quick) as ends:
        await ends.until(lambda: ends.link.round_trip is not None)
        assert ends.link.round_trip is not None
        assert ends.link.round_trip >= delay * 0.9


@pytest.mark.parametrize(
    "url",
    [
        "ws://127.0.0.1:1",
        "ws://127.0.0.1:99999",
        "ws://" + "x" * 70 + ".invalid",
        "ws://[::1",
        "http://127.0.0.1:1",
        "nonsense",
        "",
    ],
)
async def test_where_nobody_is_it_says_why_and_tries_again(quick: Timing, url: str) -> None:
    attempts: list[int] = []

    async def locate() -> Endpoint:
        attempts.append(1)
        return Endpoint(url, "token")

    async with running(locate, quick) as ends:
        await ends.until(lambda: len(attempts) >= 2)
        assert ends.states == [LinkState.OFFLINE]
        assert ends.link.reason
        assert ends.link.reason.isprintable()
        assert ends.link.failure is None
        assert ends.told == []


async def test_the_reason_is_in_plain_words(quick: Timing) -> None:
    async with running("ws://127.0.0.1:1", quick) as ends:
        await ends.until(lambda: ends.link.state is LinkState.OFFLINE)
        assert ends.link.reason == "connection refused"


@pytest.mark.parametrize("problem", [NotFound("studio x is not running"), OSError(13, "no")])
async def test_what_keeps_the_relay_from_being_found_is_the_reason(
    quick: Timing, problem: Exception
) -> None:
    async def locate() -> Endpoint:
        raise problem

    async with running(locate, quick) as ends:
        await ends.until(lambda: ends.link.state is LinkState.OFFLINE)
        assert ends.link.reason in ("studio x is not running", "permission denied")


async def test_a_server_that_speaks_no_websocket_is_unreachable(quick: Timing) -> None:
    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(play, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        async with running(f"ws://127.0.0.1:{port}", quick) as ends:
            await ends.until(lambda: ends.link.state is LinkState.OFFLINE)
            assert ends.told == []


async def test_a_server_that_never_answers_is_given_up(quick: Timing) -> None:
    gone = asyncio.Event()

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1000):
            pass
        writer.close()
        gone.set()

    server = await asyncio.start_server(play, "127.0.0.1", 0)
    async with server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with running(url, replace(quick, open=0.05)) as ends:
            await ends.until(lambda: ends.link.state is LinkState.OFFLINE)
            assert ends.link.reason == "the relay does not answer"
        await gone.wait()


async def test_an_endpoint_is_asked_for_before_every_attempt(quick: Timing) -> None:
    places = ["ws://127.0.0.1:1"]

    async def locate() -> Endpoint:
        return Endpoint(places[-1], f"token {len(places)}")

    async with played(listen) as url, running(locate, quick) as ends:
        await ends.until(lambda: ends.link.state is LinkState.OFFLINE)
        places.append(url)
        await ends.until(lambda: ends.link.state is LinkState.LIVE)
        assert ends.told == ["token 2"]


async def test_a_proxy_is_not_asked_for_this_machine(
    quick: Timing, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "ws_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    async with played(listen) as url, running(url, quick) as ends:
        await ends.until(lambda: ends.link.state is LinkState.LIVE)


async def test_a_proxy_that_cannot_be_used_is_a_reason(
    quick: Timing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ws_proxy", "socks5h://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    async with running("ws://relay.invalid", quick) as ends:
        await ends.until(lambda: ends.link.state is LinkState.OFFLINE)
        assert ends.link.reason


def test_a_token_is_in_no_log() -> None:
    assert "secret" not in repr(Endpoint("ws://127.0.0.1:1", "secret"))


# -- TLS --------------------------------------------------------------------------------------


async def test_tls_with_a_certificate_that_is_trusted_and_one_that_is_not(
    quick: Timing, certificate: tuple[Path, Path]
) -> None:
    cert, key = certificate
    trusting = ssl.create_default_context(cafile=str(cert))
    async with serve_relay(RelaySettings(port=0, tls_cert=cert, tls_key=key)) as relay:
        assert relay.url.startswith("wss:")
        async with running(relay.url, quick, tls=trusting) as ends:
            await ends.until(lambda: ends.link.state is LinkState.LIVE)
        async with running(relay.url, quick) as ends:
            await ends.until(lambda: ends.link.state is LinkState.OFFLINE)
            assert "certificate" in ends.link.reason
            assert ends.told == []


# -- going down -------------------------------------------------------------------------------


async def test_a_restart_is_followed(quick: Timing) -> None:
    lives: list[int] = []

    async def play(socket: ServerConnection) -> None:
        lives.append(1)
        if len(lives) < 3:
            await socket.close(1012, "relay \x1brestarts")
        await listen(socket)

    async with played(play) as url, running(url, quick) as ends:
        await ends.until(lambda: ends.told.count("token") == 3)
        assert ends.told == ["token", "lost", "token", "lost", "token"]
        live, offline = LinkState.LIVE, LinkState.OFFLINE
        assert ends.states == [live, offline, live, offline, live]


@pytest.mark.parametrize("code", [1012, 4503, 4504, 4508])
async def test_being_told_to_come_back_is_no_failure(quick: Timing, code: int) -> None:
    lives: list[int] = []

    async def play(socket: ServerConnection) -> None:
        lives.append(1)
        if len(lives) == 1:
            await socket.close(code, "come back")
        await listen(socket)

    async with played(play) as url, running(url, quick) as ends:
        await ends.until(lambda: ends.told.count("token") == 2)
        assert ends.link.failure is None
        assert ends.link.state is LinkState.LIVE


@pytest.mark.parametrize(
    ("code", "kind"),
    [(4401, Refused), (4403, Refused), (4400, StudioError), (4413, StudioError)],
)
async def test_a_permanent_refusal_ends_it(quick: Timing, code: int, kind: type) -> None:
    async def play(socket: ServerConnection) -> None:
        await socket.close(code, "because\x1b[2J of this")

    async with played(play) as url, running(url, quick) as ends:
        await ends.until(lambda: ends.link.failure is not None)
        assert type(ends.link.failure) is kind
        assert ends.link.failure is not None
        assert "because[2J of this" in ends.link.failure.message
        assert ends.link.failure.hint
        assert ends.link.state is LinkState.OFFLINE
        assert ends.told == ["token", "lost"]


async def test_bytes_that_are_no_message_end_it(quick: Timing) -> None:
    async def play(socket: ServerConnection) -> None:
        for _ in range(5):
            await socket.send(b"\xff" * 40)
            await socket.send(wire.encode(ROOM, wire.Granted("read-write")))
        await listen(socket)

    async with played(play) as url, running(url, quick) as ends:
        await ends.until(lambda: "lost" in ends.told)
        assert type(ends.link.failure) is StudioError
        assert ends.told == ["token", "lost"]


async def test_a_line_gone_silent_is_noticed_and_replaced(quick: Timing, line: OpenLine) -> None:
    async with played(listen) as url:
        wire_line = await line(int(url.rpartition(":")[2]))
        async with running(wire_line.url, replace(quick, dead_after=0.4)) as ends:
            await ends.until(lambda: ends.link.state is LinkState.LIVE)
            wire_line.silence()
            await ends.until(lambda: ends.link.state is LinkState.OFFLINE)
            assert ends.link.reason == "the relay does not answer"
            assert ends.link.round_trip is None
            wire_line.heal()
            await ends.until(lambda: ends.link.state is LinkState.LIVE)


async def test_a_message_that_trickles_in_is_a_sign_of_life(quick: Timing) -> None:
    """A large state over a thin line takes longer than any silence that is tolerated."""
    timing = replace(quick, dead_after=0.5)
    message = wire.encode(ROOM, wire.Step2(b"x" * 3000))
    head = b"\x82\x7e" + len(message).to_bytes(2, "big")

    async def play(socket: ServerConnection) -> None:
        frame = head + message
        for start in range(0, len(frame), 400):
            socket.transport.write(frame[start : start + 400])
            await asyncio.sleep(timing.dead_after / 4)
        await listen(socket)

    async with played(play) as url, running(url, timing) as ends:
        await ends.until(lambda: len(ends.told) == 2)
        assert ends.told == ["token", (ROOM, wire.Step2(b"x" * 3000))]


async def test_a_relay_that_takes_long_to_swallow_is_waited_for(quick: Timing) -> None:
    """A ping queues behind what was sent before it, for as long as a thin line takes for that."""
    timing = replace(quick, probe_after=0.02, dead_after=0.1)
    quiet = asyncio.Event()

    async def play(socket: ServerConnection) -> None:
        async for frame in socket:
            if len(frame) > 1000:
                await asyncio.sleep(timing.dead_after * 3)
                quiet.set()
            await socket.send(wire.encode("", wire.Pong()))

    async with played(play) as url, running(url, timing) as ends:
        await ends.until(lambda: ends.link.state is LinkState.LIVE)
        ends.link.send(ROOM, wire.Update(b"x" * (module.SLOWEST // 2)))
        await quiet.wait()
        assert ends.told == ["token"]


async def test_a_relay_that_does_not_read_is_given_up(
    quick: Timing, line: OpenLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BACKLOG", 100_000)
    async with played(listen) as url:
        wire_line = await line(int(url.rpartition(":")[2]))
        async with running(wire_line.url, replace(quick, dead_after=60)) as ends:
            await ends.until(lambda: ends.link.state is LinkState.LIVE)
            wire_line.silence()
            for _ in range(20):
                ends.link.send(ROOM, wire.Update(b"x" * 10_000))
            await ends.until(lambda: ends.link.state is LinkState.OFFLINE)
            assert ends.link.reason == "the relay does not read"


async def test_what_was_sent_waits_no_more(quick: Timing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BACKLOG", 100_000)
    async with played(listen) as url, running(url, quick) as ends:
        await ends.until(lambda: ends.link.state is LinkState.LIVE)
        for _ in range(30):
            ends.link.send(ROOM, wire.Update(b"x" * 10_000))
            await ends.link.flush()
        assert ends.states == [LinkState.LIVE]


async def test_what_is_too_large_is_refused_here(quick: Timing) -> None:
    async with played(listen) as url, running(url, quick) as ends:
        for state in (LinkState.CONNECTING, LinkState.LIVE):
            await ends.until(lambda state=state: ends.link.state is state)
            with pytest.raises(StudioError, match="1024 KiB"):
                ends.link.send(ROOM, wire.Stream("input", 1, b"x" * (1 << 20)))


async def test_while_it_is_down_messages_are_dropped(quick: Timing) -> None:
    seen: list[bytes] = []

    async def play(socket: ServerConnection) -> None:
        async for frame in socket:
            seen.append(bytes(frame))
            await socket.send(wire.encode("", wire.Pong()))

    async with played(play) as url, running(url, quick) as ends:
        ends.link.send(ROOM, wire.Step1(b"\0"))
        await ends.until(lambda: ends.link.round_trip is not None)
        assert wire.encode(ROOM, wire.Step1(b"\0")) not in seen


# -- its owner --------------------------------------------------------------------------------


async def test_after_a_settled_room_the_next_outage_starts_small(
    quick: Timing, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    real = asyncio.sleep

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await real(0)

    async def locate() -> Endpoint:
        if len(waits) == 4:
            ends.link.settled()
        raise NotFound("nowhere")

    monkeypatch.setattr("studio_tui.sync.link.asyncio.sleep", sleep)
    async with running(locate, quick) as ends:
        await ends.until(lambda: len(waits) > 6)
        steps = [0.1 * FIRST * GROWTH**n for n in (0, 1, 2, 3, 0, 1)]
        assert waits[:6] == pytest.approx(steps)


async def test_a_restarting_relay_says_how_far_to_spread(
    quick: Timing, monkeypatch: pytest.MonkeyPatch
) -> None:
    hints: list[float] = []
    reasons = ["relay restarts; retry-after=3", "retry-after=", "retry-after=9999999", "bye"]

    async def play(socket: ServerConnection) -> None:
        await socket.close(
            1012 if reasons else 1011, reasons.pop(0) if reasons else "retry-after=4"
        )

    monkeypatch.setattr(module.Backoff, "spread", lambda self, seconds: hints.append(seconds))
    async with played(play) as url, running(url, quick) as ends:
        await ends.until(lambda: ends.told.count("lost") == 5)
    assert hints == [3.0]


async def test_flushing_waits_for_what_was_queued_and_the_end_is_polite(quick: Timing) -> None:
    seen: list[bytes] = []
    codes: list[int | None] = []

    async def play(socket: ServerConnection) -> None:
        seen.extend([bytes(frame) async for frame in socket])
        codes.append(socket.close_code)

    async with played(play) as url, running(url, quick) as ends:
        await ends.link.flush()
        await ends.until(lambda: ends.link.state is LinkState.LIVE)
        for number in range(50):
            ends.link.send(ROOM, wire.Update(bytes([number]) * 5000))
        await ends.link.flush()
    assert len([frame for frame in seen if len(frame) > 1000]) == 50
    assert codes == [1000]


async def test_flushing_ends_with_the_link(quick: Timing, line: OpenLine) -> None:
    async with played(listen) as url:
        broken = await line(int(url.rpartition(":")[2]))
        async with running(broken.url, quick) as ends:
            await ends.until(lambda: ends.link.state is LinkState.LIVE)
            broken.silence()
            for _ in range(20):
                ends.link.send(ROOM, wire.Update(b"x" * 500_000))
            flushing = asyncio.create_task(ends.link.flush())
            await asyncio.sleep(0.02)
            assert not flushing.done()
            await broken.cut()
            await flushing


async def test_an_error_in_a_callback_comes_out(quick: Timing) -> None:
    async def locate() -> Endpoint:
        return Endpoint(url, "token")

    def fails(room: str, message: wire.Message) -> None:
        raise KeyError("boom")

    async def play(socket: ServerConnection) -> None:
        await socket.send(wire.encode(ROOM, wire.Granted("read-write")))
        await listen(socket)

    nothing: Callable[..., None] = lambda *_: None  # noqa: E731
    async with played(play) as url:
        link = Link(locate, nothing, fails, nothing, nothing, quick)
        with pytest.raises(ExceptionGroup) as caught:
            await link.run()
        assert caught.group_contains(KeyError)


@pytest.mark.parametrize("state", LinkState)
async def test_it_can_be_cancelled_in_every_state(quick: Timing, state: LinkState) -> None:
    async def locate() -> Endpoint:
        if state is LinkState.CONNECTING:
            await asyncio.Event().wait()
        return Endpoint(url if state is LinkState.LIVE else "ws://127.0.0.1:1", "token")

    before = asyncio.all_tasks()
    async with played(listen) as url:
        async with running(locate, quick) as ends:
            if state is not LinkState.CONNECTING:
                await ends.until(lambda: ends.link.state is state)
            else:
                await asyncio.sleep(0)
        assert {t for t in asyncio.all_tasks() - before if "relay link" in t.get_name()} == set()
