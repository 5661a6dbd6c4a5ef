"""Which machines can be started and stopped; how is in the tests of their kinds."""

from __future__ import annotations

import pytest

from studio_tui.machines.catalogue import Machine
from studio_tui.machines.power import power_for


@pytest.mark.parametrize("kind", ["local", "ssh"])
def test_a_machine_that_is_simply_there(kind: str) -> None:
    assert power_for(Machine("box", kind)) is None


def test_a_machine_that_one_pays_for() -> None:
    assert power_for(Machine("box", "slurm", entry={"host": "login"})) is not None
    entry = {"instance": "i-0123456789abcdef0", "region": "us-east-1"}
    assert power_for(Machine("box", "ec2", entry=entry)) is not None
