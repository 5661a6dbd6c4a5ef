"""A job that serves HTTP: which port it gets, and how one sees whether it is well."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

from studio_tui.document.entries import JobEntry
from studio_tui.document.studio import StudioDocument
from studio_tui.errors import StudioError
from studio_tui.host.machines.sites import Sites
from studio_tui.jobs.spec import JobSpec

ANSWER_SECONDS = 5.0
STATUS_BYTES = 4096
SERVER_ERROR = 500

UP, STARTING, FAILING = "up", "starting", "failing"


async def served(spec: JobSpec, machine: str, sites: Sites, document: StudioDocument) -> JobSpec:
    """`spec` with the port that it serves on; itself when it serves nothing.

    Raises:
        StudioError: another job of the studio serves there, or the machine cannot find a port.
    """
    if spec.port is None:
        return spec
    taken = {job.port: job.name for job in document.jobs.values() if machine_of(job) == machine}
    if spec.port and spec.port in taken:
        raise StudioError(
            f"{taken[spec.port]} serves on port {spec.port} of {machine} already",
            "stop it first, or leave the port open: any that is free is taken then",
        )
    if spec.port:
        return spec
    site = await sites.at(machine, wanted=True)
    told = (await site.connection.run([site.python, f"{site.payload}/meet.py"])).check(
        "looking for a port"
    )
    try:
        return replace(spec, port=int(json.loads(told.stdout)["port"]))
    except (ValueError, KeyError, TypeError) as problem:
        raise StudioError(f"{machine} finds no port", "name one: --port 8000") from problem


def machine_of(job: JobEntry) -> str:
    """Where a job serves; "" when it does not, or no more."""
    return "" if job.port is None or job.over else job.machine


async def health(port: int, path: str) -> tuple[str, str]:
    """How the server at `port` of this computer's loopback is: its state, and what it said.

    One that answers is up, unless it says that it is not: 5xx. One without such a path is up.
    At a port that there is not (asyncio: OverflowError), nothing answers.
    """
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            status = await _status(port, path)
    except TimeoutError:
        return FAILING, f"no answer to GET {path} in {ANSWER_SECONDS:.0f} s"
    except (OSError, OverflowError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return STARTING, "nothing answers there yet"
    words = status.split(" ", 2)
    if not status.startswith("HTTP/") or len(words) < 2 or not words[1].isdigit():
        return UP, "what answers does not speak HTTP"
    said = f"GET {path}: {' '.join(words[1:])}"
    return (FAILING if int(words[1]) >= SERVER_ERROR else UP), said


async def _status(port: int, path: str) -> str:
    """The first line of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=STATUS_BYTES)
    try:
        asked = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
        writer.write(asked.encode())
        await writer.drain()
        return (await reader.readuntil(b"\n")).decode("latin-1").strip()[:200]
    finally:
        writer.transport.abort()
