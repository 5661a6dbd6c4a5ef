"""Each lesson to its end: its own commands, in a real studio, with real people and machines."""

from __future__ import annotations

import asyncio
import json
import re
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from studio_tui import sdk
from studio_tui.client.lesson import Course
from studio_tui.client.studio import Studio
from studio_tui.document.presence import Gaze
from studio_tui.training.lessons import find, lessons
from tests.docs.computer import Computer
from tests.docs.walks import free_port, until_ctrl_c
from tests.machines.sshd import MakeServer

pytest.importorskip("lightning", reason="lightning is not installed")
pytestmark = [pytest.mark.docs, pytest.mark.timeout(900)]

STEP_SECONDS = 400
# What stands before a command in a step.
AHEAD = re.compile(r"(?:[a-z0-9, ]*: )?(?=studio-tui )")


class Learner:
    """Somebody who takes a lesson: a shell in the project's folder, and a hand in the studio."""

    def __init__(
        self, studio: Studio, computer: Computer, lesson: str, guests: AsyncExitStack
    ) -> None:
        self.studio, self.computer = studio, computer
        self.course = Course(studio, find(lesson))
        self.guests = guests
        self.bob: Studio | None = None
        self.port = str(free_port())

    async def shell(self, command: str) -> str:
        """What a command prints; it has to succeed."""
        return await asyncio.to_thread(self.computer.run, command)

    async def write(self, path: str, old: str, new: str) -> None:
        """Change a text of the studio, as a hand in the editor does."""
        assert old in (await self.studio.read(path)).decode()
        await self.shell(f"studio-tui file replace {self.studio.id} {old!r} {new!r} --case --write")

    async def say(self, path: str, words: str) -> None:
        await self.shell(f"studio-tui comment add {self.studio.id} {path} 1 {words!r}")

    async def do(self, at: int) -> None:
        """All that a step says: its commands in the shell, then what is done with keys."""
        step = self.course.lesson.steps[at]
        said = self.course.words(step.do).replace("8000", self.port)
        for part in said.split(" · "):
            command = AHEAD.sub("", part, count=1)
            if command.startswith("studio-tui ") and not command.startswith(BY_HAND):
                await self.shell(command)
        if (deed := DEEDS.get((self.course.lesson.name, at + 1))) is not None:
            await deed(self)

    async def walk(self) -> None:
        """Take the lesson to its end; each step is open until it is done."""
        await self.course.begin()
        assert await self.course.suits()
        for at, step in enumerate(self.course.lesson.steps):
            assert not await self.course.advance(), f"{step.say}: done before it was begun"
            await self.do(at)
            async with asyncio.timeout(STEP_SECONDS):
                while self.course.done == at and not await self.course.advance():
                    states = {j.id: j.state for j in self.studio.document.jobs.values()}
                    assert "failed" not in states.values() or self.course.lesson.name == "together"
                    await asyncio.sleep(0.2)
            assert self.course.done == at + 1
        assert self.course.step is None


BY_HAND = (
    "studio-tui port forward",
    "studio-tui attach",
    "studio-tui learn data-loading",
    "studio-tui share",
)
"""Commands that do not end, or whose output is for a hand: the deeds below do them."""


async def look(learner: Learner) -> None:
    learner.studio.look(Gaze("train.py"))


async def wild(learner: Learner) -> None:
    await learner.write("train.py", "RATE = 4e-3", "RATE = 1.0")


async def tame(learner: Learner) -> None:
    await learner.write("train.py", "RATE = 1.0", "RATE = 4e-3")


async def slow_disk(learner: Learner) -> None:
    code = "cat data.py; studio-tui learn data-loading --code"
    await learner.shell(f"({code}) | studio-tui file write {learner.studio.id} data.py")


async def fed(learner: Learner) -> None:
    more = "DataLoader(slow, num_workers=2, persistent_workers=True, "
    await learner.write("data.py", "DataLoader(slow, ", more)


async def ask(learner: Learner) -> None:
    forward = f"studio-tui port forward {learner.studio.id} {learner.port}"

    def look(address: str) -> None:
        with urllib.request.urlopen(address, timeout=60) as page:
            assert page.read().startswith(b"\ndef ")

    await asyncio.to_thread(until_ctrl_c, learner.computer, forward, look)


async def invite(learner: Learner) -> None:
    told = await learner.shell(f"studio-tui share {learner.studio.id} --role editor")
    learner.bob = await learner.guests.enter_async_context(sdk.attach(told.strip(), name="bob"))


async def broken(learner: Learner) -> None:
    await learner.write("train.py", "WIDTH = 96", "WIDTH = 97")


async def follow(learner: Learner) -> None:
    assert learner.bob is not None
    assert learner.studio.me is not None
    learner.bob.attend("work", learner.studio.me.connection)


async def debug(learner: Learner) -> None:
    await learner.studio.terminal(command=["python", "-m", "pdb", "-c", "continue", "train.py"])


async def mend(learner: Learner) -> None:
    await learner.write("train.py", "WIDTH = 97", "WIDTH = 96")
    comment = next(iter(learner.studio.document.comments))
    await learner.shell(f"studio-tui comment resolve {learner.studio.id} {comment}")


def remark(path: str, words: str) -> Callable[[Learner], object]:
    return lambda learner: learner.say(path, words)


DEEDS = {
    ("first-run", 1): look,
    ("loss-curve", 2): remark("train.py", "val_loss 1.9"),
    ("loss-curve", 3): wild,
    ("loss-curve", 5): tame,
    ("precision", 3): remark("train.py", "bf16 is slower here"),
    ("data-loading", 2): slow_disk,
    ("data-loading", 4): remark("data.py", "num_workers"),
    ("data-loading", 5): fed,
    ("many-gpus", 4): remark("train.py", "BATCH * world_size rows a step"),
    ("together", 1): invite,
    ("together", 2): broken,
    ("together", 4): follow,
    ("together", 5): debug,
    ("together", 6): remark("train.py", "97 is not divided by the heads"),
    ("together", 7): mend,
    ("deploying", 4): ask,
}
"""What is done with keys, by its equal in the studio: the number is the step's."""


@pytest.fixture
def computer(tmp_path: Path, studio_home: Path, make_sshd: MakeServer) -> Iterator[Computer]:
    """Its ssh reaches `gpu-box`, which has Lightning; no machine is in a list yet."""
    computer = Computer(tmp_path / "ana", STUDIO_HOME=str(studio_home))
    server = make_sshd()
    (server.folder / "known_hosts").write_text(server.known_hosts())
    computer.reach({"gpu-b*": server})  # a whole name would be in the list
    yield computer
    computer.stop_studios()


@pytest.fixture
async def guests() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.mark.parametrize("name", [lesson.name for lesson in lessons()])
async def test_its_commands_lead_to_its_end(
    name: str, computer: Computer, guests: AsyncExitStack
) -> None:
    computer.run(f"studio-tui new {find(name).template} project")
    computer.go_to("project")
    computer.run("studio-tui open --detach")
    (opened,) = json.loads(computer.run("studio-tui ls --json"))
    studio = await guests.enter_async_context(sdk.attach(opened["id"], name="ana"))
    await Learner(studio, computer, name, guests).walk()
