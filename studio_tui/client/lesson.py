"""A lesson as it is taken in a studio: what is done already, and whether a check holds now."""

from __future__ import annotations

import hashlib
import math
import posixpath
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from studio_tui.client.answer import Answer
from studio_tui.client.job import read_curves
from studio_tui.document.entries import JobEntry, LessonEntry
from studio_tui.errors import NotFound, Refused
from studio_tui.training.lessons import Check, Lesson, Step, find, lessons

if TYPE_CHECKING:
    from studio_tui.client.studio import Studio

__all__ = ["Course", "Lesson", "Step", "find", "lessons"]

READ_SIZE = 256 * 1024
DONE, OPEN = "✓", "·"


class Course:
    """A lesson that everybody in a studio takes together; whoever is alone is everybody.

    How far it is stands in the studio's document. Whoever follows it looks whether the step's check
    holds, and says so for all; a viewer only sees how far it is.

    Args:
        studio: joined.
        lesson: what is learned.
    """

    def __init__(self, studio: Studio, lesson: Lesson) -> None:
        self.studio = studio
        self.lesson = lesson

    @property
    def entry(self) -> LessonEntry | None:
        """What the studio's document has; None before anybody began."""
        return self.studio.document.lessons.get(self.lesson.name)

    @property
    def done(self) -> int:
        """How many steps are done."""
        entry = self.entry
        return min(max(entry.done, 0), len(self.lesson.steps)) if entry else 0

    @property
    def step(self) -> Step | None:
        """The one to do now; None at the end."""
        steps = self.lesson.steps
        return steps[self.done] if self.done < len(steps) else None

    @property
    def marks(self) -> str:
        """One character a step."""
        return DONE * self.done + OPEN * (len(self.lesson.steps) - self.done)

    def plain(self) -> dict[str, Any]:
        """How far it is, as `--json` prints it."""
        told = self.lesson.plain()
        steps = [{**s, "done": n < self.done} for n, s in enumerate(told["steps"])]
        return {**told, "steps": steps, "done": self.step is None}

    def words(self, text: str) -> str:
        """`text` of a step with the studio's id in the place of STUDIO."""
        return text.replace("STUDIO", self.studio.id)

    async def begin(self, *, again: bool = False) -> None:
        """Begin it for everybody, or go on where everybody is.

        Args:
            again: from the first step.

        Raises:
            Refused: nobody has begun it, or it is to begin again, and this person may only look.
        """
        if self.entry is not None and not again:
            return
        if not self.studio.writable:
            raise Refused("a viewer cannot begin a lesson", "ask an editor to begin it")
        document = self.studio.document
        had = [*document.jobs, *document.comments]
        was = {path: await self._digest(path) for path in self.lesson.files}
        me, now = self.studio.me, time.time()
        by = me.name if me else ""
        document.lessons.put(LessonEntry(self.lesson.name, 0, had, was, by, now))

    async def suits(self) -> bool:
        """Whether the lesson is about what lies in this studio; it is taken all the same."""
        needs = self.lesson.needs
        try:
            return needs is None or await self._holds(needs, LessonEntry(self.lesson.name))
        except NotFound:
            return not self.studio.host_here  # a host that is away knows no file

    @property
    def misfit(self) -> str:
        """What to say where it does not suit."""
        template = self.lesson.template
        return f"this lesson is about another project: studio-tui new {template} DIR, and open that"

    async def advance(self) -> bool:
        """Look at the step to do now; whether it is done, and the next one is the one to do."""
        entry, step, done = self.entry, self.step, self.done
        if entry is None or step is None or not self.studio.writable:
            return False
        try:
            held = await self._holds(step.check, entry)
        except NotFound:  # the file is not there, the job was removed, the host is away
            return False
        # Somebody else may have said so, or begun again, while we asked the host.
        if not held or self.entry != entry or self.done != done:
            return False
        self.studio.document.lessons.put(replace(entry, done=done + 1))
        return True

    async def _holds(self, check: Check, entry: LessonEntry) -> bool:
        studio, value, options = self.studio, check.value, check.options
        least: int = value if isinstance(value, int) else options.get("count", 1)
        match check.subject:
            case "people":
                return len({person.name for person in studio.people}) >= least
            case "open":
                return any(person.gaze.path == value for person in studio.people)
            case "following":
                return sum(person.following > 0 for person in studio.people) >= least
            case "terminal":
                terminals = studio.document.terminals.values()
                return sum(terminal.state == "running" for terminal in terminals) >= least
            case "machines":
                return len(await studio.machines()) >= least
            case "mark":
                return any(mark.kind == value for mark in studio.document.marks.values())
            case "comment":
                return self._comments(options, entry) >= least
            case "file":
                return await self._file(value, options, entry)
            case "job":
                found = [job for job in self._jobs(options, entry) if _is_in(value, job)]
                return len(found) >= least
            case "pin":
                jobs = {job.id for job in self._jobs(options, entry)}
                pins = studio.document.pins.values()
                return any(pin.job in jobs and value in pin.line for pin in pins)
            case "metric":
                return any([await self._metric(job, check) for job in self._jobs(options, entry)])
        return any([value in text async for text in self._logs(options, entry)])

    def _jobs(self, options: Mapping[str, Any], entry: LessonEntry) -> list[JobEntry]:
        """The jobs since the lesson began that a check is about."""
        jobs = self.studio.document.jobs
        return [job for id, job in jobs.items() if id not in entry.had and _fits(job, options)]

    def _comments(self, options: Mapping[str, Any], entry: LessonEntry) -> int:
        comments = self.studio.document.comments
        return sum(
            options.get("file", comment.path) == comment.path
            and options.get("has", "").lower() in comment.text.lower()
            and (bool(comment.resolved_by) or not options.get("resolved"))
            for id, comment in comments.items()
            if id not in entry.had
        )

    async def _file(self, path: str, options: Mapping[str, Any], entry: LessonEntry) -> bool:
        if not options:
            folder, name = posixpath.split(path)
            listing = await self.studio.folder(folder)
            return any(each.name == name for each in listing.entries)
        if _close(options.get("has", "").encode()) not in _close(await self._beginning(path)):
            return False
        return not options.get("changed") or await self._digest(path) != entry.was.get(path)

    async def _beginning(self, path: str) -> bytes:
        params = {"path": path, "offset": 0, "length": READ_SIZE}
        return Answer("files.read", await self.studio.query("files.read", **params)).data("data")

    async def _digest(self, path: str) -> str:
        """What tells one text from another; "" for a file that is not there."""
        try:
            return hashlib.sha256(await self._beginning(path)).hexdigest()
        except NotFound:
            return ""

    async def _metric(self, job: JobEntry, check: Check) -> bool:
        answer = Answer("jobs.metrics", await self.studio.query("jobs.metrics", job=job.id))
        points = read_curves(answer.values.get("metrics")).get(check.value, [])
        options = check.options
        if not points or len(points) < options.get("points", 1):
            return False
        last = points[-1][1]
        above, below = options.get("above", -math.inf), options.get("below", math.inf)
        return bool(above < last < below)

    async def _logs(self, options: Mapping[str, Any], entry: LessonEntry) -> AsyncIterator[str]:
        """The end of each job's log, as much as one answer has."""
        for job in self._jobs(options, entry):
            params = {"job": job.id, "offset": 0, "length": READ_SIZE}
            answer = Answer("jobs.log", await self.studio.query("jobs.log", **params))
            if (size := answer.count("size")) > READ_SIZE:
                params["offset"] = size - READ_SIZE
                answer = Answer("jobs.log", await self.studio.query("jobs.log", **params))
            yield answer.data("data").decode("utf-8", "replace")


def _close(text: bytes) -> bytes:
    """The text without what people space differently."""
    return b"".join(text.split())


def _is_in(state: str, job: JobEntry) -> bool:
    match state:
        case "started":
            return job.started is not None
        case "over":
            return job.over
    return job.state == state


def _fits(job: JobEntry, options: Mapping[str, Any]) -> bool:
    """Whether a check's options are about a job like this one; `devices`, `nodes`: or more."""
    return (
        options.get("script", "") in job.command
        and options.get("precision", job.precision) == job.precision
        and job.nodes >= options.get("nodes", 1)
        and job.device_count >= options.get("devices", 1)
        and (not options.get("moved") or any(move.phase == "done" for move in job.moved))
    )
