from __future__ import annotations

import builtins
import sys
from typing import Any

import pytest

from studio_tui.errors import StudioError
from studio_tui.terminal import cells, ghostty


@pytest.fixture(autouse=True)
def _fresh() -> Any:
    ghostty.library.cache_clear()
    yield
    ghostty.library.cache_clear()


def test_it_loads_once() -> None:
    assert ghostty.library() is ghostty.library()


def test_without_a_wheel_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *rest: Any) -> Any:
        if name.startswith("pyghostty"):
            raise ImportError("No module named 'pyghostty'")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(StudioError, match="no terminal emulator for") as caught:
        ghostty.library()
    assert sys.platform in caught.value.message
    assert "viewing a terminal works everywhere" in caught.value.hint


def test_another_layout_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cells.LAYOUT, "wide", (40, 2))
    with pytest.raises(StudioError, match="packs its cells in another way"):
        ghostty.library()
