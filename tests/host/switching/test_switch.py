from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from studio_tui.client.studio import Studio
from studio_tui.document.entries import SwitchEntry
from studio_tui.document.studio import SWITCH
from studio_tui.errors import NotFound, Refused, StudioError, UsageFault
from studio_tui.host.files.files import Files
from studio_tui.host.files.folder import Folder
from studio_tui.host.machines.sites import Site
from studio_tui.host.switching.switch import Switch
from studio_tui.machines.carry.carrier import Carrier, Outcome
from studio_tui.machines.catalogue import Machine
from studio_tui.machines.connection import Channel
from studio_tui.machines.install import install
from studio_tui.machines.local import LocalConnection
from tests.host.conftest import STUDIO, Bench, eventually

pytestmark = pytest.mark.usefixtures("brisk")


@dataclass
class Hosted:
    """A host with files and a switch."""

    files: Files
    switch: Switch


Hosting = Callable[[], AbstractAsyncContextManager[Hosted]]


@pytest.fixture
async def box(site: Site, tmp_path: Path) -> AsyncIterator[Site]:
    """Another machine: a root and a folder of its own."""
    connection = LocalConnection(tmp_path / "box")
    yield replace(
        site,
        machine=Machine("box", kind="ssh"),
        connection=connection,
        payload=await install(connection),
        folder=str(tmp_path.resolve() / "studios" / STUDIO),
    )
    await connection.close()


@pytest.fixture
def hosting(bench: Bench, site: Site, box: Site) -> Hosting:
    @asynccontextmanager
    async def host() -> AsyncIterator[Hosted]:
        async with bench.host() as parts:
            document = parts.document
            if not document.info.name:
                info = replace(document.info, name="x", dir=site.folder, machine="local", epoch=1)
                document.info = info
            sites = parts.sites(site, box)
            folders: list[Folder] = []

            def folder_at(machine: str) -> Folder:
                folders.append(Folder(lambda: sites.at(machine)))
                return folders[-1]

            files = Files(
                folder_at(sites.here), bench.state, parts.session, document, STUDIO, parts.tasks
            )
            switch = Switch(
                sites, files, document, folder_at, lambda progress: None, parts.tasks, lambda: 5.0
            )
            await files.resume()
            await switch.resume()
            for part in (files, sites, switch):
                parts.answer(part.calls())
            parts.tasks.create_task(files.watch())
            try:
                yield Hosted(files, switch)
            finally:
                for folder in folders:
                    await folder.close()

    return host


async def joined(bench: Bench, name: str = "ana", role: str = "editor") -> Studio:
    person = await bench.attach(name, role)
    async with asyncio.timeout(10):
        await person.until(lambda: person.reachable)
    return person


def tree(folder: str | Path) -> dict[str, bytes]:
    """The files of a folder, without what is ours."""
    found = {}
    for path in Path(folder).rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not name.startswith(".studio-"):
            found[name] = path.read_bytes()
    return found


async def test_there_and_back_with_changes_on_both_sides(
    bench: Bench, hosting: Hosting, box: Site
) -> None:
    (bench.root / "src").mkdir()
    (bench.root / "src" / "a.py").write_text("a = 1\n")
    (bench.root / "notes.md").write_text("notes\n")
    async with hosting():
        ana = await joined(bench)
        planned = await ana.plan_switch("box")
        assert (planned.machine, planned.folder, planned.files) == ("box", box.folder, 2)
        assert not Path(box.folder, "notes.md").exists()
        ended = await ana.switch("box")
        assert (ended.phase, ended.source, ended.target, ended.by) == (
            "done",
            "local",
            "box",
            "ana",
        )
        info = ana.document.info
        assert (info.machine, info.epoch, info.dir) == ("box", 2, box.folder)
        assert tree(box.folder) == tree(bench.root)

        file = await ana.file("src/a.py")
        await file.insert(0, "# there\n")
        await file.flush()
        assert Path(box.folder, "src/a.py").read_text() == "# there\na = 1\n"
        assert (bench.root / "src/a.py").read_text() == "a = 1\n"
        (bench.root / "notes.md").write_text("notes changed here meanwhile\n")

        ended = await ana.switch("local")
        assert ana.document.info.machine == "local"
        assert (bench.root / "src/a.py").read_text() == "# there\na = 1\n"
        assert tree(box.folder) == tree(bench.root)
        assert tree(bench.root)["notes.md"] == b"notes changed here meanwhile\n"


async def test_two_people_type_all_the_way(bench: Bench, hosting: Hosting, box: Site) -> None:
    (bench.root / "a.py").write_text("")
    for number in range(200):
        (bench.root / f"{number}.txt").write_text(f"{number}\n" * 100)
    async with hosting():
        ana, bob = await joined(bench, "ana"), await joined(bench, "bob")
        hers, his = await ana.file("a.py"), await bob.file("a.py")
        stop = asyncio.Event()
        phases: set[str] = set()

        async def type_on(person: Studio, text: object, letter: str) -> int:
            count = 0
            while not stop.is_set():
                await text.insert(0, letter)  # type: ignore[attr-defined]
                count += 1
                if person.document.switch is not None:
                    phases.add(person.document.switch.phase)
                await asyncio.sleep(0.005)
            return count

        typing = [
            asyncio.create_task(type_on(ana, hers, "a")),
            asyncio.create_task(type_on(bob, his, "b")),
        ]
        await ana.switch("box")
        await bob.until(lambda: bob.document.info.machine == "box")
        stop.set()
        counts = [await task for task in typing]
        assert min(counts) > 0
        await ana.until(lambda: len(str(hers)) == sum(counts))
        await bob.until(lambda: str(his) == str(hers))
        await hers.flush()
        assert Path(box.folder, "a.py").read_text() == str(hers)
        assert (str(hers).count("a"), str(hers).count("b")) == tuple(counts)
        assert "copying" in phases


@pytest.mark.parametrize("seed", range(10))
async def test_a_connection_that_breaks_anywhere_leaves_the_studio_whole(
    bench: Bench, hosting: Hosting, box: Site, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """The studio is on exactly one machine, and that one has every file; then it goes on."""
    chance = random.Random(seed)
    for number in range(30):
        (bench.root / f"{number}.txt").write_bytes(chance.randbytes(chance.randrange(200_000)))
    before = tree(bench.root)
    open_channel = LocalConnection.open

    async def breaking(self: LocalConnection, *args: object, **kwargs: object) -> Channel:
        channel = await open_channel(self, *args, **kwargs)  # type: ignore[arg-type]
        if self.root == box.connection.root and "carry" in str(args):
            asyncio.get_running_loop().call_later(chance.random() * 0.4, channel.close)
        return channel

    async with hosting():
        ana = await joined(bench)
        with monkeypatch.context() as patched:
            patched.setattr(LocalConnection, "open", breaking)
            (ended,) = await asyncio.gather(ana.switch("box"), return_exceptions=True)
            assert isinstance(ended, SwitchEntry) or "stays on local" in str(ended)
        here = ana.document.info.machine
        assert tree(bench.root) == before
        if here == "box":
            assert tree(box.folder) == before
        else:
            await switch_in_the_end(ana, "box")
        assert tree(box.folder) == tree(bench.root) == before


async def switch_in_the_end(person: Studio, machine: str) -> None:
    """Switch as soon as what was cut off before has ended on the machine."""
    while True:
        try:
            await person.switch(machine)
            return
        except StudioError as problem:
            if "is carrying" not in problem.message:
                raise
        await asyncio.sleep(0.05)


async def test_cancelling(
    bench: Bench, hosting: Hosting, box: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bench.root / "a.txt").write_text("a\n")

    async def never(carrier: Carrier, *args: object, **kwargs: object) -> Outcome:
        return await asyncio.Future()

    async with hosting():
        ana, bob = await joined(bench, "ana"), await joined(bench, "bob")
        with monkeypatch.context() as patched:
            patched.setattr(Carrier, "carry", never)
            going = asyncio.create_task(ana.switch("box"))
            await bob.until(lambda: _phase(bob) == "copying")
            with pytest.raises(StudioError, match="ana is taking the studio to box"):
                await bob.switch("box")
            await bob.cancel_switch()
            with pytest.raises(StudioError, match="stays on local"):
                await going
        assert _phase(ana) == "cancelled"
        assert ana.document.info.machine == "local"
        with pytest.raises(StudioError, match="no switch is under way"):
            await bob.cancel_switch()
        await bob.switch("box")


def _phase(studio: Studio) -> str:
    return studio.document.switch.phase if studio.document.switch else ""


async def test_of_two_at_once_one_wins(bench: Bench, hosting: Hosting) -> None:
    (bench.root / "a.txt").write_text("a\n")
    async with hosting():
        ana, bob = await joined(bench, "ana"), await joined(bench, "bob")
        ended = await asyncio.gather(ana.switch("box"), bob.switch("box"), return_exceptions=True)
        won = [end for end in ended if isinstance(end, SwitchEntry)]
        (lost,) = [end for end in ended if isinstance(end, StudioError)]
        assert len(won) == 1
        assert f"{won[0].by} is taking the studio to box" in lost.message
        assert ana.document.info.epoch == 2


async def test_whoever_looked_too_long_ago_is_told(bench: Bench, hosting: Hosting) -> None:
    async with hosting():
        ana = await joined(bench)
        with pytest.raises(StudioError, match="has just moved to local"):
            await ana.command("machines.switch", machine="box", epoch=0)


@pytest.mark.parametrize(
    ("wanted", "kind", "message"),
    [
        ("local", UsageFault, "on local already"),
        ("moon", NotFound, "no machine 'moon'"),
        ("x" * 100, UsageFault, "at most 64"),
    ],
)
async def test_machines_that_one_cannot_go_to(
    bench: Bench, hosting: Hosting, wanted: str, kind: type[StudioError], message: str
) -> None:
    async with hosting():
        ana = await joined(bench)
        with pytest.raises(kind, match=message):
            await ana.plan_switch(wanted)
        with pytest.raises(kind, match=message):
            await ana.switch(wanted)
        assert ana.document.info.machine == "local"


async def test_viewers_do_not_switch(bench: Bench, hosting: Hosting) -> None:
    async with hosting():
        vic = await joined(bench, "vic", "viewer")
        for ask in (vic.switch("box"), vic.plan_switch("box"), vic.cancel_switch()):
            with pytest.raises(Refused):
                await ask


async def test_what_both_changed_is_kept_and_told(
    bench: Bench, hosting: Hosting, box: Site
) -> None:
    (bench.root / "notes.md").write_text("one\n")
    async with hosting():
        ana = await joined(bench)
        await ana.switch("box")
        Path(box.folder, "notes.md").write_text("there\n")
        (bench.root / "notes.md").write_text("here\n")
        planned = await ana.plan_switch("local")
        assert planned.conflicts == ["notes.md"]
        ended = await ana.switch("local")
        assert "notes.md changed on both" in ended.note
        both = {data for name, data in tree(bench.root).items() if name.startswith("notes")}
        assert both == {b"there\n", b"here\n"}


async def test_a_target_that_takes_nothing(
    bench: Bench, hosting: Hosting, box: Site, tmp_path: Path
) -> None:
    (bench.root / "a.txt").write_text("a\n")
    (tmp_path / "studios").write_text("a file where the folder should be")
    async with hosting():
        ana = await joined(bench)
        with pytest.raises(StudioError, match="stays on local"):
            await ana.switch("box")
        assert ana.document.switch is not None
        assert ana.document.switch.phase == "failed"
        assert (bench.root / "a.txt").read_text() == "a\n"


async def test_a_host_that_ended_on_the_way_says_so(bench: Bench, hosting: Hosting) -> None:
    async with hosting():
        ana = await joined(bench)
        ana.document.switch = SwitchEntry(SWITCH, "local", "box", "ana", "copying")
        await eventually(lambda: not ana.unsaved)
    async with hosting():
        await ana.until(lambda: _phase(ana) == "failed")
        assert ana.document.switch is not None
        assert ana.document.switch.note == "the studio's host ended on the way"


async def test_a_new_host_goes_on_where_the_studio_is(
    bench: Bench, hosting: Hosting, box: Site
) -> None:
    (bench.root / "a.txt").write_text("a\n")
    async with hosting():
        ana = await joined(bench)
        file = await ana.file("a.txt")
        await ana.switch("box")
    async with hosting():
        async with asyncio.timeout(10):
            await ana.until(lambda: ana.reachable)
        await file.insert(0, "x")
        await file.flush()
        assert Path(box.folder, "a.txt").read_text() == "xa\n"
        assert (bench.root / "a.txt").read_text() == "a\n"
        assert os.listdir(bench.root) != []
