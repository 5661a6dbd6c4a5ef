from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from studio_tui.document.entries import YES
from studio_tui.document.studio import StudioDocument
from studio_tui.errors import NotFound
from studio_tui.host.machines import roads as roads_module
from studio_tui.host.machines.roads import Home, Roads
from studio_tui.host.questions import Questions
from studio_tui.machines.connection import ConnectionLost
from studio_tui.settings import paths
from tests.host.conftest import STUDIO, Bench, eventually
from tests.machines.aws import Aws
from tests.machines.sshd import Server


@dataclass
class Crossing:
    """The roads of a host, and what it tells everybody."""

    roads: Roads
    document: StudioDocument
    questions: Questions

    def state(self, machine: str) -> tuple[str, str]:
        entry = self.document.machines[machine]
        return entry.state, entry.note

    async def answer(self, value: str | None) -> str:
        """Answer the question that comes; returns its text."""
        await eventually(lambda: self.document.questions)
        (question,) = self.document.questions.values()
        self.questions._answer(question.id, value)
        return question.text


@asynccontextmanager
async def crossing(bench: Bench, tmp_path: Path) -> AsyncIterator[Crossing]:
    async with bench.host() as parts:
        home = Home(bench.root, tmp_path / "machine", sys.executable)
        questions = Questions(parts.document)
        roads = Roads(STUDIO, home, parts.document, questions, parts.tasks)
        yield Crossing(roads, parts.document, questions)


@pytest.fixture
def box(sshd: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A host of ssh's configuration, its key known."""
    monkeypatch.setenv("STUDIO_SSH_CONFIG", str(sshd.client_config))
    return sshd


async def test_the_hosts_own_computer(bench: Bench, tmp_path: Path) -> None:
    async with crossing(bench, tmp_path) as it:
        site = await it.roads.to("local")
        assert (site.machine.id, site.folder) == ("local", str(bench.root))
        assert site.python == sys.executable
        assert site.connection.root == str(tmp_path / "machine")
        await it.roads.retry("local")
        await it.roads.start("local", lambda words: None)
        await site.connection.close()


async def test_a_host_of_ssh(bench: Bench, box: Server, tmp_path: Path) -> None:
    async with crossing(bench, tmp_path) as it:
        assert "box" in [machine.id for machine in it.roads.known()]
        site = await it.roads.to("box")
        assert site.folder == f"{box.home}/studios/{STUDIO}"
        assert Path(site.folder).is_dir()
        assert (await site.connection.run([site.python, "-c", "print(6 * 7)"])).stdout == b"42\n"
        assert site.payload.startswith(f"{box.home}/.studio-tui/payload-")
        assert it.state("box") == ("up", "")


async def test_the_folder_that_its_entry_names(bench: Bench, box: Server, tmp_path: Path) -> None:
    paths.machines_file().write_text(
        '[machines.a]\nkind = "ssh"\nhost = "box"\nfolder = "~/my work"\n'
        f'[machines.b]\nkind = "ssh"\nhost = "box"\nfolder = "{tmp_path}/its own"\n'
    )
    async with crossing(bench, tmp_path) as it:
        assert (await it.roads.to("a")).folder == f"{box.home}/my work/{STUDIO}"
        assert (await it.roads.to("b")).folder == f"{tmp_path.resolve()}/its own/{STUDIO}"


async def test_nobody_knows_it(bench: Bench, tmp_path: Path) -> None:
    async with crossing(bench, tmp_path) as it:
        with pytest.raises(NotFound, match="no machine 'moon'"):
            await it.roads.to("moon")


async def test_one_that_is_down_says_so_and_comes_back(
    bench: Bench, box: Server, tmp_path: Path
) -> None:
    box.configure("AllowUsers nobody-at-all")
    async with crossing(bench, tmp_path) as it:
        with pytest.raises(ConnectionLost, match="box cannot be reached"):
            await it.roads.to("box")
        assert it.state("box")[0] == "failed"
        with pytest.raises(ConnectionLost, match="box cannot be reached"):
            await it.roads.to("box")
        box.configure()
        await it.roads.retry("box")
        assert (await it.roads.to("box")).machine.id == "box"
        assert it.state("box") == ("up", "")


async def test_a_lost_connection_is_told_and_made_again(
    bench: Bench, box: Server, tmp_path: Path
) -> None:
    async with crossing(bench, tmp_path) as it:
        site = await it.roads.to("box")
        await asyncio.to_thread(box.cut)
        await eventually(lambda: it.state("box")[0] in ("down", "connecting"))
        await eventually(lambda: it.state("box")[0] == "up")
        assert (await site.connection.run(["true"])).ok


async def test_a_new_host_key_is_for_a_person_to_trust(
    bench: Bench, box: Server, tmp_path: Path
) -> None:
    (box.folder / "known_hosts").unlink()
    async with crossing(bench, tmp_path) as it:
        going = asyncio.create_task(it.roads.to("box"))
        asked = await it.answer(None)
        assert box.host_key.get_fingerprint() in asked
        with pytest.raises(ConnectionLost, match="the host key of box .* is not known"):
            await going
        again = asyncio.create_task(it.roads.retry("box"))
        await it.answer(YES)
        await again
        assert (await it.roads.to("box")).machine.id == "box"
        assert box.host_key.export_public_key().split()[1] in paths.known_hosts_file().read_bytes()


def test_a_machine_without_python_has_no_interpreter(tmp_path: Path) -> None:
    argv = ["/bin/sh", "-c", roads_module._ARRIVE, "sh", f"{tmp_path}/a b", "x"]
    (tmp_path / "bin").mkdir()
    for name in ("mkdir", "sh"):
        os.symlink(f"/bin/{name}", tmp_path / "bin" / name)
    old = tmp_path / "bin" / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    done = subprocess.run(
        argv, env={"PATH": f"{tmp_path}/bin"}, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{tmp_path.resolve()}/a b/x\n"


async def test_a_machine_that_is_simply_there_runs(
    bench: Bench, tmp_path: Path, box: Server
) -> None:
    async with crossing(bench, tmp_path) as cross:
        await cross.roads.stop("box")
        await cross.roads.stop("local")
        assert await cross.roads.runs("box")
        assert await cross.roads.runs("local")
        with pytest.raises(NotFound):
            await cross.roads.stop("moon")


async def test_an_instance_is_started_and_stopped(
    bench: Bench, tmp_path: Path, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio_tui.machines.ec2.instance.LOOK", 0.01)
    entry = f'kind = "ec2"\ninstance = "{aws.launch()}"\nregion = "us-east-1"\n'
    paths.machines_file().write_text(f"[machines.cloud]\n{entry}")
    async with crossing(bench, tmp_path) as cross:
        assert await cross.roads.runs("cloud")
        await cross.roads.stop("cloud")
        assert not await cross.roads.runs("cloud")
        said: list[str] = []
        await cross.roads.start("cloud", said.append)
        assert await cross.roads.runs("cloud")
