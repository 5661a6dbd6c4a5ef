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

from relay_server.errors import PortTaken, RelayError
from studio_tui.errors import Refused, StudioError
from studio_tui.host.host import Host, Place
from studio_tui.settings import names, paths, pins, secrets, studios
from studio_tui.settings.private import write_private
from studio_tui.settings.studios import StudioRecord
from studio_tui.sync.link import Endpoint

log = logging.getLogger(__name__)

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
        Refused: there is no token for the relay, or it is not good.
        NotFound: the relay cannot be reached.
        StudioError: another host serves the folder, or this one cannot work here.
    """
    with studios.HostLock(folder):
        record = studios.for_folder(folder)
        relay = relay or (record.relay if record else None)
        token = None if relay is None else _token_for(relay)
        studio = record.id if record else _new_id(token)
        shown = name or (record.name if record else folder.name or studio)
        _log_to(paths.studio_folder(studio) / "host.log")
        try:
            asyncio.run(_serve(studio, shown, folder, relay, token, record))
        except RelayError as problem:
            log.error("%s", problem)
            raise StudioError(problem.message, problem.hint) from problem
        except StudioError as problem:
            log.error("%s", problem)
            raise
        except BaseException:
            # Nobody may be reading what this process prints: the log must have it too.
            log.exception("the host of %s ended by a fault", studio)
            raise


def _token_for(relay: str) -> str:
    token = secrets.token_for(relay)
    if not token:
        raise Refused(f"no token for {relay}", f"studio-tui login {relay}")
    return token


def _new_id(token: str | None) -> str:
    """An id for a new studio: the one that the relay's token is for, when it is for one."""
    taken = {known.id for known in studios.records()}
    meant = "" if token is None else secrets.room_of(token)
    return meant if names.valid_id(meant) and meant not in taken else names.new_id(taken)


def _log_to(path: Path) -> None:
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=1)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("websockets").setLevel(logging.WARNING)


async def _serve(
    studio: str,
    name: str,
    folder: Path,
    relay: str | None,
    token: str | None,
    before: StudioRecord | None,
) -> None:
    state = paths.studio_folder(studio)
    private = (
        paths.config_folder(), paths.state_folder(), paths.runtime_folder(), paths.log_folder(),
    )  # fmt: skip
    moved = before is not None and _key(before.relay) != _key(relay)
    place = Place(
        studio, name, folder, state, paths.machine_root(), paths.answers_socket(studio), private,
        moved,
    )  # fmt: skip
    async with _opened(state, studio, relay, token, before) as opened:

        async def locate() -> Endpoint:
            return Endpoint(opened.url, opened.token, pins.trust(opened.url))

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


def _key(relay: str | None) -> str:
    """Which relay a studio is on; "" is its own."""
    return "" if relay is None else secrets.relay_key(relay)


@asynccontextmanager
async def _opened(
    state: Path, studio: str, relay: str | None, token: str | None, before: StudioRecord | None
) -> AsyncIterator[_Opened]:
    """The studio's relay: the team's, or one of our own for as long as the host runs."""
    if relay is not None and token is not None:
        write_private(state / "token", token.encode())
        yield _Opened(relay, token, state / "token")
        return
    from relay_server.serve import serve
    from relay_server.settings import RelaySettings

    settings = RelaySettings(
        port=_port_of(before),
        store=f"sqlite:///{state / 'relay.sqlite'}",
        key_path=state / "relay.key",
    )
    async with contextlib.AsyncExitStack() as stack:
        try:
            running = await stack.enter_async_context(serve(settings))
        except PortTaken:
            # People find the new port in the record.
            running = await stack.enter_async_context(serve(replace(settings, port=0)))
        token = running.keys.mint(room=studio, role="owner", expires=TOKEN_SECONDS)
        write_private(state / "token", token.encode())
        yield _Opened(running.url, token, state / "token")


def _port_of(before: StudioRecord | None) -> int:
    """The port of the last run, so that apps which wait for the host find it where it was."""
    if before is None or before.relay is not None:
        return 0
    return urlsplit(before.url).port or 0
