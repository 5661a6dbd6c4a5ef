"""Connections fit into the limit of open files, and everything into memory."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

import pytest

from relay_server import places


@pytest.mark.parametrize(
    ("soft", "fit"), [(1024, 980), (64, 20), (16, 8), (resource.RLIM_INFINITY, 1 << 30)]
)
def test_some_files_are_spared(monkeypatch: pytest.MonkeyPatch, soft: int, fit: int) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (soft, soft))
    assert places.places() == fit


def test_the_limit_is_raised_as_far_as_it_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    told = []
    monkeypatch.setattr(resource, "getrlimit", lambda which: (64, 4096))
    monkeypatch.setattr(resource, "setrlimit", lambda which, limits: told.append(limits))
    places.raise_limit()
    assert told == [(4096, 4096)]


def test_memory_is_told_in_bytes() -> None:
    used = places.memory_used()
    assert used > 1 << 20 if sys.platform == "linux" else used == 0


@pytest.mark.parametrize(("told", "limited"), [("1048576\n", True), ("max\n", False), ("", False)])
def test_the_limit_of_a_unit_counts(tmp_path: Path, told: str, limited: bool) -> None:
    (tmp_path / "relay.service").mkdir()
    (tmp_path / "relay.service" / "memory.max").write_text(told)
    whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    most = (1 << 20) if limited else whole
    assert places.memory_limit(tmp_path, "relay.service") == most // 8 * 7
    assert places.memory_limit(tmp_path / "nothing", "") == whole // 8 * 7
