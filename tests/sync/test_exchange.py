"""Exchanging an invite's code, on a real relay and on servers that are none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from relay_server import wire
from relay_server.invites import InviteBook
from studio_tui.errors import NotFound, Refused, StudioError
from studio_tui.sync.exchange import check, exchange
from studio_tui.sync.link import Endpoint, Timing

ROOM = "calm-otter"
CODE = "c0de-of-the-invite"


def invite(relay: Any, expires: float = 60) -> str:
    """The code of a new invite."""
    return InviteBook.beside(relay.key_path).make(room=ROOM, role="editor", expires=expires)[1]


async def test_a_code_becomes_a_token_once(
    relay: Any, attach: Callable[..., Awaitable[Any]], quick: Timing
) -> None:
    endpoint = Endpoint(relay.url, invite(relay))
    token = await exchange(endpoint, ROOM, quick)
    session = await attach(relay.url, token)
    assert (await session.join(ROOM)).writable
    with pytest.raises(Refused, match="used already") as caught:
        await exchange(endpoint, ROOM, quick)
    assert caught.value.hint


@pytest.mark.parametrize("room", [ROOM, "*"])
async def test_a_token_is_checked_and_nobody_joins(relay: Any, quick: Timing, room: str) -> None:
    await check(Endpoint(relay.url, relay.token(room=room)), ROOM, quick)
    with pytest.raises(Refused, match="does not take the token: the token is not valid"):
        await check(Endpoint(relay.url, "wrongtoken"), ROOM, quick)


async def test_a_token_cannot_be_checked(quick: Timing) -> None:
    with pytest.raises(NotFound):
        await check(Endpoint("ws://127.0.0.1:1", CODE), ROOM, quick)
    async with played(says_nothing) as url:
        with pytest.raises(NotFound, match="did not answer"):
            await check(Endpoint(url, CODE), ROOM, replace(quick, answer=0.2))


async def test_a_code_that_is_none_is_refused(relay: Any, quick: Timing) -> None:
    with pytest.raises(Refused, match="not valid") as caught:
        await exchange(Endpoint(relay.url, CODE), ROOM, quick)
    assert CODE not in caught.value.message + caught.value.hint


Play = Callable[[ServerConnection], Awaitable[None]]


@asynccontextmanager
async def played(play: Play) -> AsyncIterator[str]:
    async with serve(play, "127.0.0.1", 0) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"


async def closes_refusing(socket: ServerConnection) -> None:
    await socket.recv()
    await socket.close(wire.Close.TOKEN, "no\x1b[2J such invite")


async def closes(socket: ServerConnection) -> None:
    await socket.recv()
    await socket.close()


async def says_nothing(socket: ServerConnection) -> None:
    await socket.wait_closed()


async def speaks_otherwise(socket: ServerConnection) -> None:
    await socket.send(b"\xff" * 20)
    await socket.wait_closed()


@pytest.mark.parametrize(
    ("play", "kind", "said"),
    [
        (closes_refusing, Refused, r"no\[2J such invite"),
        (closes, NotFound, "did not answer"),
        (says_nothing, NotFound, "did not answer"),
        (speaks_otherwise, StudioError, "does not speak"),
    ],
)
async def test_what_is_no_answer(play: Play, kind: type, said: str, quick: Timing) -> None:
    """And it is asked once: what was lost may have been the token."""
    asked = 0

    async def counted(socket: ServerConnection) -> None:
        nonlocal asked
        asked += 1
        await play(socket)

    async with played(counted) as url:
        with pytest.raises(StudioError, match=said) as caught:
            await exchange(Endpoint(url, CODE), ROOM, replace(quick, answer=0.2))
    assert type(caught.value) is kind
    assert CODE not in caught.value.message + caught.value.hint
    assert asked == 1


async def test_where_nobody_is(quick: Timing) -> None:
    with pytest.raises(NotFound):
        await exchange(Endpoint("ws://127.0.0.1:9", CODE), ROOM, quick)


async def test_news_before_the_answer_is_passed_over(quick: Timing) -> None:
    async def play(socket: ServerConnection) -> None:
        room, message = wire.decode(bytes(await socket.recv()))
        assert isinstance(message, wire.Token)
        assert (room, message.token) == (ROOM, f"invite:{CODE}")
        await socket.send(wire.encode("", wire.Ping()))
        await socket.send(wire.encode(ROOM, wire.Issued("token")))
        await socket.wait_closed()

    async with played(play) as url:
        async with asyncio.timeout(10):
            assert await exchange(Endpoint(url, CODE), ROOM, quick) == "token"
