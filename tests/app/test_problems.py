"""Errors become messages to the place around their sender."""

from __future__ import annotations

from typing import Any

import pytest

from studio_tui.app.problems import Problem, told
from studio_tui.errors import NotFound


class Post:
    """Somebody who sends messages."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    def post_message(self, message: Any) -> bool:
        self.sent.append(message)
        return True


def test_an_error_of_the_product_is_told() -> None:
    post, error = Post(), NotFound("no file", "look")
    with told(post):  # type: ignore[arg-type]
        raise error
    assert [type(message) for message in post.sent] == [Problem]
    assert post.sent[0].error is error


def test_another_error_is_not() -> None:
    post = Post()
    with pytest.raises(KeyError), told(post):  # type: ignore[arg-type]
        raise KeyError("x")
    assert post.sent == []
