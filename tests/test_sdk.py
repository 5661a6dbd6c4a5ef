"""The Python API as scripts use it: everything the contract names, on a real studio."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio_tui import sdk
from studio_tui.client import start
from studio_tui.settings import studios

ROOT = Path(__file__).parents[1]


@pytest.fixture
def folder(tmp_path: Path, studio_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project; the studio that is opened in it is stopped."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "train.py").write_text("print('start')\nfor n in range(3): print('step', n)\n")
    yield project
    monkeypatch.setenv("STUDIO_HOME", str(studio_home))
    for record in studios.records():
        start.stop(record)


async def test_what_the_contract_names(folder: Path) -> None:
    async with sdk.open(folder, name="ana") as studio:
        assert studio.state == "live"
        assert [person.name for person in studio.people] == ["ana"]

        text = await studio.file("train.py")
        await text.insert(0, "# hé 🎉\n")
        await text.delete(2, 4)
        await text.replace(0, 1, "##")
        await text.saved()
        assert str(text).startswith("##  🎉\n")
        await text.flush()
        assert (folder / "train.py").read_text() == str(text)
        with pytest.raises(ValueError, match="outside"):
            await text.insert(10_000, "x")

        term = await studio.terminal(command=["sh"], cols=60, rows=10)
        await term.type("echo $((6*7))\n")
        await term.until("42")
        assert any(row.endswith("42") for row in term.screen)
        assert term.driver == "ana"
        assert isinstance(term.cursor, tuple)
        assert isinstance(term.title, str)
        await term.resize(70, 12)
        await term.take()
        assert any("42" in row for row in await term.history(0, 50))

        async with sdk.attach(studio.id, name="bob") as bobs:
            his = await bobs.terminal(id=term.id)
            await term.hand_over("bob")
            await bobs.until(lambda: his.driving)
            await his.type("echo from bob\n")
            await term.until("from bob")
        await term.close()

        job = await studio.run("train.py", machine="local", precision="bf16-mixed")
        assert [line async for line in job.logs()] == ["start", "step 0", "step 1", "step 2"]
        assert await job.wait() == 0
        assert job.metrics == {}
        slow = await studio.run(command=["sleep", "100"])
        await slow.stop()
        assert await slow.wait() == 143

        async with asyncio.timeout(20):
            await studio.until(lambda: "local" in studio.meters)
        assert studio.meters["local"].memory_total


async def test_who_is_not_there_is_told_at_once(folder: Path) -> None:
    with pytest.raises(sdk.NotFound, match="no studio 'calm-otter'"):
        async with sdk.attach("calm-otter"):
            pass
    with pytest.raises(sdk.NotFound, match="does not exist"):
        async with sdk.open(folder / "none"):
            pass
    with pytest.raises(sdk.UsageFault, match="relay must be"):
        async with sdk.open(folder, relay="https://box"):
            pass


async def test_the_errors_of_the_api_have_one_root(folder: Path) -> None:
    for kind in (sdk.NotFound, sdk.Refused, sdk.UsageFault):
        assert issubclass(kind, sdk.StudioError)
    async with sdk.open(folder) as studio:
        with pytest.raises(sdk.Refused, match="outside"):
            await studio.file("../x")
        with pytest.raises(sdk.UsageFault, match="unknown precision"):
            await studio.run("train.py", precision="half")


async def test_a_block_that_fails_leaves_the_studio(folder: Path) -> None:
    with pytest.raises(KeyError):
        async with sdk.open(folder) as studio:
            raise KeyError
    assert studio.session.failure is not None
    assert len(asyncio.all_tasks()) == 1


def relay_command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "relay_server", *arguments]


@pytest.fixture
def team_relay(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A relay in a process of its own: its URL and its key."""
    key = tmp_path / "relay.key"
    store = f"sqlite:///{tmp_path}/relay.db"
    command = relay_command("serve", "--port", "0", "--key", str(key), "--store", store)
    relay = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert relay.stdout is not None
    found = re.search(r"ws://[0-9.:]+", relay.stdout.readline())
    assert found
    yield found[0], key
    relay.terminate()
    relay.communicate(timeout=10)


async def test_a_team_and_its_own_relay(
    folder: Path, team_relay: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Log in, open on the relay, and join from another home with the variables of a container."""
    url, key = team_relay

    def typed(*words: str, **options: object) -> str:
        done = subprocess.run(
            [*words], capture_output=True, text=True, timeout=20, check=True, cwd=ROOT,
            **options,  # type: ignore[call-overload]
        )  # fmt: skip
        return str(done.stdout).strip()

    def token(room: str, role: str, *more: str) -> str:
        return typed(*relay_command("token", room, "--role", role, "--key", str(key), *more))

    command = [sys.executable, "-m", "studio_tui"]
    typed(*command, "login", url, input=token("*", "owner"))
    studio_id = typed(*command, "open", str(folder), "--relay", url, "--detach")
    assert studios.find(studio_id).relay == url

    with monkeypatch.context() as container:
        container.setenv("STUDIO_HOME", str(tmp_path / "another"))
        container.setenv("STUDIO_RELAY", url)
        container.setenv("STUDIO_RELAY_TOKEN", token(studio_id, "editor", "--name", "bob"))
        async with sdk.attach(studio_id, name="somebody") as studio:
            assert studio.me is not None
            assert (studio.me.name, studio.me.role) == ("bob", "editor")
            text = await studio.file("train.py")
            await text.insert(0, "# by bob\n")
            await text.flush()
            assert (folder / "train.py").read_text().startswith("# by bob\n")
            assert await (await studio.run("train.py")).wait() == 0
        told = await asyncio.to_thread(typed, *command, "status", studio_id, env=dict(os.environ))
        assert f"{url}  live, host here" in told
        with pytest.raises(sdk.Refused, match="not good for this room"):
            async with sdk.attach("bold-lynx"):
                pass
        container.setenv("STUDIO_RELAY_TOKEN", token(studio_id, "viewer"))
        async with sdk.attach(studio_id) as studio:
            with pytest.raises(sdk.Refused, match="viewer"):
                await studio.run("train.py")

    await asyncio.to_thread(typed, *command, "stop", studio_id)
    with monkeypatch.context() as container:
        container.setenv("STUDIO_HOME", str(tmp_path / "another"))
        container.setenv("STUDIO_RELAY", url)
        container.setenv("STUDIO_RELAY_TOKEN", token(studio_id, "editor"))
        with pytest.raises(sdk.NotFound, match=f"nobody hosts {studio_id}"):
            async with sdk.attach(studio_id):
                pass
