"""The line that never scrolls away."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize("width", [60, 80, 119, 120, 200])
async def test_it_fills_one_row_at_every_width(
    studio: Any, open_app: Any, settle: Any, text_of: Any, width: int
) -> None:
    async with open_app(studio, (width, 24)) as pilot:
        for number in range(2, 9):
            studio.arrive(number, f"person-{number}", path="a/long/way/to/a/file.py", line=number)
        await settle(pilot)
        row = text_of(pilot).splitlines()[0]
        assert row.startswith(" calm-otter  on gpu-box ▾")
        assert len(row) <= width
        assert "✓ saved  ● live" in row
        assert ("2×H100" in row) == (width >= 120)
        assert "ana" in row or "8" in row


async def test_before_the_studio_is_joined_nothing_is_promised(
    studio: Any, text_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    from studio_tui.app.app import StudioApp

    async def forever() -> None:
        await asyncio.Event().wait()

    empty = type(studio)()
    monkeypatch.setattr(type(empty), "__aenter__", lambda self: forever())
    app = StudioApp(empty)
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.pause()
        row = text_of(pilot).splitlines()[0]
        assert "◌ connecting" in row
        assert "saved" not in row
