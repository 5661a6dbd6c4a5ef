"""A studio this process is attached to: people, files, terminals, jobs and meters, live."""

from __future__ import annotations

import asyncio
import base64
import itertools
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Literal, Self

from relay_server import wire
from studio_tui.client.file import SharedFile
from studio_tui.client.job import Job
from studio_tui.client.terminal import SharedTerminal
from studio_tui.document.entries import JobEntry
from studio_tui.document.presence import Gaze, Person, read_person, write_gaze
from studio_tui.document.studio import StudioDocument
from studio_tui.errors import NotFound, StudioError
from studio_tui.meters.sample import Sample, SampleError
from studio_tui.meters.series import Series
from studio_tui.sync.link import Endpoint, LinkState
from studio_tui.sync.session import Session

Topic = Literal["link", "people", "document", "meters", "saved"]
PRESENCE_PERIOD = 0.05
METER_SECONDS = 600


class Studio:
    """An attached studio; use as an async context manager.

    Args:
        id: the studio's id, also its relay room.
        locate: finds the relay, see `studio_tui.sync.link.Link`.
        name: display name to ask for.
    """

    def __init__(self, id: str, locate: Callable[[], Awaitable[Endpoint]], name: str = "") -> None:
        self.id = id
        self.session = Session(locate, name)
        self.meters: dict[str, Sample] = {}
        self.series: dict[str, Series] = {}
        self._room = self.session.room(id)
        self.document = StudioDocument(self._room.replica)
        self._observers: dict[int, Callable[[Topic], None]] = {}
        self._observer_ids = itertools.count()
        self._files: dict[str, SharedFile] = {}
        self._terminals: dict[str, SharedTerminal] = {}
        self._jobs: dict[str, Job] = {}
        self._people: list[Person] = []
        self._gaze = Gaze()
        self._gaze_timer: asyncio.TimerHandle | None = None
        self._room.on_presence = self._presence_changed
        self._room.on_stream = self._streamed
        self._stop_document = self.document.observe(lambda: self._tell("document"))
        self._was: tuple[Any, ...] = ()
        self.session.on_change = self._session_changed

    async def __aenter__(self) -> Self:
        await self.session.__aenter__()
        self._room.show(write_gaze(self._gaze))
        try:
            await self.session.join(self.id)
        except BaseException:
            await self.session.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._gaze_timer is not None:
            self._gaze_timer.cancel()
        self._stop_document()
        await self.session.__aexit__(kind, problem, trace)

    # -- state --------------------------------------------------------------------------------

    @property
    def state(self) -> str:
        """ "connecting", "live" or "offline"."""
        return self.session.state.value

    @property
    def reason(self) -> str:
        """Why the studio is offline; empty while it is live."""
        return self.session.link.reason

    @property
    def url(self) -> str:
        """The relay's address, as of the last attempt to connect."""
        return self.session.link.url

    @property
    def round_trip(self) -> float | None:
        """Seconds from here to the relay and back; None while offline or not yet measured."""
        return self.session.link.round_trip

    @property
    def unsaved(self) -> int:
        """Edits made here that the relay has not yet confirmed as durable."""
        return self.session.unsaved

    @property
    def store_failed(self) -> bool:
        """The relay has edits of ours that it could not write to its disk."""
        return any(
            room.unsaved and room.stored and room.level < wire.Level.DISK
            for room in self.session.rooms.values()
        )

    @property
    def people(self) -> list[Person]:
        """Everybody here, the studio's host left out, in the order they came."""
        return [person for person in self._people if person.role != "host"]

    @property
    def me(self) -> Person | None:
        """This connection as the relay stamped it; None until it is live."""
        state = self._room.presence.get(self._room.replica.client_id)
        return None if state is None else read_person(state)

    @property
    def host_here(self) -> bool:
        """Whether the studio's host is connected: without it there are documents but no hands."""
        return any(person.role == "host" for person in self._people)

    @property
    def writable(self) -> bool:
        """False for a viewer."""
        return self._room.writable

    def observe(self, callback: Callable[[Topic], None]) -> Callable[[], None]:
        """Call `callback(topic)` after every change; the returned function ends it."""
        key = next(self._observer_ids)
        self._observers[key] = callback
        return lambda: self._observers.pop(key, None) and None

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until `condition()` holds, looked at after everything that arrives."""
        await self.session.until(condition)

    # -- asking the host ----------------------------------------------------------------------

    async def query(self, method: str, **params: Any) -> dict[str, Any]:
        """Ask the host something that changes nothing; viewers may."""
        return await self.session.call(self.id, method, params, changes=False)

    async def command(self, method: str, **params: Any) -> dict[str, Any]:
        """Have the host do something; owners and editors may."""
        return await self.session.call(self.id, method, params, changes=True)

    # -- what is in it ------------------------------------------------------------------------

    async def file(self, path: str) -> SharedFile:
        """The shared text of the file at `path`, relative to the studio's folder.

        Raises:
            NotFound: there is no such file.
            StudioError: it is binary or too large to edit; `read` still shows it.
        """
        opened = await self.query("files.open", path=path)
        if opened["readonly"]:
            raise StudioError(
                f"{path} cannot be edited: {opened['reason']}", "read it: studio.read"
            )
        key = str(opened["room"])
        if key not in self._files:
            room = await self.session.join(key)
            self._files[key] = SharedFile(self, str(opened["file"]), path, room)
        return self._files[key]

    async def read(self, path: str) -> bytes:
        """The bytes of any file, binary or large, as they are on the machine's disk."""
        parts, offset = [], 0
        while True:
            piece = await self.query("files.read", path=path, offset=offset)
            parts.append(base64.b64decode(piece["data"]))
            offset += len(parts[-1])
            if not parts[-1] or offset >= int(piece["size"]):
                return b"".join(parts)

    async def terminal(
        self,
        id: str | None = None,
        *,
        command: list[str] | None = None,
        cols: int = 80,
        rows: int = 24,
        title: str = "",
    ) -> SharedTerminal:
        """A new terminal on the studio's machine, or the one with `id`."""
        if id is None:
            made = await self.command(
                "terminals.create", command=command, cols=cols, rows=rows, title=title
            )
            id = str(made["terminal"])
        if id not in self._terminals:
            await self._known(lambda: id in self.document.terminals, f"no terminal {id!r}")
            room = await self.session.join(f"{self.id}/term/{id}")
            self._terminals[id] = SharedTerminal(self, id, room)
        return self._terminals[id]

    async def run(self, script: str = "", args: list[str] | None = None, **options: Any) -> Job:
        """Start a job; options: name, devices, precision, strategy, env, command, machine."""
        made = await self.command("jobs.run", script=script, args=args or [], **options)
        await self._known(lambda: made["id"] in self.document.jobs, "the job is not listed")
        return await self.job(str(made["id"]))

    async def job(self, id: str) -> Job:
        """The job with this id, or the newest one with this name."""
        if id not in self.document.jobs:
            id = self._job_named(id).id
        if id not in self._jobs:
            room = await self.session.join(f"{self.id}/job/{id}")
            self._jobs[id] = Job(self, id, room)
        return self._jobs[id]

    def _job_named(self, name: str) -> JobEntry:
        named = [job for job in self.document.jobs.values() if job.name == name]
        if not named:
            raise NotFound(f"no job {name!r} in {self.id}", f"see: studio-tui job ls {self.id}")
        return max(named, key=lambda job: job.started or 0.0)

    async def _known(self, condition: Callable[[], bool], message: str) -> None:
        """Wait for the document to show what a call just made: it travels beside the reply."""
        try:
            async with asyncio.timeout(5):
                await self.until(condition)
        except TimeoutError:
            raise NotFound(f"{message} in {self.id}", "is the id right?") from None

    # -- presence -----------------------------------------------------------------------------

    def look(self, gaze: Gaze) -> None:
        """Show the others what this person looks at; at most 20 times a second leave here."""
        if gaze == self._gaze:
            return
        self._gaze = gaze
        if self._gaze_timer is None:
            loop = asyncio.get_running_loop()
            self._gaze_timer = loop.call_later(PRESENCE_PERIOD, self._publish_gaze)

    def _publish_gaze(self) -> None:
        self._gaze_timer = None
        self._room.show(write_gaze(self._gaze))

    def _presence_changed(self) -> None:
        people = [read_person(state) for state in self._room.presence.values()]
        self._people = sorted((p for p in people if p is not None), key=lambda p: p.connection)
        self._tell("people")

    # -- what arrives -------------------------------------------------------------------------

    def _streamed(self, message: wire.Stream) -> None:
        if message.stream != "meters":
            return
        try:
            sample = Sample.from_json(message.data)
        except SampleError:
            return
        self.meters[sample.machine] = sample
        self.series.setdefault(sample.machine, Series(METER_SECONDS)).add(sample)
        self._tell("meters")

    def _session_changed(self) -> None:
        link = (self.state, self.reason, self.round_trip)
        saved = (self.unsaved, self.store_failed)
        before, self._was = self._was, (link, saved)
        if not before or before[0] != link:
            self._tell("link")
        if not before or before[1] != saved:
            self._tell("saved")

    def _tell(self, topic: Topic) -> None:
        for callback in list(self._observers.values()):
            callback(topic)


def live(studio: Studio) -> bool:
    """Whether calls can be made now."""
    return studio.session.state is LinkState.LIVE
