from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from studio_tui.errors import NotFound, UsageFault
from studio_tui.host.jobs.crew import Crew, check_machines
from studio_tui.host.jobs.orders import Order
from studio_tui.host.machines.sites import Site
from studio_tui.jobs.metrics import Metrics
from studio_tui.jobs.spec import JobSpec
from studio_tui.machines.catalogue import Machine
from studio_tui.machines.install import install
from studio_tui.machines.local import LocalConnection
from tests.host.conftest import Bench

SPEC = JobSpec(script="train.py", nodes=2, retries=2)


@pytest.fixture
async def other(site: Site, tmp_path: Path) -> Site:
    """A second machine."""
    connection = LocalConnection(tmp_path / "other")
    folder = tmp_path / "project there"
    folder.mkdir()
    return replace(
        site, machine=Machine("other"), connection=connection, folder=str(folder),
        payload=await install(connection),
    )  # fmt: skip


async def test_the_members_of_each_attempt(bench: Bench, site: Site, other: Site) -> None:
    async with bench.host() as parts:
        sites = parts.sites(site, other)
        crew = Crew("j", Order(SPEC, ("local", "other"), attempt=1), sites)
        assert [(m.machine, m.id) for m in crew.members] == [
            ("local", "j-n0.1"), ("other", "j-n1.1"),
        ]  # fmt: skip
        assert [m.id for m in crew.former] == ["j-n0", "j-n1"]
        alone = Crew("j", Order(JobSpec(script="a.py"), ("local",), attempt=1), sites)
        assert [m.id for m in alone.members] == ["j"]
        assert alone.former == []


async def test_the_newest_checkpoint_is_brought_to_every_machine(
    bench: Bench, site: Site, other: Site
) -> None:
    """From the machine that has one, to the same place in the studio's folder of the others."""
    folder, there = Path(site.folder), Path(other.folder)
    (there / "logs here").mkdir()
    (there / "logs here" / "é.ckpt").write_bytes(b"weights")
    async with bench.host() as parts:
        crew = Crew("j", Order(SPEC, ("local", "other")), parts.sites(site, other))
        for box, listed in ((site, "/gone.ckpt\n"), (other, f"{there}/logs here/é.ckpt\n/gone\n")):
            member = Path(box.supervisor.folder) / f"j-n{0 if box is site else 1}"
            member.mkdir(parents=True)
            (member / "checkpoints").write_text(listed)
        assert await crew.checkpoint() == f"{folder}/logs here/é.ckpt"
        assert (folder / "logs here" / "é.ckpt").read_bytes() == b"weights"
        shards = there / "logs here" / "é.ckpt"
        shards.unlink()
        (folder / "logs here" / "é.ckpt").unlink()
        shards.mkdir()
        for name in (".metadata", "meta.pt", "__0_0.distcp"):
            (shards / name).write_text(name)
        assert await crew.checkpoint() == f"{folder}/logs here/é.ckpt"
        assert {(folder / "logs here" / "é.ckpt" / file.name).read_text() == file.name
                for file in shards.iterdir() if file.is_file()} == {True}  # fmt: skip
        shutil.rmtree(shards)
        assert await crew.checkpoint() == ""


async def test_metrics_of_a_member_that_is_not_there(bench: Bench, site: Site) -> None:
    async with bench.host() as parts:
        crew = Crew("j", Order(JobSpec(script="a.py"), ("local",)), parts.sites(site))
        with pytest.raises(NotFound, match="no job j"):
            await crew.read_metrics(Metrics(), crew.members)


def test_one_machine_for_each_node() -> None:
    check_machines(("a", "b"), 2)
    with pytest.raises(UsageFault, match="a is named twice"):
        check_machines(("a", "b", "a"), 3)
    with pytest.raises(UsageFault, match="1 machine for 2 nodes: a"):
        check_machines(("a",), 2)
