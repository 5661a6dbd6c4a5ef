"""The headless demo: a studio's story told step by step, every step checked."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from studio_tui.client import locate, start
from studio_tui.errors import StudioError
from studio_tui.settings import studios

if TYPE_CHECKING:
    from studio_tui.client.job import Job
    from studio_tui.client.studio import Studio

STEPS = 300
FIRST_LINE = "# Ana and Bob were here: "
LEARNED = 0.75
CURVE_SECONDS = 240.0


class Broken(StudioError):
    """A step of the story that did not happen."""


async def tell(project: Path, screenshot: Path | None) -> int:
    """Tell the story in `project`; returns 0 when every step happened.

    Raises:
        StudioError: a step did not; the message says which and what was seen.
    """
    record = await asyncio.to_thread(start.ensure, project)
    try:
        await _live(record.id, project, screenshot)
    finally:
        await asyncio.to_thread(start.stop, studios.find(record.id))
    click.echo("done: every step above happened")
    return 0


async def _live(studio: str, project: Path, screenshot: Path | None) -> None:
    async with _step(f"start {studio}: a host with a relay inside, in {project}"):
        record = studios.find(studio)
        _check(studios.alive(record), "the host is not running")
    async with locate.attach(studio, "ana") as ana, locate.attach(studio, "bob") as bob:
        async with _step("ana and bob attach, and see each other"):
            await ana.until(lambda: _names(ana) == ["ana", "bob"])
            await bob.until(lambda: _names(bob) == ["ana", "bob"])
        await _edit(ana, bob, project)
        await _share_a_terminal(ana, bob)
        job = await _train(ana)
        followed = asyncio.create_task(_whole_log(job))
        try:
            await _survive(ana, bob, job, record.pid, project)
            if screenshot is not None:
                await _draw(bob, job, screenshot)
            await _finish(bob, job, followed)
        finally:
            followed.cancel()


async def _whole_log(job: Job) -> bytes:
    return b"".join([data async for data in job.chunks()])


async def _edit(ana: Studio, bob: Studio, project: Path) -> None:
    async with _step("both type into train.py at once; it is on disk byte for byte"):
        hers, his = await ana.file("train.py"), await bob.file("train.py")
        await hers.insert(0, FIRST_LINE + "\n")
        await ana.until(lambda: str(hers).startswith(FIRST_LINE))
        await bob.until(lambda: str(his).startswith(FIRST_LINE))
        end = len(FIRST_LINE)
        await asyncio.gather(hers.insert(end, "héllo "), his.insert(end, "wörld "))
        await asyncio.gather(hers.saved(), his.saved())
        await ana.until(lambda: len(str(hers)) == len(str(his)))
        await hers.flush()
        _check(str(hers) == str(his), "the two texts differ")
        on_disk = (project / "train.py").read_bytes()
        _check(on_disk == str(hers).encode(), "the file on disk is not the shared text")
        await hers.delete(0, str(hers).index("\n") + 1)
        await hers.flush()


async def _share_a_terminal(ana: Studio, bob: Studio) -> None:
    async with _step("ana types in a shared terminal, bob sees the screen and takes the keyboard"):
        hers = await ana.terminal(title="demo")
        his = await bob.terminal(hers.id)
        await hers.type("echo $((6 * 7)) is the answer\n")
        await his.until("42 is the answer")
        await his.take()
        await his.type("echo typed by bob\n")
        await hers.until("typed by bob")
        await his.close()


async def _train(ana: Studio) -> Job:
    async with _step(f"train.py --steps {STEPS} starts as a job, unchanged, in bf16-mixed"):
        job = await ana.run("train.py", ["--steps", str(STEPS)], precision="bf16-mixed")
        await ana.until(lambda: job.entry.state != "starting")
        _check(job.entry.state == "running", f"the job is {job.entry.state}")
        await _learn(job, 0.95)
    return job


async def _survive(ana: Studio, bob: Studio, job: Job, pid: int, project: Path) -> None:
    async with _step("the host is killed with -9; training goes on; a new host finds everything"):
        text = await bob.file("train.py")
        os.kill(pid, signal.SIGKILL)
        await bob.until(lambda: bob.state != "live")
        await text.insert(0, "# typed while the host was away\n")
        await asyncio.to_thread(start.ensure, project)
        await asyncio.gather(_back(ana), _back(bob))
        await text.flush()
        _check(
            (project / "train.py").read_text().startswith("# typed while the host was away"),
            "what was typed while the host was away did not reach the disk",
        )
        await text.delete(0, str(text).index("\n") + 1)
        await text.flush()
        _check(not job.entry.over or job.entry.state == "succeeded", f"job {job.entry.state}")


async def _back(studio: Studio) -> None:
    async with asyncio.timeout(30):
        await studio.until(lambda: studio.state == "live" and studio.host_here)


async def _finish(bob: Studio, job: Job, followed: asyncio.Task[bytes]) -> None:
    async with _step("the log followed through all that has no gap and no repeat; exit code 0"):
        code = await job.wait()
        _check(code == 0, f"the job ended with {code}: {job.entry.state}")
        log = await followed
        _check(log == await _whole_log(await bob.job(job.id)), "the two logs differ")
    loss = [value for _, value in job.metrics.get("train_loss", [])]
    async with _step(f"it learned: loss {loss[0]:.2f} -> {loss[-1]:.2f} in {STEPS} steps"):
        _check(loss[-1] < LEARNED * loss[0], "that is not enough")
        _check(b"step" in log and len(log.splitlines()) > 3, "there is nothing in the log")


async def _learn(job: Job, part: float) -> None:
    """Wait until the training loss is below `part` of its first value."""
    async with asyncio.timeout(CURVE_SECONDS):
        while True:
            loss = [value for _, value in (await job.load_metrics()).get("train_loss", [])]
            if len(loss) > 1 and loss[-1] < part * loss[0]:
                return
            _check(not job.entry.over, f"the job is {job.entry.state} already")
            await asyncio.sleep(0.5)


async def _draw(bob: Studio, job: Job, file: Path) -> None:
    async with _step(f"the app's screen, with other people and the curve, in {file}"):
        from studio_tui.app import screenshot
        from studio_tui.document.presence import Gaze

        text = (await bob.file("train.py")).text
        at = str(text).index("import lightning")
        anchor = text.anchor(text.to_byte(at))
        line = str(text)[:at].count("\n") + 1
        bob.look(Gaze(path="train.py", line=line, anchor=anchor, head=anchor))
        await _learn(job, 0.6)
        svg = await screenshot(locate.attach(bob.id, "cleo"), open_file="train.py")
        await asyncio.to_thread(file.write_text, svg, encoding="utf-8")


@asynccontextmanager
async def _step(what: str) -> AsyncIterator[None]:
    """Say what happens, then how long it took; a failure names the step."""
    started = time.monotonic()
    click.echo(f"  ...  {what}")
    try:
        yield
    except TimeoutError:
        raise Broken(f"this did not happen in time: {what}", "see: studio-tui doctor") from None
    click.echo(f"   ok  {time.monotonic() - started:5.1f} s")


def _check(happened: bool, otherwise: str) -> None:
    if not happened:
        raise Broken(otherwise, "see what this machine can do: studio-tui doctor")


def _names(studio: Studio) -> list[str]:
    return sorted(person.name for person in studio.people)
