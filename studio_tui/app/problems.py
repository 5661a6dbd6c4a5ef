"""How an error of the product reaches the place on the screen where it happened."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from textual.message import Message

from studio_tui.errors import StudioError

if TYPE_CHECKING:
    from textual.message_pump import MessagePump


class Problem(Message):
    """Something went wrong; the nearest place around the sender shows it in one line.

    Args:
        error: what.
        brief: whether it goes away by itself.
    """

    def __init__(self, error: StudioError, *, brief: bool = False) -> None:
        super().__init__()
        self.error = error
        self.brief = brief


class News(Message):
    """Something worth knowing; shown where a problem would be, for a while."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = words


class Solved(Message):
    """What went wrong before in the sender's place did not this time."""


@contextlib.contextmanager
def told(sender: MessagePump) -> Iterator[None]:
    """Turn a `StudioError` inside the block into a `Problem` from `sender`."""
    try:
        yield
    except StudioError as error:
        sender.post_message(Problem(error))
