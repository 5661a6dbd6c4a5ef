"""Three people, a thousand edits, lines that break at random: one text in the end."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from studio_tui.document.text import SharedText
from studio_tui.sync.session import Session

ROOM = "calm-otter"
EDITS = 1000
PIECES = ["a", "word ", "\n", "\t", "é", "e\u0301", "日本", "😀", "👩\u200d👧", "שלום", "x" * 300]
PIECES += ["\u2028", "\x0c", "\x00", "\r\n", "\U0010ffff"]

Attach = Callable[..., Awaitable[Session]]
OpenLine = Callable[[int], Awaitable[Any]]


def edit(draw: random.Random, text: SharedText) -> None:
    """One edit of any kind at any place."""
    size = len(text)
    start = draw.randint(0, size)
    end = min(size, start + draw.choice([0, 0, 0, 1, 2, 5, 40]))
    piece = draw.choice(PIECES)
    match draw.randrange(4):
        case 0:
            text.delete(start, end)
        case 1:
            text.replace(start, end, piece)
        case _:
            text.insert(start, piece)


@pytest.mark.parametrize("seed", [1, 2])
async def test_everybody_ends_with_the_same_text(
    seed: int, stored: Any, attach: Attach, line: OpenLine
) -> None:
    draw = random.Random(seed)
    lines = [await line(stored.port) for _ in range(3)]
    people = [await attach(each.url, stored.token()) for each in lines]
    texts = [SharedText((await person.join(ROOM)).replica.doc) for person in people]
    for number in range(EDITS):
        edit(draw, draw.choice(texts))
        if draw.random() < 0.02:
            await draw.choice(lines).cut()
        if draw.random() < 0.02:
            draw.choice(lines).silence()
        if number % 3 == 0:
            await asyncio.sleep(0)
        if draw.random() < 0.05:
            for each in lines:
                each.heal()
            await asyncio.sleep(0.01)
    for each in lines:
        each.heal()
    async with asyncio.timeout(20):
        for person, text in zip(people, texts, strict=True):
            await person.until(lambda person=person: person.unsaved == 0)
            await person.until(lambda text=text: str(text) == str(texts[0]))
    stranger = await attach(stored.url, stored.token())
    assert str(SharedText((await stranger.join(ROOM)).replica.doc)) == str(texts[0])
    assert [str(text) for text in texts] == [str(texts[0])] * 3
    assert sum(each.accepted for each in lines) > 6
