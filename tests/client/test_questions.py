"""Answering from the computer of the host: see tests/host/test_questions.py for the journey."""

from __future__ import annotations

import asyncio

import pytest

from studio_tui.client import questions
from studio_tui.errors import NotFound
from studio_tui.settings import paths


async def test_a_host_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "ANSWER_SECONDS", 0.1)
    socket = paths.answers_socket("calm-otter")
    over = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()
        await writer.wait_closed()
        over.clear()

    server = await asyncio.start_unix_server(silent, str(socket))
    assert questions.here("calm-otter")
    with pytest.raises(NotFound, match="takes no answers"):
        await questions.answer("calm-otter", "q", None)
    over.set()
    server.close()
    async with asyncio.timeout(5):
        while over.is_set():
            await asyncio.sleep(0.01)
    socket.unlink()
