"""The payload comes onto a machine whole, once; then the machine says what it is."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from studio_tui import payload
from studio_tui.errors import StudioError
from studio_tui.machines import install as room
from studio_tui.machines.connection import Completed
from studio_tui.machines.install import describe, install
from studio_tui.machines.local import LocalConnection


class Counted(LocalConnection):
    """A local machine that counts its round trips and may have other programs."""

    path: str | None = None
    trips = 0

    async def run(self, argv: Any, **kwargs: Any) -> Completed:
        self.trips += 1
        if self.path is not None:
            kwargs["env"] = {"PATH": self.path}
        return await super().run(argv, **kwargs)


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[Counted]:
    connection = Counted(tmp_path / "root")
    yield connection
    await connection.close()


def only(folder: Path, *programs: str) -> str:
    """A PATH with these programs alone."""
    folder.mkdir()
    for program in programs:
        found = next(p for p in ("/usr/bin", "/bin") if os.path.exists(f"{p}/{program}"))
        (folder / program).symlink_to(f"{found}/{program}")
    return str(folder)


async def test_every_file_arrives_and_is_private(machine: Counted) -> None:
    folder = Path(await install(machine))
    assert folder == Path(machine.root, f"payload-{payload.version()}")
    arrived = {str(p.relative_to(folder)): p for p in folder.rglob("*") if p.is_file()}
    assert set(arrived) - {".whole"} == set(payload.files())
    for name, content in payload.files().items():
        assert arrived[name].read_bytes() == content
        assert stat.S_IMODE(arrived[name].stat().st_mode) & 0o077 == 0
    assert os.access(folder / "supervise.sh", os.X_OK)
    assert os.listdir(machine.root) == [folder.name]


async def test_a_second_time_costs_one_look(machine: Counted) -> None:
    await install(machine)
    machine.trips = 0
    await install(machine)
    assert machine.trips == 1


async def test_many_at_once_leave_one_whole_payload(machine: Counted) -> None:
    folders = await asyncio.gather(*(install(machine) for _ in range(8)))
    assert len(set(folders)) == 1
    assert os.listdir(machine.root) == [Path(folders[0]).name]
    assert not [p for p in Path(folders[0]).iterdir() if p.name.startswith("payload-")]


async def test_a_payload_that_came_in_part_is_never_used(
    machine: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = room._archive()
    monkeypatch.setattr(room, "_archive", lambda: whole[: len(whole) // 2])
    with pytest.raises(StudioError, match="cannot be put into"):
        await install(machine)
    assert os.listdir(machine.root) == []
    monkeypatch.undo()
    await install(machine)


async def test_a_folder_without_the_mark_is_made_anew(machine: Counted) -> None:
    folder = Path(machine.root, f"payload-{payload.version()}")
    folder.mkdir()
    (folder / "supervise.sh").write_text("half")
    await install(machine)
    assert (folder / "supervise.sh").read_bytes() == payload.files()["supervise.sh"]


async def test_a_machine_without_tar(machine: Counted, tmp_path: Path) -> None:
    machine.path = only(tmp_path / "bin", "test", "cat", "mkdir", "rm", "mv")
    with pytest.raises(StudioError, match="there is no tar") as raised:
        await install(machine)
    assert raised.value.hint == "install tar there"


async def test_the_machine_says_what_it_is(machine: Counted) -> None:
    facts = await describe(machine, await install(machine))
    assert facts.cpus == len(os.sched_getaffinity(0))
    assert facts.memory_bytes is not None
    assert facts.memory_bytes > 1 << 20
    assert facts.disk_free_bytes is not None
    assert facts.python is not None
    assert facts.system.startswith("Linux")


async def test_a_machine_without_python(machine: Counted, tmp_path: Path) -> None:
    folder = await install(machine)
    full = await describe(machine, folder)
    machine.path = only(tmp_path / "bin", "getconf", "sed")
    bare = await describe(machine, folder)
    assert bare.python is None
    assert bare.cpus is not None
    assert bare.cpus >= 1
    assert bare.gpus == ()
    assert full.memory_bytes is not None
    assert bare.memory_bytes is not None
    assert bare.memory_bytes >= full.memory_bytes


async def test_an_answer_that_makes_no_sense(machine: Counted) -> None:
    folder = Path(await install(machine))
    (folder / "probe.py").write_text("print('{}')")
    with pytest.raises(StudioError, match="makes no sense"):
        await describe(machine, str(folder))
