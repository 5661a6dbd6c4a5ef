"""Entries: what is stored comes back, and what a stranger wrote does no harm."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio_tui.document.entries import (
    ChatMessage,
    Entry,
    FileEntry,
    JobEntry,
    JobMove,
    MachineEntry,
    StudioInfo,
    TerminalEntry,
    read_as,
    whole,
)

KINDS: list[type[Entry]] = [FileEntry, TerminalEntry, JobEntry, MachineEntry, StudioInfo]
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        (3.0, 3),
        (3.5, 3.5),
        ([1.0, [2.0, "x"]], [1, [2, "x"]]),
        ({"a": {"b": 4.0}}, {"a": {"b": 4}}),
        (True, True),
        (float("inf"), float("inf")),
        (None, None),
    ],
)
def test_whole_numbers_come_back_whole(stored: Any, read: Any) -> None:
    assert repr(whole(stored)) == repr(read)


@pytest.mark.parametrize(
    "entry",
    [
        FileEntry("f", "src/é.py", "calm-otter/file/f@1", "unsavable", "disk full"),
        TerminalEntry("t", "bash", "local", "ana", 3, 132, 50, "exited", -9, 1.5),
        TerminalEntry("t", access="locked", asking=["bob"], pinned=True, recording="r"),
        JobEntry("j", "fit", "failed", exit_code=1, devices="0,1", started=1.0, notes=["a", "b"]),
        MachineEntry("m", "ssh", "up", 8, 1 << 40, [{"name": "H100", "memory_bytes": 80 << 30}]),
        StudioInfo("studio", "calm-otter", "/home/ana", "m", 3),
    ],
)
def test_an_entry_comes_back_as_it_was_stored(entry: Entry) -> None:
    assert type(entry).read(entry.plain()) == entry


@pytest.mark.parametrize(("code", "told"), [(0, 143), (None, 143), (137, 137)])
def test_a_job_that_was_stopped_never_reads_as_one_that_went_well(
    code: int | None, told: int
) -> None:
    assert JobEntry.read({"id": "j", "state": "stopped", "exit_code": code}).exit_code == told
    running = JobEntry("j", state="running", exit_code=code)
    assert dataclasses.replace(running, state="stopped").plain()["exit_code"] == told


def test_unknown_keys_are_dropped_and_missing_ones_default() -> None:
    assert FileEntry.read({"id": "f", "path": "a", "colour": "red"}) == FileEntry("f", "a")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", 5),
        ("name", ["fit"]),
        ("nodes", "two"),
        ("nodes", 1.5),
        ("nodes", True),
        ("nodes", 1e300),
        ("exit_code", False),
        ("started", float("nan")),
        ("started", float("-inf")),
        ("started", 1e200),
        ("cost", {}),
        ("notes", "all of it"),
        ("notes", [1, "two"]),
        ("state", None),
        ("state", b"running"),
    ],
)
def test_a_value_of_the_wrong_type_counts_as_missing(key: str, value: Any) -> None:
    assert JobEntry.read({"id": "j", key: value}) == JobEntry("j")


@pytest.mark.parametrize("gpus", [[{"name": "H100"}, 5], {"name": "H100"}, "H100"])
def test_gpus_are_a_list_of_objects(gpus: Any) -> None:
    assert MachineEntry.read({"id": "m", "gpus": gpus}).gpus == []


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None)
@given(value=st.dictionaries(st.sampled_from(["name", "state", "gpus", "cols", "x"]), JSON))
def test_whatever_was_written_reads_as_an_entry_that_can_be_stored_again(
    kind: type[Entry], value: dict[str, Any]
) -> None:
    entry = kind.read({**value, "id": "e"})
    assert kind.read(entry.plain()) == entry
    assert entry.id == "e"


def test_an_entry_without_an_id_is_none() -> None:
    with pytest.raises(TypeError):
        FileEntry.read({"path": "a"})


@pytest.mark.parametrize("state", ["succeeded", "failed", "stopped", "lost"])
def test_a_job_is_over_in_its_last_states(state: str) -> None:
    assert JobEntry("j", state=state).over


@pytest.mark.parametrize("state", ["queued", "starting", "running", "paused"])
def test_a_job_is_not_over_before(state: str) -> None:
    assert not JobEntry("j", state=state).over


def test_entries_do_not_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        FileEntry("f").path = "g"  # type: ignore[misc]


def test_a_message_of_a_stranger_is_read_as_far_as_it_makes_sense() -> None:
    assert read_as(ChatMessage, {"person": "bob", "text": 5, "time": "now"}) == ChatMessage("bob")


def test_what_a_job_costs() -> None:
    machines = {
        "a": MachineEntry("a", price_per_hour=7.0),
        "b": MachineEntry("b", price_per_hour=2.0),
        "own": MachineEntry("own", price_per_hour=0.0),
        "c": MachineEntry("c"),
    }
    job = JobEntry("j", machine="a", started=1000.0)
    assert job.cost_until(4600.0, machines) == 7.0
    assert job.cost_until(0.0, machines) == 0.0
    assert JobEntry("j", machine="a", started=1.0, ended=1801.0).cost_until(9e9, machines) == 3.5
    assert JobEntry("j", machine="a,b", started=1000.0).cost_until(4600.0, machines) == 9.0
    for name in ("own", "c", "gone", ""):
        assert JobEntry("j", machine=name, started=1000.0).cost_until(4600.0, machines) is None
    assert JobEntry("j", machine="a").cost_until(4600.0, machines) is None


@pytest.mark.parametrize(
    ("entry", "several"),
    [
        (JobEntry("j"), False),
        (JobEntry("j", devices="1"), False),
        (JobEntry("j", devices="auto"), False),
        (JobEntry("j", devices="3,"), False),
        (JobEntry("j", devices="0,1"), True),
        (JobEntry("j", devices="8"), True),
        (JobEntry("j", devices="9" * 9999), False),
        (JobEntry("j", nodes=2), True),
        (JobEntry("j", devices="auto", gpus={"box": [0, 1]}), True),
        (JobEntry("j", gpus={"box1": [0], "box2": [0]}), True),
        (JobEntry("j", gpus={"box": "?"}), False),
    ],
)
def test_whether_a_job_has_several_processes(entry: JobEntry, several: bool) -> None:
    assert entry.several == several


def test_a_job_that_moved_costs_what_each_machine_costs() -> None:
    machines = {"a": MachineEntry("a", price_per_hour=7.0), "own": MachineEntry("own")}
    there = {"source": "own", "target": "a", "phase": "done", "at": 4600.0, "spent": 2.0}
    going = {"source": "a", "target": "own", "phase": "carrying"}
    job = JobEntry("j", machine="a", started=1000.0, moves=[there, going])
    assert job.cost_until(8200.0, machines) == 9.0
    home = {"source": "a", "target": "own", "phase": "done", "at": 8200.0, "spent": 9.0}
    job = JobEntry("j", machine="own", started=1000.0, ended=9999.0, moves=[there, home])
    assert job.cost_until(9e9, machines) == 9.0
    assert job.machines == ["own"]
    assert JobEntry("j", machine="a,b", moves=[going]).machines == ["a", "b", "own"]
    strange = JobEntry.read({"id": "j", "moves": [{"step": "x", "phase": "done", "at": True}]})
    assert strange.moved == [JobMove(phase="done")]
    assert strange.cost_until(1.0, machines) is None
