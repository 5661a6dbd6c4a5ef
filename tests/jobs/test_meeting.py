"""Nodes meet where all of them can be reached."""

from __future__ import annotations

import sys

import pytest

from studio_tui.errors import StudioError
from studio_tui.jobs.launch import Supervisor
from studio_tui.jobs.meeting import Address, Post, Whereabouts, ask, posts


def at(boot: str, *addresses: tuple[str, str, int], port: int = 1234) -> Whereabouts:
    return Whereabouts(f"box-{boot}", boot, tuple(Address(*a) for a in addresses), port)


def test_on_one_computer_they_meet_on_the_loopback() -> None:
    nodes = [at("x", ("eth0", "10.0.0.1", 24)), at("x", port=9)]
    assert posts(nodes) == [Post(n, 2, "127.0.0.1", 1234, "127.0.0.1", "lo") for n in (0, 1)]


def test_in_the_first_network_that_all_are_in() -> None:
    bridge = ("docker0", "172.17.0.1", 16)  # the same on every computer: it leads nowhere
    nodes = [
        at("x", bridge, ("eth0", "10.0.0.1", 24), ("ib0", "10.7.0.1", 16)),
        at("y", bridge, ("ib1", "10.7.3.9", 16)),
        at("z", ("ib0", "10.7.0.3", 16), ("eth0", "10.0.0.3", 24)),
    ]
    assert posts(nodes) == [
        Post(0, 3, "10.7.0.1", 1234, "10.7.0.1", "ib0"),
        Post(1, 3, "10.7.0.1", 1234, "10.7.3.9", "ib1"),
        Post(2, 3, "10.7.0.1", 1234, "10.7.0.3", "ib0"),
    ]


def test_without_a_common_network_each_by_its_first_address() -> None:
    nodes = [at("x", ("eth0", "10.0.0.1", 24)), at("y", ("", "10.1.0.1", 32))]
    assert [(post.local, post.interface) for post in posts(nodes)] == [
        ("10.0.0.1", "eth0"),
        ("10.1.0.1", ""),
    ]


def test_a_machine_without_an_address() -> None:
    with pytest.raises(StudioError, match="box-y has no address") as raised:
        posts([at("x", ("eth0", "10.0.0.1", 24)), at("y")])
    assert raised.value.hint


async def test_a_machine_is_asked(supervisor: Supervisor) -> None:
    found = await ask("box", supervisor.connection, sys.executable, supervisor.payload)
    assert found.machine == "box"
    assert found.boot
    assert 0 < found.port < 65536


@pytest.mark.parametrize(
    "answer", ["nonsense", "{}", '{"boot": "x", "addresses": [["e", "1.2", 3]], "port": 1}']
)
async def test_an_answer_that_makes_no_sense(supervisor: Supervisor, answer: str) -> None:
    with open(f"{supervisor.payload}/meet.py", "w") as file:
        file.write(f"print({answer!r})")
    with pytest.raises(StudioError, match="box does not say where it can be met"):
        await ask("box", supervisor.connection, sys.executable, supervisor.payload)
