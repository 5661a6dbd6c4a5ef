"""Which port a server gets, and how one sees whether it is well."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from studio_tui.document.entries import JobEntry
from studio_tui.document.replica import Replica
from studio_tui.document.studio import StudioDocument
from studio_tui.errors import StudioError
from studio_tui.host.jobs import serving
from studio_tui.host.jobs.serving import FAILING, STARTING, UP, health, served
from studio_tui.host.machines.sites import Site, Sites
from studio_tui.jobs.spec import JobSpec
from tests.host.conftest import Known


@asynccontextmanager
async def answering(answer: bytes | None) -> AsyncIterator[int]:
    """A server that says this to whatever it is asked; None: it never answers."""
    over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if answer is None:
            await over.wait()
        writer.write(answer or b"")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
        over.set()


@pytest.mark.parametrize(
    ("answer", "state", "note"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nok", UP, "GET /health: 200 OK"),
        (b"HTTP/1.0 404 Not Found\r\n\r\n", UP, "GET /health: 404 Not Found"),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", FAILING, "GET /health: 503 Service"),
        (b"220 mail ready\r\n", UP, "does not speak HTTP"),
        (b"x" * 10_000, STARTING, "nothing answers"),
        (b"", STARTING, "nothing answers"),
    ],
)
async def test_what_a_server_says_of_itself(answer: bytes, state: str, note: str) -> None:
    async with answering(answer) as port:
        found, said = await health(port, "/health")
    assert found == state
    assert note in said


async def test_nobody_there_and_nobody_answering(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "ANSWER_SECONDS", 0.05)
    async with answering(None) as port:
        assert (await health(port, "/"))[0] == FAILING
    assert (await health(port, "/"))[0] == STARTING


@pytest.mark.parametrize("port", [-1, 70_000])
async def test_nobody_is_at_a_port_that_there_is_not(port: int) -> None:
    assert (await health(port, "/"))[0] == STARTING


async def test_a_port_is_found_or_kept_and_given_once(site: Site) -> None:
    document = StudioDocument(Replica())
    async with asyncio.TaskGroup() as tasks:
        sites = Sites(Known(site), document, tasks)
        plain = JobSpec(script="train.py")
        assert await served(plain, "local", sites, document) is plain
        named = JobSpec(script="serve.py", port=8000)
        assert await served(named, "local", sites, document) is named
        found = await served(JobSpec(script="serve.py", port=0), "local", sites, document)
        assert 0 < (found.port or 0) < 65536

        document.jobs.put(JobEntry("j1", name="api", state="running", machine="local", port=8000))
        with pytest.raises(StudioError, match="api serves on port 8000"):
            await served(named, "local", sites, document)
        document.jobs.put(JobEntry("j1", name="api", state="failed", machine="local", port=8000))
        assert await served(named, "local", sites, document) is named
