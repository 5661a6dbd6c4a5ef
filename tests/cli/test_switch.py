"""Taking a studio to another machine by a command."""

from __future__ import annotations

from studio_tui.cli.switch import readable, said
from studio_tui.client.switching import SwitchPlan
from studio_tui.document.entries import SwitchEntry
from tests.cli.conftest import Typed
from tests.client.conftest import Hosted


def test_machines_that_one_cannot_go_to(hosted: Hosted, typed: Typed) -> None:
    for words in (["moon"], ["moon", "--dry-run"]):
        done = typed("machine", "switch", hosted.id, *words)
        assert (done.code, done.error) == (3, "there is no machine 'moon'")
        assert done.hint.startswith("known: local; to add it: ")
    done = typed("machine", "switch", hosted.id, "local")
    assert (done.code, done.error) == (2, "the studio is on local already")
    assert typed("machine", "switch", "no-such", "local").code == 3


def test_a_machine_that_does_not_sleep(hosted: Hosted, typed: Typed) -> None:
    done = typed("machine", "stay", hosted.id, "local")
    assert (done.code, done.error) == (3, "local is not put to sleep by this studio")
    assert typed("machine", "stay", "no-such", "local").code == 3


def test_a_plan_for_people() -> None:
    paths = [f"{number}.md" for number in range(12)]
    plan = SwitchPlan("box", "/b", 3, 2_500_000, 1, paths, "uv sync", ["no GPU\x1b[31m there"])
    lines = readable(plan).splitlines()
    assert lines[:4] == [
        "to box, into /b",
        "files         3 to carry, 2.5 MB",
        "changed there 1 to take over",
        "environment   uv sync",
    ]
    assert lines[-3:] == [
        "both changed  9.md",
        "both changed  and 2 more",
        "mind          no GPU\N{REPLACEMENT CHARACTER}[31m there",
    ]
    assert "environment   nothing to do" in readable(SwitchPlan("box"))


def test_an_end_for_people() -> None:
    entry = SwitchEntry("last", "local", "box", "ana", "done", "a.md was kept", 1.0, 3.5)
    assert said("calm-otter", entry) == "calm-otter is on box in 2.5 s; look at: a.md was kept"
    assert said("calm-otter", SwitchEntry("last", "local", "box")) == "calm-otter is on box"
