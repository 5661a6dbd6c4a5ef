"""A studio's host: files, terminals, jobs and meters behind the studio's rooms."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from studio_tui.document.entries import MachineEntry, StudioInfo
from studio_tui.document.presence import read_person
from studio_tui.document.studio import INFO, StudioDocument
from studio_tui.host.calls import Calls, Method, Params, Result, command
from studio_tui.host.files import Files
from studio_tui.host.folder import Folder
from studio_tui.host.jobs import Jobs
from studio_tui.host.meters import Meters
from studio_tui.host.terminals import Terminals
from studio_tui.jobs.launch import Supervisor
from studio_tui.machines.catalogue import LOCAL, Catalogue
from studio_tui.machines.install import describe, install
from studio_tui.machines.local import LocalConnection
from studio_tui.meters.sample import Sample
from studio_tui.sync.link import Endpoint
from studio_tui.sync.session import Session

log = logging.getLogger(__name__)

JOIN_SECONDS = 30.0


@dataclass(frozen=True)
class Place:
    """Which studio a host serves, and where its things are.

    `state` is the host's own folder for this studio, `machine_root` the machine's folder for
    payload, jobs and terminals.
    """

    id: str
    name: str
    folder: Path
    state: Path
    machine_root: Path


class Host:
    """Serves one studio until it is told to stop.

    Args:
        place: the studio.
        locate: finds the relay, see `studio_tui.sync.link.Link`.
        ready: called once everything answers.
    """

    def __init__(
        self, place: Place, locate: Callable[[], Awaitable[Endpoint]], ready: Callable[[], None]
    ) -> None:
        self._place = place
        self._session = Session(locate, "host", "host")
        self._ready = ready
        self._stopped = asyncio.Event()
        self._seq = itertools.count(1)

    def stop(self) -> None:
        """End `serve`; terminals and jobs stay where they are."""
        self._stopped.set()

    async def serve(self) -> None:
        """Serve until `stop`. Everything typed so far is on disk when this returns."""
        async with self._session, contextlib.AsyncExitStack() as closing:
            await self._session.join(self._place.id, timeout=JOIN_SECONDS)
            connection = LocalConnection(self._place.machine_root)
            closing.push_async_callback(connection.close)
            try:
                async with asyncio.TaskGroup() as tasks:
                    files = await self._open(connection, tasks)
                    self._ready()
                    log.info("serving %s in %s", self._place.id, self._place.folder)
                    await self._stopped.wait()
                    await files.save_all()
                    raise _Stopped
            except* _Stopped:
                log.info("stopped serving %s", self._place.id)

    async def _open(self, connection: LocalConnection, tasks: asyncio.TaskGroup) -> Files:
        """Build the parts, take up what an earlier host left, and answer calls."""
        place, session = self._place, self._session
        document = StudioDocument(session.room(place.id).replica)
        self._introduce(document)
        payload = await install(connection)
        folder = Folder(place.folder)
        files = Files(folder, place.state, session, document, place.id, tasks)
        terminals = Terminals(
            connection,
            payload,
            LOCAL,
            str(place.folder),
            sys.executable,
            document,
            session,
            place.id,
            tasks,
        )
        supervisor = Supervisor(connection, payload)
        jobs = Jobs(
            supervisor, LOCAL, str(place.folder), sys.executable, document, session, place.id,
            tasks, time.time,
        )  # fmt: skip
        meters = Meters(connection, payload, LOCAL, sys.executable, self._publish)
        await files.resume()
        await terminals.resume()
        await jobs.resume()
        calls = Calls(tasks, lambda call_id, result: session.reply(place.id, call_id, result))
        for part in (folder, files, terminals, jobs, meters):
            calls.add(part.calls())
        calls.add([self._stop_method(terminals, jobs)])
        room = session.room(place.id)
        room.on_call = calls.received
        room.on_presence = lambda: terminals.present(self._connections())
        room.show({"host": place.id})
        tasks.create_task(files.watch(), name="watching files")
        tasks.create_task(meters.run(), name="meters")
        tasks.create_task(self._describe(connection, payload, document), name="machine facts")
        return files

    def _introduce(self, document: StudioDocument) -> None:
        info = document.info
        if not info.name:
            info = StudioInfo(INFO, machine=LOCAL, epoch=1)
        document.info = replace(info, name=self._place.name, dir=str(self._place.folder))

    async def _describe(
        self, connection: LocalConnection, payload: str, document: StudioDocument
    ) -> None:
        machine = Catalogue().find(LOCAL).described(await describe(connection, payload))
        document.machines.put(MachineEntry.read(machine.to_dict()))

    def _stop_method(self, terminals: Terminals, jobs: Jobs) -> Method:
        async def answer(params: Params) -> Result:
            ended = await terminals.end_all()
            asyncio.get_running_loop().call_later(0.05, self.stop)
            return {"terminals": ended, "jobs": jobs.running()}

        return command("studio.stop", answer)

    def _publish(self, sample: Sample) -> None:
        self._session.stream(self._place.id, "meters", next(self._seq), sample.to_json().encode())

    def _connections(self) -> set[int]:
        room = self._session.room(self._place.id)
        people = (read_person(state) for state in room.presence.values())
        return {person.connection for person in people if person is not None}


class _Stopped(Exception):
    """The host has been told to stop."""
