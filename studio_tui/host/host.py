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

from studio_tui.document import findings, progress
from studio_tui.document.entries import StudioInfo
from studio_tui.document.presence import Person, read_person
from studio_tui.document.progress import Progress
from studio_tui.document.studio import INFO, StudioDocument
from studio_tui.errors import NotFound, Refused, StudioError
from studio_tui.host.calls import Calls, Method, Params, Result, command
from studio_tui.host.data.data import Data
from studio_tui.host.files.checker import Checker
from studio_tui.host.files.files import Files
from studio_tui.host.files.folder import Folder
from studio_tui.host.files.project import Project
from studio_tui.host.jobs.jobs import Jobs
from studio_tui.host.keepsake import Keepsake
from studio_tui.host.machines.meters import Meters
from studio_tui.host.machines.roads import Home, Roads
from studio_tui.host.machines.sites import Sites
from studio_tui.host.pipelines.pipelines import Pipelines
from studio_tui.host.pointing import pointing
from studio_tui.host.ports import Ports
from studio_tui.host.questions import Questions
from studio_tui.host.switching.rented import Rented
from studio_tui.host.switching.switch import Switch
from studio_tui.host.terminals.terminals import Terminals
from studio_tui.machines.catalogue import LOCAL
from studio_tui.meters.sample import Sample
from studio_tui.sync.link import Endpoint, LinkState
from studio_tui.sync.room import Phase
from studio_tui.sync.session import Session

log = logging.getLogger(__name__)

JOIN_SECONDS = 4.0
OTHER_HOST_SECONDS = 9.0
"""How long another host is waited for: a relay takes that long to notice a dead connection."""
LAST_WORDS_SECONDS = 3.0


@dataclass(frozen=True)
class Place:
    """Which studio a host serves, and where its things are.

    Attributes:
        id: the studio's id, also its relay room.
        name: what people call it.
        folder: the studio's folder, resolved.
        state: the host's own folder for this studio.
        machine_root: the machine's folder for payload, jobs and terminals.
        answers: the socket for what only the host's own user may answer.
        private: folders that no call may look into, should they lie in the studio's folder.
        moved: the studio was on another relay before.
    """

    id: str
    name: str
    folder: Path
    state: Path
    machine_root: Path
    answers: Path
    private: tuple[Path, ...] = ()
    moved: bool = False


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
        self._session = session = Session(locate, "host", "host")
        self._calls = Calls(lambda call_id, result: session.reply(place.id, call_id, result))
        self._ready = ready
        self._stopped = asyncio.Event()
        self._seq = itertools.count(1)

    def stop(self) -> None:
        """End `serve`; terminals and jobs stay where they are."""
        self._stopped.set()

    async def serve(self) -> None:
        """Serve until `stop`. Everything typed so far is on disk when this returns.

        Raises:
            NotFound: the relay cannot be reached.
            Refused: it does not let us in, or not any more.
            StudioError: another host serves the studio, or this one cannot work here.
        """
        async with self._session, contextlib.AsyncExitStack() as closing:
            await self._join()
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._stay(), name="watching the session")
                    sites = await self._sites(tasks, closing)
                    files = await self._open(sites, tasks, closing)
                    self._ready()
                    log.info("serving %s in %s", self._place.id, self._place.folder)
                    await self._stopped.wait()
                    await files.save_all()
                    raise _Stopped
            except BaseExceptionGroup as group:
                _raise_problem(group)
            await self._last_words()
            log.info("stopped serving %s", self._place.id)

    async def _join(self) -> None:
        """Enter the studio's room, if no other host is there."""
        session, studio = self._session, self._place.id
        # Once we are in, people's calls come to us, long before the parts can answer them.
        session.room(studio).on_call = self._calls.received
        try:
            await session.join(studio, timeout=JOIN_SECONDS)
        except NotFound as problem:
            raise NotFound(
                f"the relay {session.link.url} cannot be reached: "
                f"{session.link.reason or 'no answer'}",
                "check the address, and that studio-relay runs there",
            ) from problem
        try:
            async with asyncio.timeout(OTHER_HOST_SECONDS):
                await session.until(lambda: all(p.role != "host" for p in self._people()))
        except TimeoutError:
            raise StudioError(
                f"another host serves {studio} already", "stop that one first, on its machine"
            ) from None

    async def _stay(self) -> None:
        """Raises what ends the session for good: a host that nobody can reach must not linger."""
        room = self._session.room(self._place.id)
        await self._session.until(lambda: room.phase in (Phase.REFUSED, Phase.BROKEN))
        raise room.problem or Refused(f"the relay ended {room.name}", "see the relay's log")

    @property
    def _document(self) -> StudioDocument:
        return StudioDocument(self._session.room(self._place.id).replica)

    async def _sites(self, tasks: asyncio.TaskGroup, closing: contextlib.AsyncExitStack) -> Sites:
        """The machines, and the ways to them."""
        place, document = self._place, self._document
        questions = Questions(document)
        await closing.enter_async_context(questions.answered_at(place.answers))
        home = Home(place.folder, place.machine_root, sys.executable)
        roads = Roads(place.id, home, document, questions, tasks)
        sites = Sites(roads, document, tasks)
        closing.push_async_callback(sites.close)
        return sites

    async def _open(
        self, sites: Sites, tasks: asyncio.TaskGroup, closing: contextlib.AsyncExitStack
    ) -> Files:
        """Build the parts, take up what an earlier host left, and answer calls."""
        place, session, document = self._place, self._session, self._document
        room, calls = session.room(place.id), self._calls
        keepsake = Keepsake(place.state / "document")
        if place.moved:
            keepsake.hand_over(document)
        self._introduce(document)
        tasks.create_task(keepsake.keep(document), name="keeping the studio document")

        def folder_at(machine: str) -> Folder:
            private = place.private if machine == LOCAL else ()
            folder = Folder(lambda: sites.at(machine), private)
            closing.push_async_callback(folder.close)
            return folder

        files = Files(folder_at(sites.here), place.state, session, document, place.id, tasks)
        checker = Checker(files, self._checked)
        terminals = Terminals(sites, document, session, place.id, place.state, tasks)
        jobs = Jobs(sites, document, session, place.id, tasks, time.time)
        ports = Ports(sites, document, session, place.id, tasks)
        pipelines = Pipelines(
            calls.ask, sites, document, session, place.state / "pipelines", tasks, time.time
        )
        switch = Switch(sites, files, document, folder_at, self._switching, tasks, time.time)
        ends = (jobs.end_on, terminals.end_on)
        rented = Rented(sites, switch, document, jobs.on, ends, place.state, tasks, time.time)

        def metered(sample: Sample) -> None:
            self._metered(sample)
            rented.sample(sample)

        meters = Meters(sites, tasks, metered)
        rented.on_watched = sites.on_reached = meters.follow
        sites.on_started = rented.started
        terminals.on_key = ports.on_use = rented.used
        files.on_edit = calls.on_change = lambda: rented.used(sites.here)
        meters.follow(sites.here)
        data = Data(lambda: files.folder, tasks)
        async with asyncio.TaskGroup() as resuming:
            for listed in (files, terminals, jobs, ports, pipelines, switch, rented):
                resuming.create_task(listed.resume())
        for part in (
            files,
            Project(files),
            checker,
            terminals,
            jobs,
            ports,
            pipelines,
            meters,
            sites,
            switch,
            rented,
            data,
        ):
            calls.add(part.calls())
        calls.add([self._stop_method(terminals, jobs, document), pointing(document, time.time)])
        calls.open(tasks)

        def present() -> None:
            terminals.present()
            ports.present({person.connection for person in self._people()})

        room.on_presence = present
        room.show({"host": place.id})
        tasks.create_task(files.watch(), name="watching files")
        tasks.create_task(checker.watch(), name="checking texts")
        tasks.create_task(rented.watch(), name="watching rented machines")
        tasks.create_task(pipelines.keep_time(), name="schedules of pipelines")
        return files

    def _introduce(self, document: StudioDocument) -> None:
        info = document.info
        if not info.name:
            info = StudioInfo(INFO, machine=LOCAL, epoch=1)
        here = str(self._place.folder) if info.machine == LOCAL else info.dir
        document.info = replace(info, name=self._place.name, dir=here, stopped="")

    def _stop_method(self, terminals: Terminals, jobs: Jobs, document: StudioDocument) -> Method:
        async def answer(params: Params) -> Result:
            ended = await terminals.end_all()
            document.info = replace(document.info, stopped=params.sender.name)
            # The answer leaves before the host does.
            asyncio.get_running_loop().call_later(0.1, self.stop)
            return {"terminals": ended, "jobs": jobs.running()}

        return command("studio.stop", answer)

    async def _last_words(self) -> None:
        """Let what was said of files at the end reach the relay; else the next host says it."""

        def said() -> bool:
            offline = self._session.state is not LinkState.LIVE
            return offline or not any(r.undelivered for r in self._session.rooms.values())

        with contextlib.suppress(TimeoutError, StudioError):
            async with asyncio.timeout(LAST_WORDS_SECONDS):
                await self._session.until(said)

    def _metered(self, sample: Sample) -> None:
        self._session.stream(self._place.id, "meters", next(self._seq), sample.to_json().encode())

    def _switching(self, far: Progress) -> None:
        self._session.stream(self._place.id, progress.STREAM, next(self._seq), far.to_json())

    def _checked(self, told: bytes) -> None:
        self._session.stream(self._place.id, findings.STREAM, next(self._seq), told)

    def _people(self) -> list[Person]:
        room = self._session.room(self._place.id)
        people = (read_person(state) for state in room.presence.values())
        return [person for person in people if person is not None]


class _Stopped(Exception):
    """The host has been told to stop."""


def _raise_problem(group: BaseExceptionGroup[BaseException]) -> None:
    """Raise what ended the tasks, if it was not a stop; of several problems in words the first."""
    _, rest = group.split(_Stopped)
    if rest is None:
        return
    known, unknown = rest.split(StudioError)
    if unknown is not None or known is None:
        raise rest
    problem: BaseException = known
    while isinstance(problem, BaseExceptionGroup):
        problem = problem.exceptions[0]
    raise problem
