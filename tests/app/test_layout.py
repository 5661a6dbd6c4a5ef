"""The layout of one person: bounds, folds, and what a damaged file does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from studio_tui.app import layout
from studio_tui.app.layout import Layout


def test_sizes_stay_within_their_bounds() -> None:
    assert Layout().sized("files", 1000).files == 60
    assert Layout().sized("side", 30).side == 30
    assert Layout().sized("log", -5).log == 3


def test_folding_twice_unfolds() -> None:
    folded = Layout().toggled("side")
    assert folded.folded == {"side"}
    assert folded.toggled("side") == Layout()


def test_what_is_kept_comes_back() -> None:
    wanted = Layout(files=30, folded=frozenset({"log"}), theme="nord")
    wanted = replace(wanted, wrap=True, numbers=False)
    layout.save(wanted)
    assert layout.load() == wanted
    assert layout.layout_file().stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("content", ["", "{", "[]", "null"])
def test_a_damaged_file_is_the_usual_layout(content: str) -> None:
    layout.layout_file().write_text(content)
    assert layout.load() == Layout()


def test_what_makes_no_sense_is_left_out() -> None:
    read = layout.read(
        {
            "files": "wide",
            "side": 9999,
            "log": True,
            "folded": ["log", "moon", 3],
            "theme": 7,
            "wrap": "yes",
            "numbers": 0,
        }
    )
    assert read == Layout(side=90, folded=frozenset({"log"}))
    assert layout.read({"folded": "log"}) == Layout()


def test_a_file_from_before_lines_were_kept_is_read() -> None:
    assert layout.read({"files": 30, "theme": "nord"}) == Layout(files=30, theme="nord")
