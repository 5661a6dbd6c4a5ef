"""A machine's GPUs go to one job each, in the order in which people asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_tui.errors import UsageFault
from studio_tui.jobs.slots import ALL, Claim, Slots
from studio_tui.jobs.spec import JobSpec


def box(gpus: int = 8, limit: int | None = None) -> Slots:
    slots = Slots()
    slots.equip("box", gpus, limit)
    return slots


def want(count: int = 0, *indices: int) -> Claim:
    return Claim(("box",), count, indices)


@pytest.mark.parametrize(
    ("spec", "claim"),
    [
        (JobSpec(script="a.py", devices="2"), want(2)),
        (JobSpec(script="a.py", devices="5,2"), want(0, 5, 2)),
        (JobSpec(script="a.py", devices="3,"), want(0, 3)),
        (JobSpec(script="a.py"), want(ALL)),
        (JobSpec(script="a.py", devices="auto"), want(ALL)),
        (JobSpec(script="a.py", devices="2", accelerator="cpu"), want()),
        (JobSpec(command=("nvidia-smi",)), want()),
        (JobSpec(command=("python", "-m", "x"), devices="2"), want(2)),
    ],
)
def test_what_a_job_wants(spec: JobSpec, claim: Claim) -> None:
    assert Claim.of(spec, ["box"]) == claim


def test_first_come_first_served() -> None:
    slots = box()
    for job, claim in (("a", want(4)), ("b", want(3)), ("c", want(2)), ("d", want(1))):
        slots.ask(job, claim)
    assert slots.admit() == {"a": {"box": (0, 1, 2, 3)}, "b": {"box": (4, 5, 6)}}
    assert slots.admit() == {}  # d would fit, and c was first
    assert slots.waits_for("c") == "waits for 2 GPUs of box; running there: a, b"
    assert slots.waits_for("a") == ""
    slots.release("b")
    assert slots.admit() == {"c": {"box": (4, 5)}, "d": {"box": (6,)}}


def test_one_that_is_withdrawn_holds_nobody_up() -> None:
    slots = box()
    slots.ask("a", want(1))
    slots.ask("b", want(ALL))
    slots.ask("c", want(1))
    assert list(slots.admit()) == ["a"]
    slots.release("b")
    assert slots.admit() == {"c": {"box": (1,)}}


def test_the_very_gpus() -> None:
    slots = box()
    slots.ask("a", want(0, 5, 2))
    slots.ask("b", want(0, 2, 3))
    assert slots.admit() == {"a": {"box": (5, 2)}}
    slots.release("a")
    assert slots.admit() == {"b": {"box": (2, 3)}}


def test_what_needs_no_gpu_does_not_wait() -> None:
    slots = box()
    slots.hold("a", {"box": range(8)})
    slots.ask("b", want(1))
    slots.ask("c", want())
    assert slots.admit() == {"c": {"box": ()}}
    slots = box(0)
    for job in "abc":
        slots.ask(job, want(4))
    assert list(slots.admit()) == ["a", "b", "c"]


def test_a_limit_of_jobs() -> None:
    slots = box(0, limit=2)
    for job in "abc":
        slots.ask(job, want())
    assert list(slots.admit()) == ["a", "b"]
    assert slots.waits_for("c") == "waits for its turn of box; running there: a, b"
    slots.release("a")
    assert list(slots.admit()) == ["c"]


def test_many_machines_at_once_or_not_at_all() -> None:
    slots = box()
    slots.ask("a", Claim(("box", "other"), 8))
    assert slots.admit() == {}  # nothing is known of the other
    slots.ask("b", want(1))
    assert slots.admit() == {}
    slots.equip("other", 8)
    assert slots.admit() == {"a": {"box": tuple(range(8)), "other": tuple(range(8))}}
    slots.release("a")
    assert slots.admit() == {"b": {"box": (0,)}}


@pytest.mark.parametrize(
    ("claim", "message"),
    [
        (want(9), "box has 8 GPUs, and 9 were asked for"),
        (want(0, 1, 8), "box has 8 GPUs, and GPU 8 was asked for"),
    ],
)
def test_what_a_machine_can_never_serve(claim: Claim, message: str) -> None:
    with pytest.raises(UsageFault) as raised:
        claim.check("box", 8)
    assert raised.value.message == message
    claim.check("box", 0)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4)), max_size=40))
def test_no_gpu_is_held_twice(moves: list[tuple[bool, int]]) -> None:
    slots, running = box(4), {}
    for at, (asks, number) in enumerate(moves):
        if asks:
            slots.ask(str(at), want(number))
        elif running:
            job = sorted(running)[number % len(running)]
            slots.release(job)
            del running[job]
        running |= {job: placement["box"] for job, placement in slots.admit().items()}
        held = [gpu for gpus in running.values() for gpu in gpus]
        assert len(held) == len(set(held))
