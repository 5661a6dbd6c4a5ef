"""A studio this process is attached to: people, files, terminals, jobs and meters, live."""

from __future__ import annotations

import posixpath
from collections.abc import Awaitable, Callable, Sequence
from functools import cached_property
from typing import Any

from studio_tui.client import compare, switching
from studio_tui.client.answer import Answer
from studio_tui.client.attachment import Topic
from studio_tui.client.compare import RunSummary
from studio_tui.client.data import Data
from studio_tui.client.file import SharedFile
from studio_tui.client.folder import Listing, read_listing
from studio_tui.client.job import Job
from studio_tui.client.ports import answering
from studio_tui.client.project import Project
from studio_tui.client.services import Services
from studio_tui.client.switching import SwitchPlan
from studio_tui.client.terminal import SharedTerminal
from studio_tui.document import progress
from studio_tui.document.entries import FileEntry, JobEntry, MachineEntry, SwitchEntry
from studio_tui.document.progress import Progress, read_progress
from studio_tui.errors import NotFound, Refused, StudioError
from studio_tui.sync.link import Endpoint
from studio_tui.sync.room import Room

READ_SIZE = 512 * 1024


class Studio(Services):
    """An attached studio; use as an async context manager.

    Leaving waits a moment for edits that are on their way, and raises StudioError when they did
    not reach the relay; leaving because of an error waits for nothing.
    """

    def __init__(self, id: str, locate: Callable[[], Awaitable[Endpoint]], name: str = "") -> None:
        super().__init__(id, locate, name)
        self.progress: Progress | None = None
        self._hear(progress.STREAM, "switch", self._progressed)
        self.observe(self._forget_progress)

    def _progressed(self, data: bytes) -> bool:
        told = read_progress(data)
        self.progress = told or self.progress
        return told is not None

    def _forget_progress(self, topic: Topic) -> None:
        if topic == "document":
            switch = self.document.switch
            if switch is None or switch.over:
                self.progress = None  # of a switch that is past

    # -- files --------------------------------------------------------------------------------

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
        return await self._followed.join(entry.room, lambda room: self._shared_file(known, room))

    def _shared_file(self, entry: FileEntry, room: Room) -> SharedFile:
        file = SharedFile(self, entry.id, entry.path, room)
        # Whoever else types may have no caret, and the host no hand to say that it is unsaved.
        file.text.observe(lambda *_: self._tell("saved"))
        return file

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

    @property
    def open_files(self) -> list[SharedFile]:
        """The files that are open here."""
        return [shared for shared in self._followed if isinstance(shared, SharedFile)]

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

    @cached_property
    def project(self) -> Project:
        """All files: found, searched, replaced in, made, moved, deleted and brought back."""
        return Project(self)

    async def point(self, path: str, line: int = 0, say: str = "") -> None:
        """Show everybody who is attached a place in a file; they go there with one key.

        Args:
            path: relative to the studio's folder, or below it.
            line: from 1 on; 0 for the file as such.
            say: one line, why.

        Raises:
            NotFound: there is no such file. Refused: it is outside of the studio's folder.
        """
        root = self.document.info.dir
        path = path.removeprefix(f"{root}/") if root else path
        await self.project.piece(path, 0, 1)
        await self.command("studio.point", path=path, line=line, text=say)

    def data(self, url: str = "") -> Data:
        """What is at a URL such as "s3://bucket/folder/", reached by the host's credentials."""
        return Data(self, url)

    # -- terminals ----------------------------------------------------------------------------

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
            f"{self.id}/term/{known}",
            lambda room: SharedTerminal(self, known, room),
            gone=lambda: known not in self.document.terminals,
        )

    async def cut_input(self) -> None:
        """Panic: nobody drives any terminal, and nothing typed reaches any program.

        The owner's right; it holds until `restore_input`, also over a restart of the host.
        """
        await self.command("terminals.cut")

    async def restore_input(self) -> None:
        """End what `cut_input` began: the terminals can be typed in again."""
        await self.command("terminals.restore")

    # -- jobs ---------------------------------------------------------------------------------

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

    async def serve(
        self, script: str = "", args: Sequence[str] = (), *, port: int = 0, **options: Any
    ) -> Job:
        """Start a server as a job, and wait until it answers; see `run`.

        It finds its port in the variable PORT. `ports.forward(job.entry.port)` leads it here.

        Args:
            script: a Python file, relative to the studio's folder, such as one with LitServe.
            args: what follows the script.
            port: where it serves HTTP on its machine; any that is free when 0.
            options: those of `run`, and `health`, the path that tells how it is
                ("/health"): it is well unless it answers with 5xx there.

        Raises:
            NotFound: there is no such script or machine.
            StudioError: it ended before it answered, or an option makes no sense.
        """
        job = await self.run(script, args, port=port, **options)
        await answering(self, job)
        return job

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

    async def job(self, id: str) -> Job:
        """The job with this id, or the newest one with this name.

        Raises:
            NotFound: there is no such job.
        """
        known = id if id in self.document.jobs else self._job_named(id).id
        return await self._followed.join(
            f"{self.id}/job/{known}",
            lambda room: Job(self, known, room),
            gone=lambda: known not in self.document.jobs,
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

    # -- machines -----------------------------------------------------------------------------

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
