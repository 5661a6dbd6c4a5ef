"""Answering what a machine asks before it lets the studio in, at the host's own computer."""

from __future__ import annotations

import asyncio
import json

from studio_tui.errors import NotFound, StudioError
from studio_tui.settings import paths

ANSWER_SECONDS = 5.0


def here(studio: str) -> bool:
    """Whether this is the computer, and the user, that the studio's host asks."""
    return paths.answers_socket(studio).is_socket()


async def answer(studio: str, question: str, value: str | None) -> None:
    """Answer a question; the value goes to the host on this computer and nowhere else.

    Args:
        value: a secret, YES, or None to decline.

    Raises:
        NotFound: the host is on another computer, or another user's.
        StudioError: the question is not open any more.
    """
    socket = paths.answers_socket(studio)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_unix_connection(str(socket))
            try:
                said = json.dumps({"question": question, "answer": value})
                writer.write(said.encode() + b"\n")
                told = json.loads(await reader.readline())
            finally:
                writer.close()
                await writer.wait_closed()
    except (OSError, TimeoutError, ValueError) as problem:
        raise NotFound(
            f"the host of {studio} takes no answers here", "answer where the studio was opened"
        ) from problem
    if told["problem"]:
        raise StudioError(str(told["problem"]), "wait whether it is asked again")
