"""Walks through the pages: what is typed there, with the real names in place of the examples'."""

from __future__ import annotations

import json
import re
import shutil
import socket
import sys
import textwrap
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.data.stores import Store
from tests.docs.computer import Computer
from tests.docs.elsewhere import ELSEWHERE
from tests.docs.pages import PYTHON, ROOT, SHELL, TOML, Block, bare, blocks
from tests.machines.sshd import MakeServer

RELAY = "wss://box.example.org:8484"
TRAIN = """\
import json, os
with open(os.environ["STUDIO_METRICS"], "a") as metrics:
    print(json.dumps({"event": "step", "step": 1, "values": {"val_loss": 0.5}}), file=metrics)
print("trained")
"""
KEEPS = "open('model.ckpt', 'w').write('weights')\n"
LIGHTNING = """\
import time
import lightning as L
from lightning.pytorch.demos.boring_classes import BoringModel

class Model(BoringModel):
    def training_step(self, batch, index):
        time.sleep(0.05)
        loss = super().training_step(batch, index)["loss"]
        self.log("loss", loss)
        return loss

if __name__ == "__main__":
    L.Trainer(max_epochs=100, enable_progress_bar=False).fit(Model())
"""
"""It trains for minutes, so that it can be moved meanwhile."""
TEST = "import unittest\nclass Test(unittest.TestCase):\n    def test(self): pass\n"
FAILS = "rows = [1, 2]\nprint(rows[2])\n"
PYTEST = "def test():\n    pass\n"
ANSWERS = """\
import http.server, os
address = "127.0.0.1", int(os.environ["PORT"])
http.server.HTTPServer(address, http.server.SimpleHTTPRequestHandler).serve_forever()
"""
SERVE = """\
import os
import litserve

class MyAPI(litserve.LitAPI):
    def setup(self, device): pass
    def predict(self, x): return x

"""


@dataclass
class World:
    """What is there before anybody types: servers, certificates, room for computers."""

    folder: Path
    make_sshd: MakeServer
    moto: Store
    certificate: tuple[Path, Path]
    leaving: ExitStack


@dataclass
class Walk:
    """One page, typed from top to bottom."""

    world: World
    computer: Computer
    real: dict[str, str] = field(default_factory=dict)
    """What the page says -> what it is here."""
    others: dict[str, Computer] = field(default_factory=dict)
    """Commands that begin so are typed at another computer."""
    around: str = ""
    """Lines before each piece of Python."""
    pieces: bool = True
    """Whether its Python is for an attached studio; else it is a part of a file."""
    before: dict[str, Callable[[], object]] = field(default_factory=dict)
    """What has to be done before a command that begins so."""
    homes: dict[str, Path] = field(default_factory=dict)
    """Of the machines."""
    printed: str = ""

    def go(self, page: Path) -> None:
        for block in blocks(page):
            if block.kind == SHELL:
                for place, text in block.commands:
                    if bare(text) not in ELSEWHERE:
                        self.type(place, text)
            elif block.kind == PYTHON and self.pieces:
                self.python(block)

    def type(self, place: str, text: str) -> None:
        """Type a command, in the way that it wants, and remember what it tells."""
        for start, prepare in self.before.items():
            if text.startswith(start):
                prepare()
        command = self.said(text)
        sys.stdout.write(f"{place}: {command}\n")
        at = next(
            (each for how, each in self.others.items() if text.startswith(how)), self.computer
        )
        if text.startswith("studio-relay serve"):
            self.serve(command.replace("--port 8484", "--port 0"))
            return
        if text.startswith("studio-tui login"):
            sys.stdout.write(at.run(command, input=self.printed))
            return
        opens = text.startswith("studio-tui open")
        earlier = studios(at) if opens else set()
        way = next((way for pattern, way in WAYS.items() if re.match(pattern, text)), plain)
        try:
            self.printed = way(at, command)
        except (AssertionError, OSError) as problem:
            raise AssertionError(f"{place}: {problem}") from problem
        sys.stdout.write(self.printed)
        if opens:
            self.join(at, earlier)
        for pattern, then in TOLD.items():
            if re.match(pattern, text):
                then(self)

    def join(self, at: Computer, earlier: set[str]) -> None:
        """From now on the studio that was opened is the one that the page speaks of."""
        opened = studios(at) - earlier
        if opened:
            (self.real["calm-otter"],) = opened

    def said(self, text: str) -> str:
        """The text with the real names."""
        for example, real in self.real.items():
            text = text.replace(example, real)
        return text

    def python(self, block: Block) -> None:
        """Run a script, or a piece of one in an attached studio."""
        text = self.said(block.text)
        if "studio_tui import sdk" not in text:
            joined = f"sdk.attach({self.real['calm-otter']!r}, name='ana') as studio"
            text = f"async with {joined}, contextlib.AsyncExitStack() as stack:\n" + (
                textwrap.indent(self.around + text, "    ")
            )
        if "asyncio.run" not in text:
            body = textwrap.indent(text, "    ")
            head = "import asyncio, contextlib\nfrom studio_tui import sdk\n"
            text = f"{head}async def main():\n{body}\nasyncio.run(main())\n"
        script = self.computer.home / "script.py"
        script.write_text(text)
        sys.stdout.write(f"{block.place}: python\n")
        sys.stdout.write(self.computer.run(f"python {script}"))

    def box(self, *names: str) -> None:
        """Servers that ssh reaches by these names, their keys not known yet."""
        servers = {name: self.world.make_sshd() for name in names}
        self.homes |= {name: server.home for name, server in servers.items()}
        self.computer.reach(servers)

    def bring(self, name: str, *machines: str) -> None:
        """The file in the studio's folder of each machine, as a disk that all share has it."""
        for machine in machines:
            folder = self.homes[machine] / "studios" / self.real["calm-otter"]
            folder.mkdir(parents=True)
            shutil.copy(self.computer.folder / name, folder)

    def keep(self, name: str, text: str) -> None:
        """A file of the person's settings."""
        folder = Path(self.computer.variables["STUDIO_HOME"]) / "config"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)

    def trust(self, *names: str) -> None:
        """Answer for these machines' keys, which the page took for known."""
        for name in names:
            asked(self.computer, f"studio-tui machine check {name}")

    def relay(self) -> None:
        """A team's relay, of which this computer has the owner's token."""
        cert, key = self.world.certificate
        options = f"--port 0 --tls-cert {cert} --tls-key {key}"
        self.serve(f"studio-relay serve {options}")
        token = self.computer.run("studio-relay token '*' --role owner --name ana")
        self.computer.run(f"studio-tui login {self.real[RELAY]}", input=token)

    def serve(self, command: str) -> None:
        """The relay, until the end of the page."""
        terminal = self.world.leaving.enter_context(self.computer.terminal(command))
        self.real[RELAY] = terminal.until(r"relay at (wss://\S+),").replace("0.0.0.0", "127.0.0.1")

    def studio(self, **files: str) -> None:
        """A studio with these files, which the page takes for granted."""
        self.computer.go_to("my-project", **files)
        self.type("before", "studio-tui open --detach")

    def bucket(self) -> None:
        """my-bucket, with what the pages find there, and the variables that lead to it."""
        import pyarrow
        from pyarrow import parquet

        store = self.world.moto
        store.client.create_bucket(Bucket="my-bucket")
        file = self.world.folder / "train.parquet"
        parquet.write_table(pyarrow.table({"x": list(range(20))}), file)
        store.put("my-bucket", "train.parquet", file.read_bytes())
        store.put("my-bucket", "model.ckpt")
        for number in range(3):
            store.put("my-bucket", f"images/{number}.png", b"image")
            store.put("my-bucket", f"houses/{number}.csv", b"rooms,price\n")
        self.computer.variables |= {
            "AWS_ENDPOINT_URL": store.url, "AWS_ACCESS_KEY_ID": "owner",
            "AWS_SECRET_ACCESS_KEY": "correct-horse", "AWS_DEFAULT_REGION": "us-east-1",
        }  # fmt: skip


def studios(at: Computer) -> set[str]:
    """The ids of the studios that a computer knows."""
    return {each["id"] for each in json.loads(at.run("studio-tui ls --json"))}


def plain(at: Computer, command: str) -> str:
    return at.run(command)


def app(at: Computer, command: str) -> str:
    """The app: it shows the studio, and is left with its key."""
    with at.terminal(command) as terminal:
        terminal.until(r"\^P commands")
        screen = terminal.text
        assert terminal.leave("\x11") == 0, terminal.text
    return screen


def asked(at: Computer, command: str) -> str:
    """What asks whether a host key is to be trusted, where it does."""
    with at.terminal(command) as terminal:
        terminal.until(r"\[y/N\]")
        assert terminal.leave("y\n") == 0, terminal.text
        return terminal.text


def followed(at: Computer, command: str) -> str:
    """A lesson, until ctrl+c."""
    with at.terminal(command) as terminal:
        terminal.until(r"\w+")
        terminal.leave("\x03")
        return terminal.text


def secret(at: Computer, command: str) -> str:
    with at.terminal(command) as terminal:
        terminal.until(r"HF_TOKEN:")
        assert terminal.leave("hf_123456789\n") == 0, terminal.text
        return terminal.text


def browser(at: Computer, command: str) -> str:
    """The page that the link leads to, whose cookie the browser keeps."""

    def look(link: str) -> None:
        asking = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        asking.open(link, timeout=60).close()
        with asking.open(link.partition("?")[0], timeout=60) as page:
            assert b"textual.js" in page.read()

    return until_ctrl_c(at, command, look)


def forwarded(at: Computer, command: str) -> str:
    return until_ctrl_c(at, command, lambda address: urllib.request.urlopen(address).close())


def until_ctrl_c(at: Computer, command: str, look: Callable[[str], None]) -> str:
    """What serves at an address until ctrl+c, looked at once."""
    with at.terminal(command) as terminal:
        look(terminal.until(r"(http://127\S+)\s"))
        assert terminal.leave("\x03") == 0, terminal.text
        return terminal.text


def debugger(at: Computer, command: str) -> str:
    """The debugger where a script fails, left with its key."""
    with at.terminal(command) as terminal:
        terminal.until(r"post mortem[^$]*\(Pdb\)")
        terminal.type("q\n")
        terminal.until(r"\(Pdb\)|\$")
        return terminal.text


WAYS: dict[str, Callable[[Computer, str], str]] = {
    r"studio-tui open(?!.*--detach)": app,
    r"studio-tui attach": app,
    r"studio-tui web": browser,
    r"studio-tui port forward": forwarded,
    r"studio-tui learn \S+ \S+": followed,
    r"studio-tui secret set": secret,
    r"studio-tui machine check": asked,
    r"python -m pdb": debugger,
}
"""How a command is typed that does not end by itself."""


def invited(walk: Walk) -> None:
    # In front: the longer example goes before those that are parts of it.
    walk.real = {f"{RELAY}/calm-otter#CODE": walk.printed.strip(), **walk.real}


def recorded(walk: Walk) -> None:
    walk.real[" ID "] = f" {walk.printed.strip()} "


def permitted(walk: Walk) -> None:
    """A token for the runner, which finds it in its variables."""
    for other in walk.others.values():
        other.variables["STUDIO_RELAY_TOKEN"] = walk.printed.strip()


def served(walk: Walk) -> None:
    """A server is asked for once it is up."""
    up = "until studio-tui port ls {} --json | grep -q '\"up\"'; do sleep 0.2; done"
    walk.computer.run(up.format(walk.real["calm-otter"]))


def stopped(walk: Walk) -> None:
    """What has been shown leaves this computer to what comes next."""
    walk.computer.stop_jobs(walk.real["calm-otter"])


TOLD: dict[str, Callable[[Walk], None]] = {
    r"studio-tui share": invited,
    r"studio-relay token": permitted,
    r"studio-tui record start": recorded,
    r"studio-tui job run .*--serve": served,
    r"studio-tui job run .*--data": stopped,
}
"""What a later command wants of an earlier one."""


def readme(walk: Walk) -> None:
    walk.box("gpu-box")
    walk.bucket()
    walk.relay()
    walk.computer.go_to("my-project", train_py=FAILS)

    def still_trains() -> None:
        run = "studio-tui job run calm-otter --name mixed -- train.py --steps 9000"
        walk.computer.run(walk.said(run))

    walk.before = {
        "studio-tui job move": still_trains,
        "studio-tui open --relay": lambda: walk.computer.go_to("team"),
        "set -eu": lambda: walk.computer.go_to("checkout", train_py=TRAIN, test_it_py=TEST),
    }


def ci(walk: Walk) -> None:
    walk.relay()
    walk.computer.go_to("my-project", train_py=TRAIN, test_it_py=PYTEST)
    (walk.computer.folder / "tests").mkdir()
    (walk.computer.folder / "tests" / "test_data.py").write_text(PYTEST)
    walk.type("before", f"studio-tui open --detach --relay {RELAY}")
    runner = Computer(
        walk.world.folder / "runner",
        STUDIO=walk.real["calm-otter"], STUDIO_RELAY=walk.real[RELAY],
        STUDIO_RELAY_CA=walk.computer.variables["STUDIO_RELAY_CA"],
    )  # fmt: skip
    walk.others = dict.fromkeys(("studio-tui exec", "studio-tui job", "studio-tui point"), runner)


def data(walk: Walk) -> None:
    walk.bucket()
    walk.studio(train_py=TRAIN)
    (walk.computer.folder / "model.ckpt").write_bytes(b"weights")
    (walk.computer.folder / "outputs" / "plots").mkdir(parents=True)
    (walk.computer.folder / "outputs" / "plots" / "loss.svg").write_text("<svg/>")


def jobs(walk: Walk) -> None:
    walk.box("gpu-box", "box1", "box2")
    walk.trust("gpu-box", "box1", "box2")
    page = list(blocks(ROOT / "docs" / "jobs.md"))
    (server,) = [block for block in page if block.kind == PYTHON]
    (price,) = [block for block in page if block.kind == TOML]
    walk.keep("machines.toml", price.text)
    walk.studio(train_py=LIGHTNING, serve_py=SERVE + server.text)
    walk.before = {
        "studio-tui job run calm-otter -m": lambda: walk.bring("train.py", "box1", "box2")
    }
    walk.real |= {"8000": str(free_port())}
    walk.pieces = False


def learn(walk: Walk) -> None:
    def opened() -> None:
        walk.type("before", "studio-tui open ~/first-model --detach")

    walk.before = {"studio-tui learn first-run": opened}


def machines(walk: Walk) -> None:
    walk.box("gpu-box")


def pipelines(walk: Walk) -> None:
    walk.bucket()
    walk.studio(train_py=TRAIN + KEEPS, prepare_py="open('train.bin', 'w')", serve_py=ANSWERS)
    (pipeline,) = [b for b in blocks(ROOT / "docs" / "pipelines.md") if b.kind == "toml"]
    (walk.computer.folder / "pipeline.toml").write_text(pipeline.text)


def relay(walk: Walk) -> None:
    cert, key = walk.world.certificate
    shutil.copy(cert, walk.computer.folder / "cert.pem")
    shutil.copy(key, walk.computer.folder / "key.pem")
    walk.computer.go_to("my-project")
    walk.computer.folder = walk.computer.home
    bob = Computer(
        walk.world.folder / "bob", STUDIO_RELAY_CA=walk.computer.variables["STUDIO_RELAY_CA"]
    )
    walk.others = {"studio-tui attach": bob}


def terminals(walk: Walk) -> None:
    walk.studio()
    walk.around = (
        "bob = await stack.enter_async_context("
        f"sdk.attach({walk.real['calm-otter']!r}, name='bob'))\n"
        "id = (await studio.terminal(command=['bash'], title='bash')).id\n"
    )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


WALKS: dict[str, Callable[[Walk], None]] = {
    "README.md": readme,
    "docs/ci.md": ci,
    "docs/data.md": data,
    "docs/jobs.md": jobs,
    "docs/learn.md": learn,
    "docs/machines.md": machines,
    "docs/pipelines.md": pipelines,
    "docs/relay.md": relay,
    "docs/sdk.md": lambda walk: walk.studio(train_py=TRAIN),
    "docs/terminals.md": terminals,
}
"""Page -> what has to be there before somebody types what it says."""
