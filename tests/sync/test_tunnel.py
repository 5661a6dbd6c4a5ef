"""Two ends of a tunnel over a wire that the test holds, with real sockets at both of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from studio_tui.errors import StudioError
from studio_tui.sync import tunnel
from studio_tui.sync.tunnel import CONNECTIONS, WINDOW, Ends, Frame, Kind, Tunnel, read_frame

Service = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
BIG = bytes(range(256)) * 4096  # 1 MiB, eight windows


class Pair:
    """Both ends; what travels is counted, and the greatest amount that was on its way to here."""

    def __init__(self, port: int) -> None:
        self.near = Tunnel(lambda data: self._carry(data, to_far=True))
        self.far = Tunnel(lambda data: self._carry(data, to_far=False), self._dial)
        self.port = port
        self.under_way = self.most = 0

    async def _dial(self) -> Ends:
        return await asyncio.open_connection("127.0.0.1", self.port)

    def _carry(self, data: bytes, *, to_far: bool) -> None:
        frame = read_frame(data)
        if frame.kind is Kind.DATA and not to_far:
            self.under_way += len(frame.data)
            self.most = max(self.most, self.under_way)
        if frame.kind is Kind.MORE and to_far:
            self.under_way -= int.from_bytes(frame.data)
        receive = self.far.received if to_far else self.near.received
        asyncio.get_running_loop().call_soon(receive, data)


@asynccontextmanager
async def tunnelled(service: Service) -> AsyncIterator[tuple[Pair, int]]:
    """A pair that leads to `service`, and the port of its near end."""
    async with await asyncio.start_server(service, "127.0.0.1", 0) as behind:
        pair = Pair(behind.sockets[0].getsockname()[1])
        async with await asyncio.start_server(pair.near.accepted, "127.0.0.1", 0) as front:
            yield pair, front.sockets[0].getsockname()[1]
        await pair.near.closed()
        await pair.far.closed()


async def exchange(port: int, data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def nothing_from(reader: asyncio.StreamReader) -> bool:
    """Whether the connection ends without an answer, in whichever way."""
    try:
        return await reader.read() == b""
    except ConnectionError:
        return True


async def reverse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers once all was heard: both directions end by themselves."""
    writer.write((await reader.read())[::-1])
    await writer.drain()
    writer.close()


async def test_each_connection_brings_back_its_own_answer_whole() -> None:
    async with tunnelled(reverse) as (pair, port):
        answers = await asyncio.gather(*(exchange(port, b"%d" % n + BIG) for n in range(3)))
        assert answers == [(b"%d" % n + BIG)[::-1] for n in range(3)]
        while pair.near.busy or pair.far.busy:
            await asyncio.sleep(0)


async def test_a_slow_reader_holds_back_no_more_than_its_window() -> None:
    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(BIG * 16)
        await writer.drain()
        writer.close()

    async with tunnelled(pour) as (pair, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        await reader.readexactly(1)
        assert await exchange(port, b"") == BIG * 16  # another one is not held up
        assert pair.most <= 2 * WINDOW
        rest = 1
        while data := await reader.read(1 << 16):
            rest += len(data)
        assert rest == 16 * len(BIG)
        writer.close()


async def test_nobody_behind_it_closes_the_connection() -> None:
    async def nobody(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Never reached."""

    async with tunnelled(nobody) as (pair, port):
        pair.port = 1  # nothing listens there
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await nothing_from(reader)
        writer.close()


async def test_one_connection_too_many_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tunnel, "CONNECTIONS", 1)
    held = asyncio.Event()

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await held.wait()
        writer.close()

    async with tunnelled(hold) as (_, port):
        _, first = await asyncio.open_connection("127.0.0.1", port)
        reader, second = await asyncio.open_connection("127.0.0.1", port)
        assert await nothing_from(reader)
        held.set()
        first.close()
        second.close()


@pytest.mark.parametrize("data", [b"", b"\1", b"\x09\0\0\0\1", b"\xff" * 40])
async def test_what_is_no_frame_is_an_error(data: bytes) -> None:
    with pytest.raises(StudioError, match="no sense"):
        Tunnel(lambda _: None).received(data)


async def test_the_far_end_is_not_believed() -> None:
    near = Tunnel(lambda _: None)
    with pytest.raises(StudioError, match="may not"):
        near.received(Frame(Kind.OPEN, 1).write())
    near.received(Frame(Kind.DATA, 7, b"of no connection").write())
    far = Tunnel(lambda _: None, asyncio.Event().wait)  # type: ignore[arg-type]
    far.received(Frame(Kind.OPEN, 1).write())
    with pytest.raises(StudioError, match="too much"):
        far.received(Frame(Kind.DATA, 1, bytes(WINDOW + 1)).write())
    for number in range(2, CONNECTIONS + 9):
        far.received(Frame(Kind.OPEN, number).write())
    assert far.busy == CONNECTIONS
    await far.closed()
