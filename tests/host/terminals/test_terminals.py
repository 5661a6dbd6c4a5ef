from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from studio_tui.client.studio import Studio
from studio_tui.client.terminal import SharedTerminal
from studio_tui.document.entries import TerminalEntry
from studio_tui.errors import NotFound, Refused, StudioError, UsageFault
from studio_tui.host.machines.sites import Site
from studio_tui.host.terminals import terminals as terminals_module
from studio_tui.host.terminals.terminals import Terminals
from studio_tui.machines.catalogue import Machine
from studio_tui.machines.install import install
from studio_tui.machines.local import LocalConnection
from tests.host.conftest import LOOP, STUDIO, Bench, Hosting, eventually


def homes(site: Site) -> list[str]:
    folder = Path(site.connection.root) / "terminals" / STUDIO
    return sorted(os.listdir(folder)) if folder.exists() else []


async def exited(terminal: SharedTerminal) -> None:
    async with asyncio.timeout(10):
        await terminal.studio.until(lambda: terminal.entry.state == "exited")


async def reachable(*people: Studio) -> None:
    async with asyncio.timeout(10):
        await people[0].until(lambda: all(person.reachable for person in people))


async def test_a_terminal_from_start_to_end(bench: Bench, hosting: Hosting, site: Site) -> None:
    async with hosting():
        ana = await bench.attach("ana")
        terminal = await ana.terminal(command=["sh", "-c", LOOP], cols=60, rows=10, title="mine")
        entry = terminal.entry
        assert (entry.title, entry.cols, entry.rows, entry.machine) == ("mine", 60, 10, "local")
        assert (entry.driver, entry.state, entry.exit_code) == ("ana", "running", None)
        await terminal.type("hello\n")
        await terminal.until("<hello>")
        assert homes(site) == [terminal.id]
        await ana.command("terminals.rename", terminal=terminal.id, title="ours\x1b[31m")
        await ana.until(lambda: terminal.entry.title == "ours[31m")
        await terminal.close()
        await ana.until(lambda: len(ana.document.terminals) == 0)
        assert homes(site) == []
        with pytest.raises(NotFound, match="no such terminal"):
            await ana.command("terminals.close", terminal=terminal.id)


async def test_the_users_shell_starts_in_the_studios_folder(
    bench: Bench, hosting: Hosting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHELL", "/bin/sh")
    async with hosting():
        terminal = await (await bench.attach("ana")).terminal()
        assert terminal.entry.title == "sh"
        await terminal.type("pwd; echo $STUDIO_ID\n")
        await terminal.until(STUDIO)
        assert str(bench.root) in "".join(terminal.screen)


async def test_a_program_that_is_not_there(bench: Bench, hosting: Hosting) -> None:
    async with hosting():
        terminal = await (await bench.attach("ana")).terminal(command=["no-such-program", "x"])
        await exited(terminal)
        await terminal.until("no-such-program: No such file or directory")
        assert terminal.entry.exit_code == 127
        assert terminal.entry.driver is None


async def test_what_cannot_be_started(bench: Bench, hosting: Hosting, site: Site) -> None:
    async with hosting() as terminals:
        ana = await bench.attach("ana")
        for params in (
            {"cols": 0, "rows": 24},
            {"cols": 80, "rows": 1001},
            {"cols": 1000, "rows": 1000},
            {"command": "sh"},
            {"command": ["a\0b"]},
            {"command": [1]},
            {"title": "x" * 81},
        ):
            with pytest.raises(UsageFault):
                await ana.command("terminals.create", **params)
        bench.root.rmdir()
        with pytest.raises(StudioError, match="starting a terminal failed"):
            await ana.command("terminals.create")
        assert len(ana.document.terminals) == 0
        assert f"{STUDIO}/term/" not in "".join(terminals._session.rooms)


async def test_there_is_a_most(
    bench: Bench, hosting: Hosting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminals_module, "TERMINAL_CAP", 2)
    async with hosting():
        ana = await bench.attach("ana")
        made = await asyncio.gather(
            *(ana.command("terminals.create", command=["cat"]) for _ in range(5)),
            return_exceptions=True,
        )
        refused = [answer for answer in made if isinstance(answer, StudioError)]
        assert len(refused) == 3
        assert refused[0].message == "2 terminals are open"
        assert refused[0].hint == "close one first"
        await ana.until(lambda: len(ana.document.terminals) == 2)


async def test_two_people_at_one_terminal(bench: Bench, hosting: Hosting) -> None:
    async with hosting():
        ana, bob, vic = [
            await bench.attach(name, role)
            for name, role in (("ana", "owner"), ("bob", "editor"), ("vic", "viewer"))
        ]
        hers = await ana.terminal(command=["sh", "-c", LOOP])
        his, theirs = await bob.terminal(hers.id), await vic.terminal(hers.id)
        await hers.type("one\n")
        for terminal in (his, theirs):
            await terminal.until("<one>")
        his.send([{"text": "stolen\n"}])
        theirs.send([{"text": "stolen\n"}])
        with pytest.raises(Refused, match="sets this terminal's size"):
            await his.resize(90, 30)
        with pytest.raises(Refused, match="ana drives this terminal"):
            await bob.command("terminals.hand_over", terminal=hers.id, to="bob")
        for method in ("take", "close", "resize", "rename", "create"):
            with pytest.raises(Refused):
                await vic.command(f"terminals.{method}", terminal=hers.id)
        await hers.hand_over("bob")
        await bob.until(lambda: his.driver == "bob")
        await his.resize(90, 30)
        await his.type("two\n")
        await theirs.until("<two>")
        assert (theirs.view.cols, theirs.view.lines) == (90, 30)
        assert not any("stolen" in row for row in theirs.screen)
        await hers.take()
        await hers.type("three\n")
        await his.until("<three>")


async def test_the_seat_is_handed_to_somebody_who_may_have_it(
    bench: Bench, hosting: Hosting
) -> None:
    async with hosting():
        ana, bob = await bench.attach("ana", "owner"), await bench.attach("bob")
        await bench.attach("vic", "viewer")
        terminal = await ana.terminal(command=["cat"])
        await ana.until(lambda: len(ana.people) == 3)
        for name in ("vic", "nobody", "host"):
            with pytest.raises(NotFound, match=f"nobody called {name} who may type") as raised:
                await terminal.hand_over(name)
            assert raised.value.hint
        assert terminal.driver == "ana"
        await terminal.hand_over("bob")
        # The owner may give the seat away whoever has it.
        await terminal.hand_over("ana")
        await bob.until(lambda: bob.document.terminals[terminal.id].driver == "ana")


async def test_who_leaves_leaves_the_seat(bench: Bench, hosting: Hosting) -> None:
    async with hosting():
        bob = await bench.attach("bob")
        async with bench.person("ana") as ana:
            terminal_id = (await ana.terminal(command=["sh", "-c", LOOP])).id
            his = await bob.terminal(terminal_id)
            assert his.driver == "ana"
            assert not his.driving
        await bob.until(lambda: his.driver is None)
        await his.type("mine now\n")
        await his.until("<mine now>")
        assert his.driver == "bob"


async def test_nobody_takes_what_is_over(bench: Bench, hosting: Hosting) -> None:
    async with hosting():
        ana = await bench.attach("ana")
        terminal = await ana.terminal(command=["true"])
        await exited(terminal)
        with pytest.raises(StudioError, match="program is over") as raised:
            await ana.command("terminals.take", terminal=terminal.id)
        assert raised.value.hint == "open a new one"
        await terminal.close()
        await ana.until(lambda: len(ana.document.terminals) == 0)


async def test_history_comes_in_bounded_pieces(bench: Bench, hosting: Hosting) -> None:
    async with hosting():
        ana = await bench.attach("ana")
        terminal = await ana.terminal(command=["sh", "-c", "seq 5000; read x"])
        await terminal.until("5000")
        answer = await ana.query("terminals.history", terminal=terminal.id, start=100)
        assert answer["rows"][:2] == ["101", "102"]
        assert (answer["first"], len(answer["rows"])) == (100, 150_000 // 80)
        assert answer["total"] >= 5000
        assert await terminal.history(0, 2) == ["1", "2"]
        answer = await ana.query("terminals.history", terminal=terminal.id, start=-1, count=9)
        assert len(answer["rows"]) == 1
        with pytest.raises(UsageFault):
            await terminal.history(0, -1)
        first, rows = await terminal.past(100, 3)
        assert (first, [row.text for row in rows]) == (100, ["101", "102", "103"])
        assert len((await terminal.past(0, 9999))[1]) == 1000


async def test_a_given_name_stands_before_the_programs_own(bench: Bench, hosting: Hosting) -> None:
    async with hosting():
        ana = await bench.attach("ana")
        terminal = await ana.terminal(command=["sh", "-c", "printf '\\033]0;own\\007ok'; read x"])
        await terminal.until("ok")
        assert (terminal.title, terminal.entry.title) == ("own", "sh")
        await terminal.rename("build")
        await ana.until(lambda: terminal.title == "build")
        await terminal.rename("")
        await ana.until(lambda: terminal.title == "own")


async def test_a_new_host_finds_everything(bench: Bench, hosting: Hosting, site: Site) -> None:
    ana, bob = await bench.attach("ana"), await bench.attach("bob")
    async with hosting():
        await reachable(ana, bob)
        running = await ana.terminal(command=["sh", "-c", LOOP])
        await running.type("before\n")
        await running.until("<before>")
        over = await ana.terminal(command=["sh", "-c", "echo bye; exit 3"])
        await exited(over)
        ends = await ana.terminal(command=["sh", "-c", "read x; exit 4"])
    assert len(homes(site)) == 3
    async with hosting():
        await reachable(ana, bob)
        await ana.until(lambda: running.driver is None)
        await running.until("<before>")
        his = await bob.terminal(running.id)
        await his.until("<before>")
        await his.type("after\n")
        await running.until("<after>")
        await over.until("bye")
        assert (over.entry.state, over.entry.exit_code) == ("exited", 3)
        await ends.type("\n")
        await exited(ends)
        assert ends.entry.exit_code == 4


async def test_a_list_that_an_editor_has_forged(
    bench: Bench, hosting: Hosting, site: Site, tmp_path: Path
) -> None:
    """An id becomes part of a path, which is removed when the terminal is closed."""
    ana = await bench.attach("ana")
    victim = tmp_path / "victim"
    victim.mkdir()
    way = os.path.relpath(victim, Path(site.connection.root) / "terminals" / STUDIO)
    for entry in (
        TerminalEntry(way),
        TerminalEntry("x1", cols=0),
        TerminalEntry("x2", cols=1 << 40),
        TerminalEntry("x3", state="odd"),
        TerminalEntry("x4", title="never started"),
    ):
        ana.document.terminals.put(entry)
    await eventually(lambda: not ana.unsaved)
    async with hosting():
        await reachable(ana)
        assert set(ana.document.terminals) == {"x4"}
        await ana.until(lambda: ana.document.terminals["x4"].state == "exited")
        with pytest.raises(NotFound):
            await ana.command("terminals.close", terminal=way)
        await ana.command("terminals.close", terminal="x4")
    assert victim.exists()


async def test_what_nobody_knows_of_is_ended(bench: Bench, hosting: Hosting, site: Site) -> None:
    async with hosting() as terminals:
        holder = terminals._holder("stray", "local")
        await holder.start((80, 24), ["sleep", "60"], {})
    other = Path(site.connection.root) / "terminals" / "another-studio" / "t"
    other.mkdir(parents=True)
    assert homes(site) == ["stray"]
    async with hosting() as terminals:
        await eventually(lambda: homes(site) == [])
        assert not await terminals._holder("stray", "local").running()
    assert other.exists()


async def test_ending_all(bench: Bench, hosting: Hosting, site: Site) -> None:
    async with hosting() as terminals:
        ana = await bench.attach("ana")
        for command in (["cat"], ["sleep", "60"], ["true"]):
            terminal = await ana.terminal(command=command)
        await exited(terminal)
        assert await terminals.end_all() == 2
        assert homes(site) == []
        await ana.until(lambda: len(ana.document.terminals) == 0)


async def test_a_program_that_does_not_end_stays(
    bench: Bench, hosting: Hosting, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with hosting() as terminals:
        ana = await bench.attach("ana")
        terminal = await ana.terminal(command=["sh", "-c", "trap '' HUP; echo up; sleep 60"])
        await terminal.until("up")
        with monkeypatch.context() as patched:
            patched.setattr(terminals_module, "END_SECONDS", 0.1)
            with pytest.raises(StudioError, match="does not end") as raised:
                await terminal.close()
        assert raised.value.hint == "close it again"
        assert terminal.entry.state == "running"
        with contextlib.suppress(StudioError):
            await terminals.end_all()
        await eventually(lambda: len(ana.document.terminals) == 0)


async def test_a_terminal_stays_on_its_machine_when_the_studio_moves(
    bench: Bench, site: Site, tmp_path: Path
) -> None:
    """Old terminals live on, labelled; new ones are on the new machine; so after a restart."""
    there = LocalConnection(tmp_path / "there")
    other = replace(
        site, machine=Machine("gpu-box"), connection=there, payload=await install(there),
        folder=str(tmp_path),
    )  # fmt: skip
    ana = await bench.attach("ana")

    @asynccontextmanager
    async def host() -> AsyncIterator[Terminals]:
        async with bench.host() as parts:
            terminals = Terminals(
                parts.sites(site, other),
                parts.document,
                parts.session,
                STUDIO,
                bench.state,
                parts.tasks,
            )
            await terminals.resume()
            parts.answer(terminals.calls())
            yield terminals

    async with host():
        await reachable(ana)
        old = await ana.terminal(command=["sh", "-c", LOOP])
        ana.document.info = replace(ana.document.info, machine="gpu-box", epoch=2)
        await ana.until(lambda: not ana.unsaved)
        new = await ana.terminal(command=["sh", "-c", "pwd; exec sh -c '" + LOOP + "'"])
        assert (old.entry.machine, new.entry.machine) == ("local", "gpu-box")
        await new.until(str(tmp_path))
        assert homes(site) == [old.id]
        assert homes(other) == [new.id]
    async with host() as terminals:
        await reachable(ana)
        for number, terminal in enumerate((old, new)):
            await terminal.take()
            await terminal.type(f"again {number}\n")
            await terminal.until(f"<again {number}>")
        assert await terminals.end_all() == 2
    await there.close()
