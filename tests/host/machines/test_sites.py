from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from studio_tui.errors import NotFound, StudioError
from studio_tui.host.machines import sites as sites_module
from studio_tui.host.machines.sites import Site, Sites
from studio_tui.machines.catalogue import Machine, MachineGPU
from studio_tui.machines.connection import ConnectionLost
from studio_tui.machines.install import Facts
from tests.host.conftest import Bench, Known, eventually


async def test_a_machine_is_reached_once_and_described(bench: Bench, site: Site) -> None:
    reached: list[str] = []
    async with bench.host() as parts:
        sites = parts.sites(site)
        sites.on_reached = reached.append
        first, second = await asyncio.gather(sites.at("local"), sites.at("local"))
        assert first is second is site
        assert reached == ["local"]
        await eventually(lambda: "local" in parts.document.machines)
        assert parts.document.machines["local"].cpus
        assert parts.document.machines["local"].state == "up"


async def test_what_a_machine_is_can_be_waited_for(bench: Bench, site: Site) -> None:
    async with bench.host() as parts:
        sites = parts.sites(replace(site, machine=Machine("local", max_jobs=3)))
        facts = await sites.facts("local")
        assert facts.cpus
        assert facts.max_jobs == 3
        with pytest.raises(NotFound, match="no machine 'moon'"):
            await sites.facts("moon")


async def test_one_that_comes_back_may_be_another(
    bench: Bench, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An instance whose type was changed while it was off has other GPUs, and another price."""
    sizes = iter((1, 8))

    async def described(connection: object, payload: object) -> Facts:
        if (gpus := next(sizes, None)) is None:
            raise ConnectionLost("the connection was lost again")
        return Facts(4, 1, 1, (MachineGPU("H200"),) * gpus, "3.12", "Linux")

    monkeypatch.setattr(sites_module, "describe", described)
    async with bench.host() as parts:
        ways = Known(site)
        sites = Sites(ways, parts.document, parts.tasks)
        ways.on_up("local")  # before anybody wanted it
        assert len((await sites.facts("local")).gpus) == 1
        ways.change(replace(site, machine=Machine("local", price_per_hour=9.0)))
        for _ in range(2):
            ways.on_up("local")
            facts = await sites.facts("local")
            assert (len(facts.gpus), facts.price_per_hour) == (8, 9.0)
        assert len(parts.document.machines["local"].gpus) == 8


async def test_a_machine_that_nobody_knows(bench: Bench, site: Site) -> None:
    async with bench.host() as parts:
        with pytest.raises(NotFound, match="no machine 'moon'"):
            await parts.sites(site).at("moon")


async def test_a_machine_that_is_down_is_tried_again(bench: Bench, site: Site) -> None:
    class Down(Known):
        down = True

        async def to(self, machine: str) -> Site:
            if self.down:
                raise ConnectionLost(f"{machine} does not answer")
            return await super().to(machine)

        async def retry(self, machine: str) -> None:
            self.down = False

    async with bench.host() as parts:
        sites = Sites(Down(site), parts.document, parts.tasks)
        for _ in range(2):
            with pytest.raises(ConnectionLost, match="local does not answer"):
                await sites.at("local")
        assert await sites.at("local", wanted=True) is site


async def test_a_slow_machine_holds_nobody_else_up(bench: Bench, site: Site) -> None:
    class Slow(Known):
        async def to(self, machine: str) -> Site:
            if machine == "slow":
                await asyncio.Event().wait()
            return await super().to(machine)

    async with bench.host() as parts:
        sites = Sites(Slow(site), parts.document, parts.tasks)
        waiting = asyncio.create_task(sites.at("slow"))
        assert await sites.at("local") is site
        assert not waiting.done()
        waiting.cancel()


async def test_one_that_does_not_tell_what_it_is_is_listed(bench: Bench, site: Site) -> None:
    silent = replace(site, machine=Machine("quiet", kind="ssh"), payload="/nothing")
    async with bench.host() as parts:
        await parts.sites(silent).at("quiet")
        await eventually(lambda: "quiet" in parts.document.machines)
        entry = parts.document.machines["quiet"]
        assert (entry.kind, entry.gpus, entry.cpus) == ("ssh", [], 0)


async def test_the_catalogue_is_listed_with_what_was_found(bench: Bench, site: Site) -> None:
    other = replace(site, machine=Machine("gpu-box", kind="ssh", price_per_hour=6.98))
    async with bench.host() as parts:
        sites = parts.sites(site, other)
        parts.answer(sites.calls())
        await sites.at("local")
        await eventually(lambda: "local" in parts.document.machines)
        vic = await bench.attach("vic", "viewer")
        await vic.until(lambda: vic.reachable)
        local, gpu_box = await vic.machines()
        assert (local.id, local.state) == ("local", "up")
        assert local.cpus > 0
        assert (gpu_box.id, gpu_box.kind, gpu_box.state) == ("gpu-box", "ssh", "unknown")
        assert gpu_box.price_per_hour == 6.98


async def test_a_machine_without_python(site: Site) -> None:
    assert site.python == site.interpreter
    with pytest.raises(StudioError, match="local has no python3"):
        _ = replace(site, interpreter="").python


async def test_every_connection_is_closed(bench: Bench, site: Site) -> None:
    async with bench.host() as parts:
        sites = parts.sites(site)
        await sites.at("local")
        await sites.close()
        with pytest.raises(ConnectionLost):
            await site.connection.run(["true"])
