"""Who may type in the studio's terminals, with a real relay between the people and the host."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from studio_tui.client.terminal import SharedTerminal
from studio_tui.errors import Refused, StudioError
from studio_tui.host.terminals import seats as seats_module
from tests.host.conftest import LOOP, Bench, Hosting


def answers(terminal: SharedTerminal) -> list[str]:
    return [row for row in terminal.screen if row.startswith("<")]


async def test_the_owner_locks_a_terminal_and_frees_it(bench: Bench, hosting: Hosting) -> None:
    async with hosting():
        ana, bob = await bench.attach("ana", "owner"), await bench.attach("bob")
        his = await bob.terminal(command=["sh", "-c", LOOP])
        hers = await ana.terminal(his.id)
        with pytest.raises(Refused, match="only the owner locks"):
            await his.lock()
        await hers.lock()
        await bob.until(lambda: his.entry.access == "locked")
        # The driver stays, and may get up; then it is the owner who says who is next.
        await his.type("one\n")
        await hers.until("<one>")
        with pytest.raises(Refused, match="has locked"):
            await his.hand_over("ana")
        await his.free()
        await bob.until(lambda: his.driver is None)
        assert (his.driving, hers.driving) == (False, True)
        with pytest.raises(Refused, match="has locked"):
            await his.take()
        with pytest.raises(Refused, match="has locked"):
            await his.type("x")
        his.send([{"text": "stolen\n"}])
        await his.ask()
        await ana.until(lambda: hers.entry.asking == ["bob"])
        await hers.hand_over("bob")
        await bob.until(lambda: his.driving)
        assert his.entry.asking == []
        await his.type("two\n")
        await hers.until("<two>")
        await hers.free()
        await bob.until(lambda: (his.driver, his.entry.access) == (None, "open"))
        await hers.type("three\n")
        await his.until("<three>")
        with pytest.raises(Refused, match="somebody else's seat"):
            await his.free()
        assert answers(his) == ["<one>", "<two>", "<three>"]


async def test_the_owner_cuts_all_input_and_a_restart_changes_nothing(
    bench: Bench, hosting: Hosting
) -> None:
    ana, bob = await bench.attach("ana", "owner"), await bench.attach("bob")
    async with hosting():
        await bob.until(lambda: bob.reachable)
        his, other = [await bob.terminal(command=["sh", "-c", LOOP]) for _ in range(2)]
        hers = await ana.terminal(other.id)
        await hers.lock()
        with pytest.raises(Refused, match="only the owner cuts"):
            await bob.cut_input()
        await ana.cut_input()
        await bob.until(lambda: his.entry.access == other.entry.access == "cut")
        assert (his.driver, other.driver) == (None, None)
        late = await bob.terminal(command=["sh", "-c", LOOP])
        for terminal in (his, other, late, hers):
            terminal.send([{"text": "no\n"}])
            with pytest.raises(StudioError, match="has cut the input"):
                await terminal.take()
            with pytest.raises(Refused, match="has cut the input"):
                await terminal.type("no\n")
    async with hosting():
        await bob.until(lambda: bob.reachable)
        his.send([{"text": "no\n"}])
        with pytest.raises(StudioError, match="has cut the input"):
            await his.take()
        with pytest.raises(Refused, match="only the owner gives"):
            await bob.restore_input()
        await ana.restore_input()
        await bob.until(lambda: (his.entry.access, other.entry.access) == ("open", "locked"))
        with pytest.raises(Refused, match="has locked"):
            await other.take()
        await his.type("yes\n")
        await his.until("<yes>")
        assert answers(his) == ["<yes>"]
        assert answers(other) == answers(late) == []


async def test_a_full_disk_stops_no_panic(
    bench: Bench, hosting: Hosting, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, value: object) -> None:
        raise StudioError(f"cannot write {path}: No space left on device", "free some space")

    monkeypatch.setattr(seats_module, "write_json", full)
    async with hosting():
        ana, bob = await bench.attach("ana", "owner"), await bench.attach("bob")
        his = await bob.terminal(command=["sh", "-c", LOOP])
        with pytest.raises(StudioError, match="No space left"):
            await ana.cut_input()
        await bob.until(lambda: (his.driver, his.entry.access) == (None, "cut"))


async def test_the_size_is_the_drivers_unless_it_is_pinned(bench: Bench, hosting: Hosting) -> None:
    async with hosting():
        ana, bob = await bench.attach("ana", "owner"), await bench.attach("bob")
        cleo = await bench.attach("cleo")
        his = await bob.terminal(command=["sh", "-c", LOOP])
        theirs = await cleo.terminal(his.id)
        with pytest.raises(Refused, match="bob sets this terminal's size"):
            await theirs.pin()
        await (await ana.terminal(his.id)).pin()
        await bob.until(lambda: his.entry.pinned)
        his.send([{"resize": [100, 30]}])
        await his.resize(90, 20)
        await asyncio.gather(*(t.studio.until(lambda: his.view.cols == 90) for t in (his, theirs)))
        assert (his.entry.cols, his.entry.rows) == (90, 20)
        await his.pin(False)
        his.send([{"resize": [100, 30]}])
        await cleo.until(lambda: theirs.view.cols == 100)
