"""Data as a terminal shows it."""

from __future__ import annotations

import sys

import pytest

from studio_tui.cli.listing import half_blocks, line, readable, size_of
from studio_tui.client.data import DataPreview
from studio_tui.data.source import Entry


def test_names_from_outside_move_no_cursor() -> None:
    row = line(Entry("b/\x1b[2J", "\x1b[2J", "file", size=3, modified=0.0))
    assert "\x1b" not in row
    assert row.split()[:3] == ["3", "B", "1970-01-01"]
    assert line(Entry("b/x/", "x", "folder")).split() == ["folder", "x/"]


def test_sizes() -> None:
    assert [size_of(n) for n in (0, 999, 1 << 20, 5 << 30)] == ["0 B", "999 B", "1.0 MB", "5.0 GB"]


def test_a_picture_needs_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    assert half_blocks(["ff0000", "00ff00"]) == []
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert half_blocks(["ff0000", "00ff00"]) == ["\x1b[38;2;255;0;0;48;2;0;255;0m▀\x1b[0m"]


def test_a_preview_moves_no_cursor() -> None:
    rows = [["1", "\x1b[2J"]]
    found = DataPreview(kind="table", columns=[["id", "int"], ["x", ""]], rows=rows, total=7)
    assert readable(found) == ["7 rows, 2 columns", "id (int)  x", "       1  \ufffd[2J"]
    assert readable(DataPreview(kind="text", text="a\n\x1b[2J")) == ["a\n\ufffd[2J"]


def test_digits_stand_under_digits() -> None:
    rows = [["ana", "9.5"], ["bob", "1200"], ["cleo", ""]]
    found = DataPreview(kind="table", columns=[["who", ""], ["price", ""]], rows=rows)
    assert readable(found)[1:] == ["who   price", "ana     9.5", "bob    1200", "cleo"]
