"""A host's answer is looked at before it is used."""

from __future__ import annotations

from typing import Any

import pytest

from studio_tui.client.answer import Answer
from studio_tui.errors import StudioError

GOOD = {"text": "é", "count": 3, "flag": False, "items": [1], "data": "aGk="}


def test_what_makes_sense_is_given() -> None:
    answer = Answer("files.read", GOOD)
    assert answer.text("text") == "é"
    assert answer.count("count") == 3
    assert answer.flag("flag") is False
    assert answer.items("items") == [1]
    assert answer.data("data") == b"hi"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("text", 3),
        ("text", None),
        ("count", -1),
        ("count", True),
        ("count", 1.5),
        ("count", "3"),
        ("flag", 0),
        ("flag", None),
        ("items", {"0": 1}),
        ("items", "ab"),
        ("data", "not base64!"),
        ("data", "aGk"),
        ("data", "é"),
        ("data", 3),
    ],
)
def test_what_makes_none_is_an_error_that_names_the_call_and_the_value(
    kind: str, value: Any
) -> None:
    answer = Answer("files.read", {"it": value})
    with pytest.raises(StudioError, match=r"files\.read.*: it is wrong or missing"):
        getattr(answer, kind)("it")


@pytest.mark.parametrize("kind", ["text", "count", "flag", "items", "data"])
def test_what_is_missing_is_an_error(kind: str) -> None:
    with pytest.raises(StudioError, match="missing"):
        getattr(Answer("jobs.log", {}), kind)("it")
