"""A lesson in a studio: every check of every lesson, and what people share of it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from studio_tui.client.lesson import Course, _fits, find, lessons
from studio_tui.client.studio import Studio
from studio_tui.document.entries import (
    JobEntry,
    LessonEntry,
    MachineEntry,
    PinEntry,
    TerminalEntry,
)
from studio_tui.document.presence import Gaze
from studio_tui.document.remarks import CommentEntry, MarkEntry
from studio_tui.errors import NotFound, Refused
from studio_tui.training.lessons import Check, read_check

SECONDS = 15.0
ENTRY = LessonEntry("x")
Soon = Callable[[Studio, Callable[[], bool]], Awaitable[None]]


class World:
    """What a studio can be asked, as the played host answers it; `make` has a check hold."""

    def __init__(self, stage: Any) -> None:
        self.stage, self.host = stage, stage.host
        self.files: dict[str, bytes] = {}
        self.curves: dict[str, list[tuple[int, float]]] = {}
        self.log = b""
        self.made = 0
        self.machines = [MachineEntry("local")]
        self.host.answers |= {
            "files.list": self._list,
            "files.read": self._read,
            "jobs.metrics": lambda _: {"metrics": self.curves, "marks": []},
            "jobs.log": self._log,
            "machines.list": lambda _: {"machines": [m.plain() for m in self.machines]},
        }

    def _list(self, params: dict[str, Any]) -> dict[str, Any]:
        folder = f"{params['path']}/" if params["path"] else ""
        names = [path[len(folder) :] for path in self.files if path.startswith(folder)]
        return {"entries": [{"name": n, "kind": "file"} for n in names], "truncated": False}

    def _read(self, params: dict[str, Any]) -> Any:
        if params["path"] not in self.files:
            return NotFound("no such file", "look at the files")
        data = self.files[params["path"]]
        return {"data": base64.b64encode(data).decode(), "offset": 0, "size": len(data)}

    def _log(self, params: dict[str, Any]) -> dict[str, Any]:
        data = self.log[params["offset"] : params["offset"] + params["length"]]
        told = base64.b64encode(data).decode()
        return {"data": told, "offset": params["offset"], "size": len(self.log)}

    async def make(self, studio: Studio, check: Check) -> None:
        """Have a check hold, by what a person's deed would leave in the studio."""
        self.made += 1
        value, options = check.value, check.options
        match check.subject:
            case "people":
                for n in range(value - 1):
                    await self.stage.attach(f"guest {n}", "editor")
            case "following":
                guest = await self.stage.attach("follower", "editor")
                guest.attend("work", studio.me.connection if studio.me else 0)
            case "terminal":
                self.host.document.terminals.put(TerminalEntry("t1"))
            case "machines":
                self.machines += [MachineEntry(f"box{n}") for n in range(value - 1)]
            case "open":
                studio.look(Gaze(value))
                await studio.until(lambda: bool(studio.me and studio.me.gaze.path == value))
            case "pin":
                self.job("succeeded", options)
                pin = PinEntry("p1", job=f"job{self.made}", line=f"0: {value}: x")
                studio.document.pins.put(pin)
            case "mark":
                studio.document.marks.put(MarkEntry("m", kind=value))
            case "comment":
                self._comment(studio, options)
            case "file":
                self.files[value] = b"# other " + options.get("has", "").encode()
            case "metric":
                last = options.get("below", 1.0) - 0.1 if "above" not in options else 1e9
                self.curves[value] = [(n, last) for n in range(options.get("points", 1))]
                self.job("running", options)
            case "log":
                self.log = b"x" * 600_000 + value.encode()
                self.job("running", options)
            case "job":
                for _ in range(options.get("count", 1)):
                    self.made += 1
                    self.job(value, options)

    def job(self, state: str, options: Any) -> None:
        self.host.document.jobs.put(
            JobEntry(
                f"job{self.made}",
                state={"started": "running", "over": "failed"}.get(state, state),
                command=f"python {options.get('script', 'x.py')}",
                precision=options.get("precision"),
                devices=str(options.get("devices", 1)),
                nodes=options.get("nodes", 1),
                started=1.0,
                moves=[{"phase": "done"}] if options.get("moved") else [],
            )
        )

    def _comment(self, studio: Studio, options: Any) -> None:
        path, text = options.get("file", "a.py"), f"it is {options.get('has', '')}".upper()
        by = "ana" if options.get("resolved") else ""
        entry = CommentEntry(f"c{self.made}", path=path, text=text, resolved_by=by)
        studio.document.comments.put(entry)


@pytest.fixture
def world(stage: Any) -> World:
    return World(stage)


async def advanced(course: Course) -> None:
    """Wait until the step is done, as an app that looks now and then sees it."""
    before = course.done
    async with asyncio.timeout(SECONDS):
        while not await course.advance():
            await asyncio.sleep(0.01)
    assert course.done == before + 1


@pytest.mark.parametrize("name", [lesson.name for lesson in lessons()])
async def test_every_check_of_every_lesson(stage: Any, world: World, name: str) -> None:
    studio = await stage.attach("ana")
    course = Course(studio, find(name))
    await course.begin()
    held = 0
    while (step := course.step) is not None:
        # What was done for an earlier step may be all that this one asks for.
        if await course.advance():
            held += 1
            continue
        await world.make(studio, step.check)
        await advanced(course)
    assert course.marks == "✓" * len(course.lesson.steps)
    assert held <= 2
    assert course.plain()["done"]


CHECKS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"job": "succeeded", "precision": "bf16-mixed"}, {"job": "succeeded", "precision": "32-true"}),
    ({"job": "succeeded"}, {"job": "failed"}),
    ({"job": "started", "devices": 2}, {"job": "started", "devices": 1}),
    ({"job": "started", "nodes": 2}, {"job": "started"}),
    ({"job": "over", "script": "serve.py"}, {"job": "over", "script": "train.py"}),
    ({"metric": "loss", "below": 3.0}, {"metric": "loss", "below": 4.0}),
    ({"metric": "loss", "above": 3.0}, {"metric": "loss", "below": 3.0}),
    ({"metric": "loss", "points": 3}, {"metric": "loss", "points": 2}),
    ({"log": "ready"}, {"log": "steady on"}),
    ({"comment": 1, "file": "a.py"}, {"comment": 1, "file": "b.py"}),
    ({"comment": 1, "has": "why"}, {"comment": 1, "has": "how"}),
    ({"comment": 1, "resolved": True}, {"comment": 1}),
    ({"mark": "breakpoint"}, {"mark": "bookmark"}),
    ({"open": "a.py"}, {"open": "b.py"}),
    ({"pin": "process 1"}, {"pin": "process 0"}),
    ({"job": "started", "moved": True}, {"job": "started"}),
    ({"file": "a.py", "has": "x = 2"}, {"file": "a.py", "has": "x = 1"}),
    ({"file": "d/a.py"}, {"file": "a.py"}),
]


@pytest.mark.parametrize(("wanted", "other"), CHECKS, ids=str)
async def test_something_like_it_is_not_enough(
    stage: Any, world: World, wanted: dict[str, Any], other: dict[str, Any], soon: Soon
) -> None:
    studio = await stage.attach("ana")
    course, entry = Course(studio, find("first-run")), LessonEntry("x")
    for table, holds in ((other, False), (wanted, True)):
        await world.make(studio, read_check("x", table))
        await soon(studio, lambda: set(world.host.document.jobs) <= set(studio.document.jobs))
        assert await course._holds(read_check("x", wanted), entry) is holds


async def test_what_was_there_before_does_not_count(stage: Any, world: World, soon: Soon) -> None:
    studio = await stage.attach("ana")
    world.files["train.py"] = b"WIDTH = 97"
    world.job("succeeded", {"script": "train.py"})
    studio.document.comments.put(CommentEntry("c0", path="train.py", text="heads"))
    await soon(studio, lambda: "job0" in studio.document.jobs)
    course = Course(studio, find("together"))
    await course.begin()
    assert course.entry is not None
    wanted = ({"job": "succeeded"}, {"comment": 1}, {"file": "train.py", "changed": True})
    for table in wanted:
        assert not await course._holds(read_check("x", table), course.entry)
    world.files["train.py"] += b" "
    assert await course._holds(read_check("x", wanted[2]), course.entry)


async def test_progress_is_shared_and_kept(stage: Any, world: World, soon: Soon) -> None:
    ana, bob = await stage.attach("ana"), await stage.attach("bob", "editor")
    hers, his = Course(ana, find("first-run")), Course(bob, find("first-run"))
    await hers.begin()
    await soon(bob, lambda: his.entry is not None)
    bob.look(Gaze("train.py"))
    await advanced(his)
    await soon(ana, lambda: hers.marks == "✓····")
    await hers.begin()
    assert hers.done == 1
    await hers.begin(again=True)
    await soon(bob, lambda: his.done == 0)


async def test_a_viewer_only_looks(stage: Any, world: World, soon: Soon) -> None:
    viewer, ana = await stage.attach("eve", "viewer"), await stage.attach("ana")
    seen, course = Course(viewer, find("first-run")), Course(ana, find("first-run"))
    with pytest.raises(Refused, match="a viewer cannot begin a lesson"):
        await seen.begin()
    await course.begin()
    ana.look(Gaze("train.py"))
    await soon(viewer, lambda: seen.entry is not None)
    await seen.begin()
    assert not await seen.advance()
    await advanced(course)
    await soon(viewer, lambda: seen.done == 1)


async def test_a_host_that_is_away_is_waited_for(stage: Any, world: World, soon: Soon) -> None:
    studio = await stage.attach("ana")
    course = Course(studio, find("first-run"))
    await course.begin()
    await stage.lose_host()
    await soon(studio, lambda: not studio.host_here)
    assert not await course.advance()


@pytest.mark.parametrize(
    "told", [{"done": 99}, {"done": -3}, {"done": "x"}, {"had": [1]}, {"was": 3}, {}]
)
async def test_what_a_stranger_wrote_breaks_nothing(stage: Any, told: dict[str, Any]) -> None:
    studio = await stage.attach("ana")
    studio.document.lessons._map["first-run"] = told
    course = Course(studio, find("first-run"))
    assert 0 <= course.done <= 5
    assert len(course.marks) == 5
    assert course.plain()["done"] is (course.step is None)


@pytest.mark.parametrize(
    ("job", "fits"),
    [
        (JobEntry("j1", devices="2"), True),
        (JobEntry("j1", devices="0,1"), True),
        (JobEntry("j1", devices="auto", gpus={"box": [0, 1]}), True),
        (JobEntry("j1", devices="auto"), False),
        (JobEntry("j1", devices="1,"), False),
        (JobEntry("j1", devices="9" * 5000), False),
        (JobEntry("j1"), False),
    ],
)
def test_devices_count_however_they_were_asked_for(job: JobEntry, fits: bool) -> None:
    assert _fits(job, {"devices": 2}) is fits


async def test_words_name_the_studio(stage: Any) -> None:
    course = Course(await stage.attach("ana"), find("first-run"))
    assert course.words("job ls STUDIO") == "job ls calm-otter"


async def test_spaces_are_no_matter(stage: Any, world: World) -> None:
    course = Course(await stage.attach("ana"), find("loss-curve"))
    world.files["train.py"] = b"RATE=1.0  # large"
    assert await course._holds(read_check("x", {"file": "train.py", "has": "RATE = 1"}), ENTRY)
    assert not await course._holds(read_check("x", {"file": "train.py", "has": "RATE = 4"}), ENTRY)


async def test_a_studio_of_another_template_is_told_apart(stage: Any, world: World) -> None:
    course = Course(await stage.attach("ana"), find("loss-curve"))
    assert not await course.suits()
    world.files["train.py"] = b"class Classifier"
    assert not await course.suits()
    assert "studio-tui new char-gpt" in course.misfit
    world.files["train.py"] = b"class CharGPT(L.LightningModule):"
    assert await course.suits()
    await stage.lose_host()
    await course.studio.until(lambda: not course.studio.host_here)
    assert await course.suits()
    assert await Course(course.studio, find("precision")).suits()


async def test_the_clumsy_come_to_the_end(stage: Any, world: World, soon: Soon) -> None:
    """Renamed, in another order, twice, left in the middle: nothing is stuck."""
    studio = await stage.attach("ana")
    world.files["train.py"] = b"RATE = 4e-3"
    course = Course(studio, find("loss-curve"))
    await course.begin()
    # In another order: the remark of the second step, before the run of the first.
    await world.make(studio, course.lesson.steps[1].check)
    assert not await course.advance()
    await world.make(studio, course.lesson.steps[0].check)
    await advanced(course)
    await advanced(course)
    # Renamed: it waits, and goes on when the file is back.
    world.files["main.py"] = world.files.pop("train.py")
    assert not await course.advance()
    world.files["train.py"] = world.files.pop("main.py") + b"\nRATE=1.0"
    # Left in the middle, and come back: the same place.
    back = Course(await stage.attach("bob", "editor"), course.lesson)
    await soon(back.studio, lambda: back.done == 2)
    await advanced(back)
    # Twice, and one of them failed: one more job than was asked for is no harm.
    for state in ("succeeded", "failed"):
        world.made += 1
        world.job(state, {"script": "train.py"})
    await advanced(back)
    world.files["train.py"] = b"RATE = 4e-3"
    await advanced(back)
    assert back.step is None
