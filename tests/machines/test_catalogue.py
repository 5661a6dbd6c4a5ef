"""The machines that there are, as documents and scripts see them."""

from __future__ import annotations

from typing import Any

import pytest

from studio_tui.errors import NotFound, UsageFault
from studio_tui.machines.catalogue import Catalogue, Machine, MachineGPU
from studio_tui.machines.install import Facts


def test_there_is_always_the_local_machine() -> None:
    assert [machine.id for machine in Catalogue()] == ["local"]
    assert Catalogue().find("local").price_per_hour == 0.0


def test_a_machine_of_the_configuration() -> None:
    catalogue = Catalogue({"big": {"kind": "local", "price_per_hour": 6.98, "folder": "~/x"}})
    assert catalogue.find("big") == Machine("big", "local", price_per_hour=6.98)
    limited = Catalogue({"big": {"kind": "local", "max_jobs": 2}}).find("big")
    assert limited.max_jobs == 2


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({}, "unknown kind None"),
        ({"kind": "abacus"}, "unknown kind 'abacus'"),
        ({"kind": "local", "price_per_hour": "much"}, "the price 'much'"),
        ({"kind": "local", "price_per_hour": -1}, "the price -1"),
        ({"kind": "local", "max_jobs": 0}, "the max_jobs 0"),
        ({"kind": "local", "max_jobs": True}, "the max_jobs True"),
        ("text", "unknown kind None"),
    ],
)
def test_an_entry_that_makes_no_sense(entry: Any, message: str) -> None:
    with pytest.raises(UsageFault, match=message):
        Catalogue({"big": entry})


def test_a_machine_that_is_not_there() -> None:
    with pytest.raises(NotFound, match="no machine 'big'") as raised:
        Catalogue().find("big")
    assert raised.value.hint == "there are local"


def test_a_machine_as_documents_have_it() -> None:
    facts = Facts(4, 1 << 30, 5, (MachineGPU("H100", 80 << 30),), "3.12.1", "Linux x86_64")
    assert Machine("local", price_per_hour=0.0).described(facts).to_dict() == {
        "id": "local",
        "kind": "local",
        "state": "up",
        "cpus": 4,
        "memory_bytes": 1 << 30,
        "gpus": [{"name": "H100", "memory_bytes": 80 << 30}],
        "price_per_hour": 0.0,
    }
