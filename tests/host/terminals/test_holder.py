from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from studio_tui.errors import NotFound, StudioError
from studio_tui.host.machines.sites import Site
from studio_tui.host.terminals.holder import Holder, Remains, homes
from studio_tui.payload.hold import processes
from studio_tui.terminal import holding
from tests.host.conftest import eventually, found

MakeHolder = Callable[..., Holder]


async def start(holder: Holder, script: str) -> None:
    await holder.start((80, 24), ["sh", "-c", script], {"STUDIO_ID": "calm-otter"})


async def ended(holder: Holder) -> None:
    """Follow the program to its end."""
    reader, writer = await holder.connect()
    stream = holding.HolderStream()
    writer.write(stream.attach())
    while not any(isinstance(e, holding.Exit) for e in stream.feed(await reader.read(1 << 16))):
        pass
    writer.close()


async def test_a_program_and_what_it_leaves(holder: MakeHolder, site: Site) -> None:
    held = holder()
    await start(held, "pwd; echo $STUDIO_ID; read go; exit 3")
    assert await held.running()
    assert await holder().running()
    reader, writer = await held.connect()
    writer.write(holding.HolderStream().attach() + holding.encode_input(b"\n"))
    writer.close()
    await ended(held)
    assert not await holder().running()
    code, offset, output = await held.remains()
    assert (code, offset) == (3, 0)
    assert output.decode().split("\r\n")[:2] == [site.folder, "calm-otter"]


async def test_a_terminal_that_was_never_started(holder: MakeHolder) -> None:
    held = holder()
    assert not await held.running()
    assert await held.remains() == Remains(None, 0, b"")
    with pytest.raises(NotFound):
        await held.connect()
    await held.kill()


async def test_a_holder_that_is_gone_is_asked_for_again(holder: MakeHolder, site: Site) -> None:
    held = holder()
    await start(held, "sleep 60")
    pid = int((Path(homes(site)) / "t" / "pid").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)
    await eventually(lambda: not processes.birth(pid))
    assert await held.running(), "as far as is known"
    with pytest.raises(NotFound):
        await held.connect()
    assert not await held.running()


async def test_killing_waits_for_the_end(holder: MakeHolder) -> None:
    held = holder()
    await start(held, "trap 'sleep 0.2; exit 5' HUP; while :; do sleep 0.05; done")
    await asyncio.sleep(0.2)
    await held.kill()
    assert (await held.remains()).code == 5
    assert not await held.running()
    await held.kill()


async def test_a_folder_that_is_not_there(site: Site) -> None:
    held = Holder(found(replace(site, folder=f"{site.folder}/nothing")), "t")
    with pytest.raises(StudioError, match="starting a terminal failed") as raised:
        await start(held, "true")
    assert "nothing" in raised.value.hint


async def test_a_machine_without_python_says_so(site: Site) -> None:
    held = Holder(found(replace(site, interpreter="")), "t")
    with pytest.raises(StudioError, match="local has no python3") as raised:
        await start(held, "true")
    assert "install Python" in raised.value.hint


async def test_a_holder_that_talks_nonsense(site: Site, tmp_path: Path) -> None:
    (tmp_path / "hold").mkdir()
    (tmp_path / "hold" / "start.py").write_text("print({})")
    held = Holder(found(replace(site, payload=str(tmp_path))), "t")
    with pytest.raises(StudioError, match="holder said b'{}") as raised:
        await held.running()
    assert raised.value.hint


async def test_what_is_removed_is_forgotten(holder: MakeHolder) -> None:
    held = holder()
    await start(held, "true")
    await ended(held)
    await held.remove()
    assert await held.remains() == Remains(None, 0, b"")
    await held.remove()
