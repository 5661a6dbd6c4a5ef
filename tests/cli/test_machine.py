"""Machines on the command line."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conftest import Typed


def test_this_machine_with_what_it_has(typed: Typed) -> None:
    (local,) = typed("machine", "ls", "--json").json
    assert set(local) == {"id", "kind", "state", "cpus", "memory_bytes", "gpus", "price_per_hour"}
    assert (local["id"], local["kind"], local["state"]) == ("local", "local", "up")
    assert local["cpus"] == len(os.sched_getaffinity(0))
    assert local["memory_bytes"] > 1 << 28
    assert all(set(gpu) == {"name", "memory_bytes"} for gpu in local["gpus"])


def test_for_people(typed: Typed) -> None:
    header, row = typed("machine", "ls").out.splitlines()
    assert header.split() == ["ID", "KIND", "STATE", "CPUS", "MEMORY", "GPUS"]
    assert row.split()[:3] == ["local", "local", "up"]
    assert "GiB" in row
