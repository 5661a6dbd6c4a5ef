"""The screen as a picture, without a terminal."""

from __future__ import annotations

from typing import Any

import pytest

from studio_tui.app import screenshot
from studio_tui.errors import NotFound


async def test_a_picture_of_a_studio(studio: Any) -> None:
    svg = await screenshot(studio, open_file="data.py", seconds=0.2)
    assert svg.startswith("<svg")
    assert "calm-otter" in svg
    assert "input.txt" in svg
    assert 'url("http' not in svg


async def test_a_studio_that_cannot_be_joined(studio: Any) -> None:
    studio.fail = NotFound("studio calm-otter is not running", "start it again")
    with pytest.raises(NotFound, match="is not running"):
        await screenshot(studio, seconds=0)
