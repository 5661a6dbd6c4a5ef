"""Connections fit into the limit of open files."""

from __future__ import annotations

import resource

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
