"""The host as a process: one per folder, like tmux's server, with a relay inside by default."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import logging.handlers
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from relay_server.errors import RelayError
from studio_tui.errors import Refused, StudioError
from studio_tui.host.host import Host, Place
from studio_tui.settings import names, paths, secrets, studios
from studio_tui.settings.private import write_private
from studio_tui.settings.studios import StudioRecord
from studio_tui.sync.link import Endpoint

TOKEN_SECONDS = 10 * 365 * 24 * 3600
LOG_BYTES = 2_000_000


@dataclass(frozen=True)
class _Opened:
    """Where the relay listens, what opens it, and the file in which attaching people find that."""

    url: str
    token: str
    token_path: Path


def run(folder: Path, relay: str | None, name: str | None) -> None:
    """Serve `folder` until SIGTERM or SIGINT.

    Raises:
        StudioError: another host serves it, or the relay cannot be used.
    """
    os.umask(0o077)
    with studios.HostLock(folder):
        record = studios.for_folder(folder)
        taken = {known.id for known in studios.records()}
        studio = record.id if record else names.new_id(taken)
        shown = name or (record.name if record else folder.name or studio)
        relay = relay or (record.relay if record else None)
        _log_to(paths.studio_folder(studio) / "host.log")
        try:
            asyncio.run(_serve(studio, shown, folder, relay, record))
        except RelayError as problem:
            raise StudioError(problem.message, problem.hint) from problem


def _log_to(path: Path) -> None:
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=1)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


async def _serve(
    studio: str, name: str, folder: Path, relay: str | None, before: StudioRecord | None
) -> None:
    async with _opened(studio, relay, before) as opened:
        place = Place(studio, name, folder, paths.studio_folder(studio), paths.machine_root())

        async def locate() -> Endpoint:
            return Endpoint(opened.url, opened.token)

        def ready() -> None:
            studios.save(
                StudioRecord(
                    id=studio,
                    name=name,
                    dir=str(folder),
                    relay=relay,
                    url=opened.url,
                    token_path=str(opened.token_path),
                    pid=os.getpid(),
                    started=time.time(),
                )
            )

        host = Host(place, locate, ready)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, host.stop)
        await host.serve()


@asynccontextmanager
async def _opened(
    studio: str, relay: str | None, before: StudioRecord | None
) -> AsyncIterator[_Opened]:
    """The studio's relay: the team's, or one of our own for as long as the host runs."""
    state = paths.studio_folder(studio)
    if relay is not None:
        token = secrets.token_for(relay)
        if not token:
            raise Refused(f"no token for {relay}", f"studio-tui login {relay}")
        write_private(state / "token", token.encode())
        yield _Opened(relay, token, state / "token")
        return
    from relay_server.serve import serve
    from relay_server.settings import RelaySettings

    settings = RelaySettings(
        port=_port_of(before), store=f"sqlite:///{state / 'relay.sqlite'}",
        key_path=state / "relay.key",
    )  # fmt: skip
    async with contextlib.AsyncExitStack() as stack:
        try:
            running = await stack.enter_async_context(serve(settings))
        except RelayError:
            # The port of last time is taken now; people find the new one in the record.
            if not settings.port:
                raise
            running = await stack.enter_async_context(serve(replace(settings, port=0)))
        token = running.keys.mint(room=studio, role="owner", expires=TOKEN_SECONDS)
        write_private(state / "token", token.encode())
        yield _Opened(running.url, token, state / "token")


def _port_of(before: StudioRecord | None) -> int:
    """The port of the last run, so that apps which wait for the host find it where it was."""
    if before is None or before.relay is not None:
        return 0
    return urlsplit(before.url).port or 0
