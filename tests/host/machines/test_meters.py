from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from relay_server.wire import Sender
from studio_tui.host.calls import Params, Result
from studio_tui.host.machines import meters as meters_module
from studio_tui.host.machines.meters import Meters
from studio_tui.host.machines.sites import Site
from studio_tui.machines.catalogue import Machine
from studio_tui.meters.sample import Sample
from tests.host.conftest import Bench, eventually

LINE = '{"t": 1.0, "time": 1700000000, "mem": [1, 2]}'


async def latest(meters: Meters) -> Result:
    (method,) = meters.calls()
    assert (method.name, method.changes) == ("meters.latest", False)
    return await method.answer(Params({}, Sender(1, "vic", "viewer")))


async def test_a_machine_tells_what_it_reads(bench: Bench, site: Site) -> None:
    read: list[Sample] = []
    async with bench.host() as parts:
        meters = Meters(parts.sites(site), parts.tasks, read.append)
        assert await latest(meters) == {}
        meters.follow("local")
        meters.follow("local")
        await eventually(lambda: read)
        assert read[0].machine == "local"
        assert read[0].memory_total is not None
        answer = await latest(meters)
        assert answer["local"]["memory_total"] == read[0].memory_total


async def test_two_machines_are_read_at_once(bench: Bench, site: Site) -> None:
    read: list[Sample] = []
    other = replace(site, machine=Machine("other"))
    async with bench.host() as parts:
        meters = Meters(parts.sites(site, other), parts.tasks, read.append)
        meters.follow("local")
        meters.follow("other")
        await eventually(lambda: {sample.machine for sample in read} == {"local", "other"})
        assert set(await latest(meters)) == {"local", "other"}


@pytest.mark.parametrize(
    "bad", ["exit 1", "echo nonsense", "head -c 3000000 /dev/zero", "kill -9 $$"]
)
async def test_a_probe_that_breaks_is_started_again(
    bench: Bench, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bad: str
) -> None:
    monkeypatch.setattr(meters_module, "RETRY_SECONDS", 0.01)
    (tmp_path / "probe.py").write_text(
        f"[ -e {tmp_path}/again ] || {{ touch {tmp_path}/again; {bad}; }}\necho '{LINE}'\n"
    )
    read: list[Sample] = []
    async with bench.host() as parts:
        broken = replace(site, payload=str(tmp_path), interpreter="sh")
        Meters(parts.sites(broken), parts.tasks, read.append).follow("local")
        await eventually(lambda: read)
    assert read[0].memory_total == 2


@pytest.mark.parametrize("interpreter", ["", "/no/python"])
async def test_a_machine_without_a_probe_harms_nothing(
    bench: Bench, site: Site, monkeypatch: pytest.MonkeyPatch, interpreter: str
) -> None:
    monkeypatch.setattr(meters_module, "RETRY_SECONDS", 0.01)
    async with bench.host() as parts:
        meters = Meters(parts.sites(replace(site, interpreter=interpreter)), parts.tasks, [].append)
        meters.follow("local")
        await asyncio.sleep(0.1)
        assert await latest(meters) == {}
