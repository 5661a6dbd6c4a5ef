from __future__ import annotations

from typing import Any

import pytest
from textual import events

from studio_tui.app.widgets.follow_bar import FollowBar


@pytest.mark.parametrize("key", ["a", "escape", "ctrl+s", "tab", "enter"])
async def test_any_key_ends_it_and_does_nothing_else(stage: Any, key: str) -> None:
    ended: list[FollowBar.Ended] = []
    bar = FollowBar()

    def hook(message: Any) -> None:
        if isinstance(message, FollowBar.Ended):
            ended.append(message)

    async with stage(bar, 60, 1, hook=hook) as pilot:
        bar.show("bob", "train.py:42", "#ff8800")
        bar.focus()
        await pilot.press(key)
        await pilot.pause()
        assert pilot.app.is_running
    assert {id(message) for message in ended} == {id(ended[0])}


async def test_a_paste_ends_it(stage: Any) -> None:
    ended: list[str] = []
    bar = FollowBar()
    async with stage(bar, 60, 1, hook=lambda message: ended.append(type(message).__name__)) as p:
        bar.show("bob", "", "#ff8800")
        bar.post_message(events.Paste("x"))
        await p.pause()
    assert "Ended" in ended


async def test_it_says_whom_and_where_in_their_colour(stage: Any, drawn: Any) -> None:
    bar = FollowBar()
    async with stage(bar, 60, 1) as pilot:
        assert not bar.display
        bar.show("[b]eve", "[@click=app.quit]x.py:1", "#ffcc00")
        await pilot.pause()
        assert bar.words == "⇢ following [b]eve · [@click=app.quit]x.py:1 · any key ends it"
        assert bar.styles.background.hex == "#FFCC00"
        assert bar.styles.color.brightness < 0.3
        bar.hide()
        await pilot.pause()
        assert (bar.words, bar.display) == ("", False)
