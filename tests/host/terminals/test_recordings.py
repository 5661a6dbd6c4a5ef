"""Recordings through a real relay, over a restart of the host, of real programs on a pty."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studio_tui.client.studio import Studio
from studio_tui.client.terminal import SharedTerminal
from studio_tui.document.entries import TerminalEntry
from studio_tui.errors import NotFound, Refused, StudioError
from studio_tui.host.machines.sites import Site
from studio_tui.host.terminals import recordings as recordings_module
from studio_tui.host.terminals.holder import homes
from studio_tui.host.terminals.recording import RECORDING_CAP
from studio_tui.terminal.emulator import Emulator
from tests.host.conftest import LOOP, STUDIO, Bench, Hosting, eventually

WAITING = 'echo waiting; while [ ! -e "$1" ]; do sleep 0.02; done; seq 300; exit 3'
ASKING = "stty -echo; echo password:; read x; stty echo; echo thanks; " + LOOP


async def events(studio: Studio, id: str) -> list[Any]:
    data = await studio.recordings.read(id)
    return [json.loads(line) for line in data.splitlines() if not line.startswith(b"#")]


def played(lines: list[Any]) -> list[str]:
    """The screen that a player ends on."""
    term = lines[0]["term"]
    player = Emulator(term["cols"], term["rows"])
    for _, code, data in lines[1:]:
        if code == "o":
            player.feed(data.encode())
        elif code == "r":
            player.resize(*map(int, data.split("x")))
    player.changed_rows()
    return [row.text.rstrip() for row in player.rows]


async def reachable(studio: Studio, terminal: SharedTerminal) -> None:
    await studio.until(lambda: studio.reachable and not terminal.closed)


async def test_a_recording_from_start_to_end(
    bench: Bench, hosting: Hosting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_TOKEN", "sesame-sesame")
    ana = await bench.attach("ana", "owner")
    async with hosting():
        await ana.until(lambda: ana.reachable)
        hers = await ana.terminal(command=["sh", "-c", ASKING], cols=60, rows=10, title="work")
        await hers.until("password:")
        assert hers.entry.recording == ""
        id = await hers.record()
        await ana.until(lambda: hers.entry.recording == id)
        with pytest.raises(StudioError, match="being recorded already"):
            await hers.record()
        await hers.type("hunter2\n")
        await hers.until("thanks")
        async with bench.person("bob") as bob:
            his = await bob.terminal(hers.id)
            await his.take()
            await his.type("sesame-sesame\n")
            await hers.until("<sesame-sesame>")
            await his.resize(70, 12)
        await ana.until(lambda: hers.driver is None)
        ana.document.info = replace(ana.document.info, machine="gpu-box", epoch=2)
        await ana.until(lambda: not ana.unsaved)
        await hers.type("before\n")
        await hers.until("<before>")
    async with hosting():
        await reachable(ana, hers)
        assert hers.entry.recording == id
        await hers.type("after\n")
        await hers.until("<after>")
        assert [each.live for each in await ana.recordings.list()] == [True]
        with pytest.raises(StudioError, match="still being made"):
            await ana.recordings.remove(id)
        assert await hers.stop_recording() == id
        await ana.until(lambda: hers.entry.recording == "")
        await hers.type("unrecorded\n")
        await hers.until("<unrecorded>")
        lines = await events(ana, id)
        shown = "".join(data for _, code, data in lines[1:] if code == "o")
        marks = [data for _, code, data in lines[1:] if code == "m"]
        assert {code for _, code, _ in lines[1:]} == {"o", "m", "r"}
        # What is typed is in no recording but where the program shows it, and no secret even then.
        for absent in ("hunter2", "sesame", "unrecorded"):
            assert absent not in shown
        for once in ("<before>", "<after>", "thanks", f"<{'*' * 13}>"):
            assert shown.count(once) == 1
        story = ["recorded by ana; here: ana", "ana drives", "bob joined", "bob drives",
                 "nobody drives", "bob left", "the studio moved to gpu-box", "ana drives",
                 "the host was away", "ana drives", "ana ended the recording"]  # fmt: skip
        # A new host may hear of ana before or after it goes on with the recording.
        assert sorted(mark for mark in marks if mark != "ana joined") == sorted(story)
        assert marks.index("bob joined") < marks.index("bob drives") < marks.index("bob left")
        assert [data for _, code, data in lines[1:] if code == "r"] == ["70x12"]
        (info,) = await ana.recordings.list()
        assert (info.terminal, info.title, info.live) == (hers.id, "work", False)
        assert info.bytes == len(await ana.recordings.read(id))
        await ana.recordings.remove(id)
        assert await ana.recordings.list() == []


async def test_a_recording_ends_with_its_program(
    bench: Bench, hosting: Hosting, site: Site
) -> None:
    """Also when nobody was there to see it: what it said last is in the recording."""
    ana = await bench.attach("ana", "owner")
    async with hosting():
        await ana.until(lambda: ana.reachable)
        seen, unseen = [
            await ana.terminal(command=["sh", "-c", WAITING, "sh", name]) for name in ("a", "b")
        ]
        ids = [await terminal.record() for terminal in (seen, unseen)]
        (bench.root / "a").touch()
        await ana.until(lambda: seen.entry.state == "exited")
        await unseen.until("waiting")
    (bench.root / "b").touch()
    await eventually((Path(homes(site)) / STUDIO / unseen.id / "exit").exists)
    async with hosting():
        await reachable(ana, unseen)
        await ana.until(lambda: unseen.entry.state == "exited")
        assert (seen.entry.recording, unseen.entry.recording) == ("", "")
        for id in ids:
            lines = await events(ana, id)
            assert lines[-1][1:] == ["x", "3"]
            assert played(lines)[-2:] == ["300", ""]
        with pytest.raises(StudioError, match="program is over"):
            await seen.record()


async def test_who_may_and_what_is_none(
    bench: Bench, hosting: Hosting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recordings_module, "KEPT_CAP", 1)
    (bench.state / "recordings").mkdir(parents=True)
    (bench.state / "recordings" / "notes.cast").write_text("not ours")
    (bench.state / "secret.cast").write_text("not a recording")
    ana, vic = await bench.attach("ana", "owner"), await bench.attach("vic", "viewer")
    async with hosting():
        await ana.until(lambda: ana.reachable)
        terminal = await ana.terminal(command=["cat"])
        theirs = await vic.terminal(terminal.id)
        with pytest.raises(Refused):
            await theirs.record()
        with pytest.raises(StudioError, match="not being recorded"):
            await terminal.stop_recording()
        id = await terminal.record()
        assert (await events(vic, id))[0]["version"] == 3
        await terminal.stop_recording()
        with pytest.raises(Refused):
            await vic.recordings.remove(id)
        with pytest.raises(StudioError, match="1 recordings are kept"):
            await terminal.record()
        for bad in ("", "../secret", "notes", "x-1", f"{id}.cast", f"../recordings/{id}"):
            with pytest.raises(NotFound, match="there is no recording"):
                await ana.recordings.read(bad)
            with pytest.raises(NotFound, match="there is no recording"):
                await ana.recordings.remove(bad)
    assert (bench.state / "secret.cast").exists()


async def test_recordings_fill_no_disk(
    bench: Bench, hosting: Hosting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recordings_module, "TOTAL_CAP", 2 * RECORDING_CAP)
    folder = bench.state / "recordings"
    folder.mkdir(parents=True)
    for id, size in (("x-1", 10), ("x-2", RECORDING_CAP - 10)):
        with (folder / f"{id}.cast").open("wb") as file:
            file.truncate(size)
    ana = await bench.attach("ana", "owner")
    async with hosting():
        await ana.until(lambda: ana.reachable)
        one, other = [await ana.terminal(command=["cat"]) for _ in range(2)]
        await one.record()
        with pytest.raises(StudioError, match="2 kept with 256 MiB and 1 under way") as told:
            await other.record()
        assert told.value.hint.endswith("record rm STUDIO x-2")
        await ana.recordings.remove("x-1")
        await ana.recordings.remove("x-2")
        await other.record()
        third = await ana.terminal(command=["cat"])
        with pytest.raises(StudioError, match="0 kept with 0 MiB and 2 under way") as told:
            await third.record()
        assert "stop one" in told.value.hint
        await ana.recordings.remove(await one.stop_recording())
        await third.record()


async def test_a_recording_that_an_editor_has_forged(bench: Bench, hosting: Hosting) -> None:
    """A host that comes back goes on with nothing but the terminal's own recording."""
    ana = await bench.attach("ana", "owner")
    async with hosting():
        await ana.until(lambda: ana.reachable)
        one, other = [await ana.terminal(command=["cat"]) for _ in range(2)]
        id = await one.record()
        await one.stop_recording()
    before = (bench.state / "recordings" / f"{id}.cast").read_bytes()
    for forged in (id, "../../x-1", f"{other.id}-7"):
        entry = ana.document.terminals[other.id]
        ana.document.terminals.put(TerminalEntry.read({**entry.plain(), "recording": forged}))
        await ana.until(lambda: not ana.unsaved)
        async with hosting():
            await reachable(ana, other)
            await ana.until(lambda: other.entry.recording == "")
            await other.type("x\n")
            await other.until("x")
    assert (bench.state / "recordings" / f"{id}.cast").read_bytes() == before
    assert [path.name for path in bench.state.glob("**/*.cast")] == [f"{id}.cast"]
