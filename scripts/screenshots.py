"""Draws docs/screenshots/: a real studio with people, terminals, trainings and servers in it.

    make screenshots

Everything on the pictures has happened: three people are attached to one host, the trainings have
trained, the second machine is an OpenSSH server and the bucket lies in a server that speaks S3, as
in the tests. All of it lies in one folder, which must not exist before and does not afterwards.
"""

from __future__ import annotations

import asyncio
import getpass
import io
import os
import random
import re
import shutil
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textual.app import App
from textual.pilot import Pilot

from studio_tui.app.app import StudioApp
from studio_tui.app.picture import picture
from studio_tui.app.screens.lobby import LobbyApp
from studio_tui.client import locate, start
from studio_tui.client.file import SharedFile
from studio_tui.client.job import Job
from studio_tui.client.studio import Studio
from studio_tui.document.presence import Gaze
from studio_tui.settings import paths, studios
from studio_tui.training import templates
from tests.data.stores import KEY, SECRET, serving
from tests.machines.sshd import Server

PICTURES = Path(__file__).parents[1] / "docs" / "screenshots"
HOME = Path(tempfile.gettempdir(), "ana")
STUDIO, OTHER = "calm-otter", "brave-fox"
SIZE = (120, 34)
PATIENCE = 60.0

PRIVATE = re.compile(
    "|".join(
        rf"(?<![\w.-]){re.escape(word)}(?![\w-])"
        for word in (socket.gethostname(), getpass.getuser(), str(Path.home()), sys.base_prefix)
    )
)
"""What is no reader's business: this computer, its user, and where things lie."""

SCORE = '''\
"""How well the model writes, by its losses on text that it has never seen."""


def mean(losses):
    return sum(losses) / len(losses)


def score(batches):
    for batch in batches:
        yield mean(batch["losses"])


if __name__ == "__main__":
    seen = [{"losses": [2.31, 2.28]}, {"losses": []}]
    print(list(score(seen)))
'''
PIPELINE = """\
name = "nightly"

[steps.prepare]
command = "python data.py"

[steps.train]
needs = ["prepare"]
script = "train.py"
args = ["--steps", "150"]

[steps.good]
kind = "check"
metric = "train_loss"
of = "train"
below = 3.0

[steps.score]
needs = ["good"]
script = "score.py"
"""


@dataclass
class Stage:
    """The studio, and two who are in it while a third looks at it through the app."""

    project: Path
    bob: Studio
    cleo: Studio


class Window:
    """The app as Ana has it."""

    def __init__(self, pilot: Pilot[Any]) -> None:
        self._pilot = pilot
        self._app: App[Any] = pilot.app

    @property
    def _shown(self) -> str:
        rows = self._app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in row) for row in rows)

    async def until(self, *words: str, gone: str = "") -> None:
        """Wait until the screen shows all of `words`, and not `gone` any more."""
        try:
            async with asyncio.timeout(PATIENCE):
                while any(word not in self._shown for word in words) or (
                    gone and gone in self._shown
                ):
                    await asyncio.sleep(0.05)
                    await self._pilot.pause()
        except TimeoutError:
            raise SystemExit(f"{self._shown}\nnever seen: {', '.join(words)}") from None

    async def press(self, keys: str, *until: str) -> None:
        """Press keys, then wait until the screen shows all of `until`."""
        await self._pilot.press(*keys.split())
        await self.until(*until)

    async def type(self, text: str) -> None:
        """Type a text."""
        await self._pilot.press(*("space" if letter == " " else letter for letter in text))

    async def draw(self, name: str) -> None:
        """Write the screen to docs/screenshots/."""
        await self._pilot.pause(0.5)
        svg = picture(self._app, "studio-tui")
        if found := PRIVATE.search(svg):
            raise SystemExit(f"{self._shown}\n{name} would show {found.group()!r} of this computer")
        (PICTURES / f"{name}.svg").write_text(svg, encoding="utf-8")
        print(f"  {name}")


@asynccontextmanager
async def window(open_file: str, size: tuple[int, int] = SIZE) -> AsyncIterator[Window]:
    """Ana's app with a file in it."""
    app = StudioApp(locate.attach(STUDIO, "ana"), open_file=open_file)
    async with app.run_test(size=size) as pilot:
        async with asyncio.timeout(PATIENCE):
            await app.joined.wait()
        ana = Window(pilot)
        await ana.until(f"{open_file} ✓", "bob", "cleo", "cpu ")
        await ana.press("f3", "^F find")
        yield ana


# -- the pictures ---------------------------------------------------------------------------------


async def lobby(stage: Stage) -> None:
    """Where a bare `studio-tui` begins."""
    app = LobbyApp(studios.records(), frozenset({STUDIO}), HOME / "tabular")
    async with app.run_test(size=(100, 22)) as pilot:
        await Window(pilot).draw("lobby")


async def terminal(stage: Stage) -> None:
    """Two people in a debugger."""
    async with window("score.py") as ana:
        await ana.press("ctrl+t", "$ ")
        await ana.type("python -m pdb -c continue score.py")
        await ana.press("enter", "(Pdb)")
        his = await stage.bob.terminal(next(iter(stage.bob.document.terminals)))
        await his.until("(Pdb)")
        await his.take()
        await his.type("up\n")
        await his.until("score()")
        await his.type("list\n")
        await his.until("__main__")
        await his.type("p batch\n")
        await his.until("{'losses': []}")
        await ana.until("{'losses': []}", "bob types")
        await ana.draw("terminal")
        await his.close()


async def comments(stage: Stage) -> None:
    """What was said about lines, and who wrote them."""
    hers, his = await stage.cleo.file("train.py"), await stage.bob.file("train.py")
    at = str(hers).index("WIDTH = 96")
    await hers.replace(at, at + len("WIDTH = 96"), "WIDTH = 128")
    await hers.saved()
    await stage.bob.until(lambda: "WIDTH = 128" in str(his))
    at = str(his).index("RATE = 4e-3")
    await his.replace(at, at + len("RATE = 4e-3"), "RATE = 3e-3")
    await his.saved()
    await stage.cleo.until(lambda: "RATE = 3e-3" in str(hers))
    said = his.comment(at, at + len("RATE = 3e-3"), "4e-3 was too much: it jumped at step 200")
    await stage.cleo.until(lambda: bool(hers.comments))
    stage.cleo.remarks.reply(said.id, "yes, and with 3e-3 it ends lower. Leave it?")
    hers.mark_line(line_of(hers, "def training_step"), "bookmark")
    look(stage.bob, his, "RATE =")
    look(stage.cleo, hers, "def loss")
    async with window("train.py") as ana:
        await ana.press("alt+g", "go to line")
        await ana.type(str(line_of(his, "RATE =")))
        await ana.press("enter alt+a ctrl+g", "Leave it?")
        await ana.draw("comments")
        await ana.press("ctrl+g", "jobs")


def line_of(file: SharedFile, words: str) -> int:
    """The line, from 1, that these words are in."""
    text = str(file)
    return text[: text.index(words)].count("\n") + 1


def look(person: Studio, file: SharedFile, words: str) -> None:
    """Have somebody look at these words."""
    text = str(file)
    at = text.index(words)
    anchor = file.text.anchor(len(text[:at].encode()))
    person.look(Gaze(file.path, line_of(file, words), anchor, anchor, anchor))


async def people(stage: Stage) -> None:
    """Who is here, and where."""
    async with window("train.py") as ana:
        await ana.press("f9", "follow them")
        await ana.draw("people")


async def lesson(stage: Stage) -> None:
    """A lesson over the places."""
    async with window("train.py") as ana:
        await ana.press("shift+f11", "debugging together")
        await ana.press("end up enter", "One of you")
        await ana.draw("lesson")


async def precision(stage: Stage) -> None:
    """What precision a training takes, over the form that runs it."""
    async with window("train.py") as ana:
        await ana.press("ctrl+r", "arguments")
        await ana.type(" --steps 800")
        await ana.press("f2", "which precision")
        await ana.type("250K")
        await ana.until("250K", "activ.")
        await ana.draw("precision")


async def machine(stage: Stage) -> None:
    """What going to another machine would do."""
    async with window("train.py") as ana:
        await ana.press("ctrl+e", "gpu-box")
        await ana.press("down enter", "go to gpu-box?")
        await ana.draw("machine")


async def data(stage: Stage) -> None:
    """A table in a bucket, and its first rows."""
    async with window("train.py") as ana:
        await ana.press("f10", "lake")
        await ana.press("end enter", "corpus")
        await ana.press("down enter", "train.parquet")
        await ana.press("end", "2000 rows")
        await ana.draw("data")


async def training(stage: Stage) -> None:
    """A run, its log and its curve, with others in the file."""
    first = await stage.bob.run("train.py", ["--steps", "300"], name="first")
    await first.wait()
    second = await stage.cleo.run(
        "train.py", ["--steps", "300"], name="half", precision="bf16-mixed"
    )
    look(stage.bob, await stage.bob.file("train.py"), "class Block")
    await stage.cleo.terminal()
    async with window("train.py", (140, 42)) as ana:
        await ana.press("alt+g", "go to line")
        await ana.type("43")
        await ana.press("enter f4", "half", "bob▏")
        await step(second, 175)
        await ana.press("enter", "step   175")
        await ana.draw("studio")
        await second.wait()
        await ana.press("down c", "first")
        await ana.draw("jobs")
        await ana.press("C", "side by side")
        await ana.draw("comparison")


async def ranks(stage: Stage) -> None:
    """A run of two processes, and how each of them is."""
    job = await stage.bob.run(
        "train.py", ["--steps", "300"], name="two", devices=2, accelerator="cpu", strategy="ddp"
    )
    async with window("train.py") as ana:
        await ana.press("f4", "two")
        await ana.press("enter", "rank")
        await step(job, 60)
        await ana.draw("ranks")
        await job.stop()
        await job.wait()


async def pipeline(stage: Stage) -> None:
    """Steps that need each other."""
    run = await stage.bob.pipelines.run("pipeline.toml")
    async with window("pipeline.toml") as ana:
        await ana.until("✓ prepare", "▶ train")
        await ana.press("f5", "step    50")
        await ana.draw("pipeline")
        await run.wait()
        await ana.until("✓ good")


async def step(job: Job, least: int) -> None:
    """Wait until a training has come this far."""
    async for curves in job.curves():
        if (loss := curves.get("train_loss")) and loss[-1][0] >= least:
            return


SCENES = (
    lobby, terminal, comments, people, lesson, precision, machine, data, training, ranks, pipeline,
)  # fmt: skip


# -- what they are pictures of --------------------------------------------------------------------


@contextmanager
def at_home() -> Iterator[None]:
    """A home of Ana's own, with a plain shell."""
    HOME.mkdir(mode=0o700)
    keep = {key: os.environ[key] for key in ("LANG", "CI") if key in os.environ}
    environment = {
        **keep,
        "HOME": str(HOME),
        "STUDIO_HOME": str(HOME / ".studio"),
        "SHELL": "/bin/bash",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "OMP_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "LAKE_KEY": KEY,
        "LAKE_SECRET": SECRET,
        "STUDIO_SSH_CONFIG": str(HOME / "sshd" / "ssh_config"),
    }
    os.environ.clear()
    os.environ.update(environment)
    (HOME / ".bash_profile").write_text(f"PS1='\\W $ '\nPATH='{os.environ['PATH']}'\n")
    try:
        yield
    finally:
        shutil.rmtree(HOME)


@contextmanager
def machine_of_its_own() -> Iterator[None]:
    """An OpenSSH server that ssh's configuration calls `gpu-box`."""
    server = Server(HOME / "sshd")
    server.client_config.write_text(server.client_lines("gpu-box"))
    try:
        yield
    finally:
        server.stop()


def fill(lake: Any) -> None:
    """A bucket with a table in it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    chance = random.Random(1)
    words = ("import", "return", "yield", "lambda", "raise", "assert", "while", "except")
    texts = [" ".join(chance.choices(words, k=6)) for _ in range(2000)]
    table = pa.table(
        {
            "id": pa.array(range(2000), pa.int32()),
            "text": texts,
            "tokens": pa.array([len(text) // 4 for text in texts], pa.int16()),
            "split": ["val" if number % 10 == 0 else "train" for number in range(2000)],
        }
    )
    file = io.BytesIO()
    pq.write_table(table, file)
    lake.create_bucket(Bucket="corpus")
    for name in ("README.md", "images/0001.jpg", "images/0002.jpg", "train.parquet"):
        body = file.getvalue() if name.endswith(".parquet") else name.encode() * 900
        lake.put_object(Bucket="corpus", Key=name, Body=body)


def prepared() -> Path:
    """The project's folder; and the record of a studio that is stopped."""
    project, other = HOME / "char-gpt", HOME / "images"
    templates.create("char-gpt", project)
    templates.create("images", other)
    (project / "score.py").write_text(SCORE)
    (project / "pipeline.toml").write_text(PIPELINE)
    for number, (id, folder) in enumerate([(OTHER, other), (STUDIO, project)]):
        token = paths.studios_folder() / id / "token"
        record = studios.StudioRecord(
            id, folder.name, str(folder), None, "", str(token), 0, float(number)
        )
        studios.save(record)
    return project


async def act(project: Path) -> None:
    """Start the studio, and draw one scene after the other."""
    record = await asyncio.to_thread(start.ensure, project)
    try:
        async with locate.attach(STUDIO, "bob") as bob, locate.attach(STUDIO, "cleo") as cleo:
            for scene in SCENES:
                await scene(Stage(project, bob, cleo))
    finally:
        await asyncio.to_thread(start.stop, studios.find(record.id))


def main() -> None:
    """Draw them all."""
    PICTURES.mkdir(exist_ok=True)
    with at_home(), serving(HOME / "servers") as (lake, _), machine_of_its_own():
        paths.data_file().write_text(
            f'[lake]\nkind = "s3"\nendpoint_url = "{lake.url}"\n'
            'key_id = "LAKE_KEY"\nsecret_key = "LAKE_SECRET"\n'
        )
        fill(lake.client)
        asyncio.run(act(prepared()))


if __name__ == "__main__":
    main()
