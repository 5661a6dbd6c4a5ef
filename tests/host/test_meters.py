from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from relay_server.wire import Sender
from studio_tui.host import meters as meters_module
from studio_tui.host.calls import Params, Result
from studio_tui.host.meters import Meters
from studio_tui.machines.local import LocalConnection
from studio_tui.meters.sample import Sample
from tests.host.conftest import eventually

LINE = '{"t": 1.0, "time": 1700000000, "mem": [1, 2]}'


async def latest(meters: Meters) -> Result:
    (method,) = meters.calls()
    assert (method.name, method.changes) == ("meters.latest", False)
    return await method.answer(Params({}, Sender(1, "vic", "viewer")))


async def test_a_machine_tells_what_it_reads(machine: tuple[LocalConnection, str]) -> None:
    read: list[Sample] = []
    meters = Meters(*machine, "local", sys.executable, read.append)
    assert await latest(meters) == {}
    running = asyncio.create_task(meters.run())
    await eventually(lambda: read)
    assert read[0].machine == "local"
    assert read[0].memory_total is not None
    answer = await latest(meters)
    assert answer["local"]["memory_total"] == read[0].memory_total
    running.cancel()
    await asyncio.wait([running])


@pytest.mark.parametrize(
    "bad", ["exit 1", "echo nonsense", "head -c 3000000 /dev/zero", "kill -9 $$"]
)
async def test_a_probe_that_breaks_is_started_again(
    machine: tuple[LocalConnection, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    bad: str,
) -> None:
    monkeypatch.setattr(meters_module, "RETRY_SECONDS", 0.01)
    (tmp_path / "probe.py").write_text(
        f"[ -e {tmp_path}/again ] || {{ touch {tmp_path}/again; {bad}; }}\necho '{LINE}'\n"
    )
    read: list[Sample] = []
    meters = Meters(machine[0], str(tmp_path), "local", "sh", read.append)
    running = asyncio.create_task(meters.run())
    await eventually(lambda: read)
    assert read[0].memory_total == 2
    running.cancel()
    await asyncio.wait([running])


async def test_a_machine_without_a_probe_harms_nothing(
    machine: tuple[LocalConnection, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meters_module, "RETRY_SECONDS", 0.01)
    meters = Meters(machine[0], str(tmp_path), "local", str(tmp_path / "no-python"), [].append)
    running = asyncio.create_task(meters.run())
    await asyncio.sleep(0.1)
    assert not running.done()
    assert await latest(meters) == {}
    running.cancel()
    await asyncio.wait([running])
