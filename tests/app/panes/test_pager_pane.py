"""Files that cannot be edited together are read."""

from __future__ import annotations

from typing import Any

from studio_tui.app.panes import pager_pane
from studio_tui.app.panes.pager_pane import PagerPane, dump


def test_dump() -> None:
    assert dump(16, b"\x00abc\xff" + b"." * 12) == [
        "00000010  00 61 62 63 ff 2e 2e 2e 2e 2e 2e 2e 2e 2e 2e 2e  ·abc·...........",
        f"00000020  2e{' ' * 47}.",
    ]


async def test_a_binary_file_is_shown_as_bytes_with_the_reason(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    async with open_app(studio) as pilot:
        pilot.app.workspace.open_file("weights.bin")
        await settle(pilot)
        await settle(pilot)
        assert "read only · weights.bin cannot be edited: it is binary" in text_of(pilot)
        assert "00000000  00 01 02 03" in text_of(pilot)
        assert "2K of 2K" in pilot.app.workspace.work_pane.pane.status.plain


async def test_a_large_file_comes_piece_by_piece(
    studio: Any, open_app: Any, settle: Any, text_of: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(pager_pane, "PIECE", 20)
    studio.files["big.txt"] = "one\nzwölf\nthree\n\x1b[31mfour\nthe end".encode()
    async with open_app(studio) as pilot:
        work = pilot.app.workspace.work_pane
        pane = PagerPane(studio, "big.txt", "it is too large")
        work._files.append("file:big.txt")
        await work._add("file:big.txt", pane)
        work.activate("file:big.txt")
        await settle(pilot)
        assert "m reads more" in pane.status.plain
        await pilot.press("m")
        await settle(pilot)
        shown = text_of(pilot)
        for line in ("one", "zwölf", "three", "[31mfour", "the end"):
            assert line in shown
        assert "m reads more" not in pane.status.plain
