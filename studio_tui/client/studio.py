"""A studio this process is attached to: people, files, terminals, jobs and meters, live."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import posixpath
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Any, Literal, Self

from studio_tui.client import compare, switching
from studio_tui.client.answer import Answer
from studio_tui.client.compare import RunSummary
from studio_tui.client.data import Data
from studio_tui.client.file import SharedFile
from studio_tui.client.folder import Listing, read_listing
from studio_tui.client.followed import Followed, Shared
from studio_tui.client.job import Job
from studio_tui.client.services import Services
from studio_tui.client.switching import SwitchPlan
from studio_tui.client.terminal import SharedTerminal
from studio_tui.document import findings, progress
from studio_tui.document.entries import FileEntry, JobEntry, MachineEntry, SwitchEntry
from studio_tui.document.presence import Gaze, Person, read_person, write_gaze
from studio_tui.document.progress import Progress, read_progress
from studio_tui.document.studio import StudioDocument
from studio_tui.errors import NotFound, Refused, StudioError
from studio_tui.meters.sample import Sample, SampleError
from studio_tui.meters.series import Series
from studio_tui.sync import Stream
from studio_tui.sync.link import Endpoint
from studio_tui.sync.session import Session

Topic = Literal["link", "people", "document", "meters", "saved", "switch", "findings"]

PRESENCE_PERIOD = 0.05
METER_SECONDS = 600
READ_SIZE = 512 * 1024
STAMP_SECONDS = 5.0
LISTED_SECONDS = 5.0
NEWS_SECONDS = 2.0
DELIVERY_SECONDS = 5.0


class Studio(Services):
    """An attached studio; use as an async context manager.

    Leaving waits a moment for edits that are on their way, and raises StudioError when they did
    not reach the relay; leaving because of an error waits for nothing.

    Args:
        id: the studio's id, also its relay room.
        locate: finds the relay, see `studio_tui.sync.link.Link`; what it raises, entering raises.
        name: display name to ask for.
    """

    def __init__(self, id: str, locate: Callable[[], Awaitable[Endpoint]], name: str = "") -> None:
        self.id = id
        self.session = Session(locate, name)
        self.meters: dict[str, Sample] = {}
        self.series: dict[str, Series] = {}
        self.progress: Progress | None = None
        self._locate = locate
        self._room = self.session.room(id)
        self.document = StudioDocument(self._room.replica)
        self._observers: dict[int, Callable[[Topic], None]] = {}
        self._observer_ids = itertools.count()
        self._followed = Followed(self.session)
        self._people: list[Person] = []
        self._gaze = Gaze()
        self._attention = ("", 0)
        self._gaze_timer: asyncio.TimerHandle | None = None
        self._room.on_presence = self._presence_changed
        self._room.on_stream = self._streamed
        self._stop_document = self.document.observe(self._document_changed)
        self._was: tuple[Any, ...] = ()
        self.session.on_change = self._session_changed

    async def __aenter__(self) -> Self:
        # The link would ask for ever; a studio that is not there is told at once.
        await self.find()
        await self.session.__aenter__()
        self._room.show(write_gaze(self._gaze, *self._attention))
        try:
            await self.session.join(self.id)
            # Roles and seats go by connection: what is done next may depend on ours.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STAMP_SECONDS):
                    await self.until(lambda: self.me is not None)
        except BaseException:
            await self._leave()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                await self._delivered()
        finally:
            await self._leave()

    async def find(self) -> None:
        """Find the studio without entering it; raises what entering would when it is not there."""
        await self._locate()

    async def _delivered(self) -> None:
        """Give what was written here last a moment to reach the relay."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DELIVERY_SECONDS):
                await self.until(lambda: not self.undelivered)
        if self.undelivered:
            raise StudioError(
                f"{self.undelivered} of the last edits did not reach the relay and are lost",
                "wait for `await file.saved()` before leaving",
            )

    async def _leave(self) -> None:
        if self._gaze_timer is not None:
            self._gaze_timer.cancel()
        self._stop_document()
        self._followed.release()
        await self.session.__aexit__(None, None, None)

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
    def undelivered(self) -> int:
        """Those of the unsaved edits that the relay has not even taken in."""
        return sum(room.undelivered for room in self.session.rooms.values())

    @property
    def store_failed(self) -> bool:
        """The relay has edits of ours that it could not write to its disk."""
        return any(room.store_failed for room in self.session.rooms.values())

    @property
    def problem(self) -> StudioError | None:
        """What keeps edits made here from the relay, other than the link; None when nothing."""
        found = (room.problem for room in self.session.rooms.values())
        return next(filter(None, found), None)

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
        return self.host_connection is not None

    @property
    def host_connection(self) -> int | None:
        """The number of the host's connection."""
        return next((p.connection for p in reversed(self._people) if p.role == "host"), None)

    @property
    def reachable(self) -> bool:
        """Whether calls are answered now: the link is up and the host is here."""
        return self.state == "live" and self.host_here

    @property
    def writable(self) -> bool:
        """False for a viewer."""
        return self._room.writable

    def observe(self, callback: Callable[[Topic], None]) -> Callable[[], None]:
        """Call `callback(topic)` after every change; the returned function ends it."""
        key = next(self._observer_ids)
        self._observers[key] = callback

        def stop() -> None:
            self._observers.pop(key, None)

        return stop

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until `condition()` holds, looked at after everything that arrives.

        Raises:
            StudioError: the relay has closed the connection for good; what `condition` raises.
        """
        await self.session.until(condition)

    # -- asking the host ----------------------------------------------------------------------

    async def query(self, method: str, **params: Any) -> dict[str, Any]:
        """Ask the host something that changes nothing; viewers may.

        Raises:
            StudioError: the host's own error; NotFound when it is away or the link is down.
        """
        return await self.session.call(self.id, method, params, changes=False)

    async def command(self, method: str, **params: Any) -> dict[str, Any]:
        """Have the host do something; owners and editors may. Raises as `query` does."""
        return await self.session.call(self.id, method, params, changes=True)

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """As `query`, but waits while the host cannot be reached, then asks again."""
        while True:
            await self.until(lambda: self.reachable)
            host = self.host_connection
            try:
                return await self.query(method, **params)
            except NotFound:
                if not await self._has_left(host):
                    raise

    async def _has_left(self, host: int | None) -> bool:
        """Whether `host` has left: the refusal of a call may be ahead of the news of that."""
        try:
            async with asyncio.timeout(NEWS_SECONDS):
                await self.until(lambda: not self.reachable or self.host_connection != host)
        except TimeoutError:
            return False
        return True

    # -- what is in it ------------------------------------------------------------------------

    async def folder(self, path: str = "") -> Listing:
        """What is in the folder `path`, relative to the studio's own.

        Raises:
            NotFound: there is no such folder. Refused: it is outside of the studio's.
        """
        return read_listing(Answer("files.list", await self.query("files.list", path=path)))

    async def file(self, path: str) -> SharedFile:
        """The shared text of the file at `path`, relative to the studio's folder.

        While the host is away a file that is open already can still be edited.

        Raises:
            NotFound: there is no such file. Refused: it is outside of the studio's folder.
            StudioError: it is binary or too large to edit; `read` still gives its bytes.
        """
        entry = self._open_file(path)
        if entry is None or self.reachable:
            entry = await self._opened(path)
        if not entry.room.startswith(f"{self.id}/file/"):
            raise Refused(f"{path} has a room outside of this studio", "ask whoever hosts it")
        known = entry
        return await self._followed.join(
            entry.room, lambda room: SharedFile(self, known.id, known.path, room)
        )

    def _open_file(self, path: str) -> FileEntry | None:
        """The file at `path` if it is open for anybody."""
        wanted = posixpath.normpath(path)
        return next((e for e in self.document.files.values() if e.path == wanted), None)

    async def _opened(self, path: str) -> FileEntry:
        """Have the host open a file; its entry travels beside the reply."""
        answer = Answer("files.open", await self.query("files.open", path=path))
        if answer.flag("readonly"):
            raise StudioError(
                f"{path} cannot be edited: {answer.text('reason')}", "read it: studio.read"
            )
        file, room, files = answer.text("file"), answer.text("room"), self.document.files
        await self._listed(lambda: file in files and files[file].room == room, f"file {path}")
        return files[file]

    def is_open(self, path: str) -> bool:
        """Whether the file at `path` is open, for anybody: its text may be ahead of the disk."""
        return self._open_file(path) is not None

    async def read(self, path: str) -> bytes:
        """The bytes of any file, binary or large, as they are on the machine's disk."""
        parts, offset = [], 0
        while True:
            piece = await self.project.piece(path, offset, READ_SIZE)
            parts.append(piece.data)
            offset += len(piece.data)
            if not piece.data or offset >= piece.size:
                return b"".join(parts)

    def data(self, url: str = "") -> Data:
        """What is at a URL such as "s3://bucket/folder/", reached by the host's credentials."""
        return Data(self, url)

    async def terminal(
        self,
        id: str | None = None,
        *,
        command: Sequence[str] | None = None,
        cols: int = 80,
        rows: int = 24,
        title: str = "",
    ) -> SharedTerminal:
        """A new terminal on the studio's machine, or the one with `id`.

        Args:
            id: an existing terminal; what follows is for a new one.
            command: what runs in it; the user's shell when None.
            cols: width in cells.
            rows: height in cells.
            title: its name; what the program calls itself when empty.

        Raises:
            NotFound: there is no terminal `id`.
        """
        if id is None:
            params = {"command": list(command or ()), "cols": cols, "rows": rows, "title": title}
            made = await self.command("terminals.create", **params)
            id = Answer("terminals.create", made).text("terminal")
        known = id
        await self._listed(lambda: known in self.document.terminals, f"terminal {known}")
        return await self._followed.join(
            f"{self.id}/term/{known}", lambda room: SharedTerminal(self, known, room)
        )

    async def cut_input(self) -> None:
        """Panic: nobody drives any terminal, and nothing typed reaches any program.

        The owner's right; it holds until `restore_input`, also over a restart of the host.
        """
        await self.command("terminals.cut")

    async def restore_input(self) -> None:
        """End what `cut_input` began: the terminals can be typed in again."""
        await self.command("terminals.restore")

    async def run(
        self,
        script: str = "",
        args: Sequence[str] = (),
        *,
        machine: str | None = None,
        **options: Any,
    ) -> Job:
        """Start a job in the studio's folder; it outlives every connection.

        Args:
            script: a Python file, relative to the studio's folder.
            args: what follows the script.
            machine: where it runs; the studio's machine when None, several as "box1,box2".
            options: name, nodes, devices, accelerator, precision, strategy, max_steps,
                max_runtime ("2h"), budget (5.0), budget_alarm ("80%"), retries, env, secrets
                (names), data (URLs of what it is trained on), and `command`, a list of words to
                run instead of a script.

        Raises:
            NotFound: there is no such script or machine.
            StudioError: an option makes no sense.
        """
        where = {"machine": machine} if machine else {}
        made = await self.command("jobs.run", script=script, args=list(args), **where, **options)
        id = Answer("jobs.run", made).text("id")
        await self._listed(lambda: id in self.document.jobs, f"job {id}")
        return await self.job(id)

    async def probe(
        self, script: str, args: Sequence[str] = (), **options: Any
    ) -> list[RunSummary]:
        """Run a script for a few steps in each precision, one after the other: what each took.

        Each is a job like any other; the one that runs is stopped when this is cancelled.

        Args:
            options: as for `run`, and `precisions`, a list; `max_steps` is 5 unless given.

        Raises:
            NotFound: there is no such script. StudioError: an option makes no sense.
        """
        return await compare.probe(self, script, args, **options)

    async def machines(self) -> list[MachineEntry]:
        """The machines that the studio can be on; `state` is "unknown" for those not yet used.

        Raises:
            NotFound: the host is away.
        """
        return await switching.machines(self)

    async def switch(self, machine: str) -> SwitchEntry:
        """Take the studio to another machine: files, environment and people.

        Everybody sees how far it is; terminals and jobs stay where they run. Returns once the
        studio is there.

        Raises:
            NotFound: there is no such machine, or it cannot be reached.
            StudioError: the studio stays where it is; the message says why.
        """
        return await switching.switch(self, machine)

    async def plan_switch(self, machine: str) -> SwitchPlan:
        """What `switch` would do; nothing is done. Raises as `switch` does."""
        return await switching.plan(self, machine)

    async def cancel_switch(self) -> None:
        """Stop a switch that is under way; the studio stays where it is.

        Raises:
            StudioError: there is none, or it is too late.
        """
        await self.command("machines.cancel")

    async def stay(self, machine: str) -> None:
        """Keep a machine up that is about to sleep; `document.sleeps` tells which ones are.

        Raises:
            NotFound: there is no such machine, or the studio does not put it to sleep.
            StudioError: it is being stopped already.
        """
        await self.command("machines.stay", machine=machine)

    async def job(self, id: str) -> Job:
        """The job with this id, or the newest one with this name.

        Raises:
            NotFound: there is no such job.
        """
        known = id if id in self.document.jobs else self._job_named(id).id
        return await self._followed.join(
            f"{self.id}/job/{known}", lambda room: Job(self, known, room)
        )

    async def compare(self, a: str, b: str) -> tuple[RunSummary, RunSummary]:
        """Two runs in figures: curves, speed, memory, cost; see `studio_tui.client.compare`.

        Args:
            a, b: a job's id or name, or the path of a metrics.csv or TensorBoard event file.

        Raises:
            NotFound: there is no such job or file. StudioError: a file holds no metrics.
        """
        return await compare.summarize(self, a), await compare.summarize(self, b)

    def _job_named(self, name: str) -> JobEntry:
        named = [job for job in self.document.jobs.values() if job.name == name]
        if not named:
            raise NotFound(f"no job {name!r} in {self.id}", f"see: studio-tui job ls {self.id}")
        return max(named, key=lambda job: float("inf") if job.started is None else job.started)

    async def _listed(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for the document to show what a call just made: it travels beside the reply."""
        try:
            async with asyncio.timeout(LISTED_SECONDS):
                await self.until(condition)
        except TimeoutError:
            hint = f"see: studio-tui status {self.id}"
            raise NotFound(f"there is no {what} in {self.id}", hint) from None

    def forget(self, shared: Shared) -> None:
        """Leave the room of something that nobody here follows any more."""
        self._followed.forget(shared)

    # -- presence -----------------------------------------------------------------------------

    def look(self, gaze: Gaze) -> None:
        """Show the others what this person looks at; at most 20 times a second leave here."""
        if gaze != self._gaze:
            self._gaze = gaze
            self._publish_soon()

    def attend(self, place: str, following: int = 0) -> None:
        """Show the others which place of the screen has this person's keys, and whom they follow.

        Args:
            place: its id; "" for no screen.
            following: the connection of another person, 0 for nobody.
        """
        if (place, following) != self._attention:
            self._attention = place, following
            self._publish_soon()

    def _publish_soon(self) -> None:
        if self._gaze_timer is None:
            loop = asyncio.get_running_loop()
            self._gaze_timer = loop.call_later(PRESENCE_PERIOD, self._publish_gaze)

    def _publish_gaze(self) -> None:
        self._gaze_timer = None
        # What is too long to be shown, such as a very deep path, is not.
        with contextlib.suppress(ValueError):
            self._room.show(write_gaze(self._gaze, *self._attention))

    def _presence_changed(self) -> None:
        people = [read_person(state) for state in self._room.presence.values()]
        self._people = sorted((p for p in people if p is not None), key=lambda p: p.connection)
        self._tell("people")

    # -- what arrives -------------------------------------------------------------------------

    def _document_changed(self) -> None:
        self._followed.forget_removed(self.document)
        switch = self.document.switch
        if switch is None or switch.over:
            self.progress = None  # of a switch that is past
        self._tell("document")

    def _streamed(self, message: Stream) -> None:
        if message.stream == "meters":
            self._metered(message.data)
        elif message.stream == progress.STREAM and (told := read_progress(message.data)):
            self.progress = told
            self._tell("switch")
        elif message.stream == findings.STREAM and self.findings.received(message.data):
            self._tell("findings")

    def _metered(self, data: bytes) -> None:
        try:
            sample = Sample.from_json(data)
        except SampleError:
            return
        self.meters[sample.machine] = sample
        self.series.setdefault(sample.machine, Series(METER_SECONDS)).add(sample)
        self._tell("meters")

    def _session_changed(self) -> None:
        link = (self.state, self.reason, self.round_trip)
        problem = self.problem
        saved = (self.unsaved, self.store_failed, problem and problem.message)
        before, self._was = self._was, (link, saved)
        if not before or before[0] != link:
            self._tell("link")
        if not before or before[1] != saved:
            self._tell("saved")

    def _tell(self, topic: Topic) -> None:
        for callback in list(self._observers.values()):
            callback(topic)
