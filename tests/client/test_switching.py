"""Machines and switches as a client sees them; tests/host/switching has the switch itself."""

from __future__ import annotations

import pytest

from studio_tui.client.switching import SwitchPlan
from studio_tui.document.entries import SwitchEntry
from studio_tui.document.studio import SWITCH
from studio_tui.errors import NotFound, StudioError
from tests.client.conftest import Hosted, Stage


async def test_the_machines_of_a_studio(hosted: Hosted) -> None:
    async with hosted.attach() as studio:
        (local,) = await studio.machines()
        assert (local.id, local.kind, local.price_per_hour) == ("local", "local", 0.0)
        with pytest.raises(NotFound, match="no machine 'moon'") as raised:
            await studio.plan_switch("moon")
        assert raised.value.hint == "known: local; to add it: studio-tui machine add moon"


async def test_what_a_host_of_another_version_says_is_read_as_far_as_it_makes_sense(
    stage: Stage,
) -> None:
    studio = await stage.attach()
    stage.host.answers["machines.list"] = lambda _: {
        "machines": [{"id": "a", "cpus": "many", "new": 1}, {"kind": "ssh"}, 3, {"id": 4}]
    }
    (machine,) = await studio.machines()
    assert (machine.id, machine.cpus) == ("a", 0)
    stage.host.answers["machines.list"] = lambda _: {"machines": None}
    with pytest.raises(StudioError, match="makes no sense"):
        await studio.machines()
    stage.host.answers["machines.plan"] = lambda _: {"machine": "a", "files": "x", "conflicts": [1]}
    assert await studio.plan_switch("a") == SwitchPlan("a")


async def test_only_a_machine_that_may_sleep_can_be_kept_up(hosted: Hosted) -> None:
    async with hosted.attach() as studio:
        with pytest.raises(NotFound, match="local is not put to sleep by this studio"):
            await studio.stay("local")
        with pytest.raises(NotFound, match="no machine 'moon'"):
            await studio.stay("moon")


async def test_a_switch_says_why_the_studio_stays(stage: Stage) -> None:
    studio = await stage.attach()

    def fail(params: dict[str, object]) -> dict[str, object]:
        note = "the disk is full"
        studio.document.switch = SwitchEntry(SWITCH, "local", "box", "ana", "failed", note)
        return {}

    stage.host.answers["machines.switch"] = fail
    with pytest.raises(StudioError, match="stays on local: the disk is full") as raised:
        await studio.switch("box")
    assert raised.value.hint.endswith("studio-tui machine check box")
