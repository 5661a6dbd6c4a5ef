from __future__ import annotations

import pytest

from studio_tui.document.findings import MOST, Finding, from_json, read_findings, to_json

LATE = Finding(9, 1, 9, 5, "F821", "Undefined name `x`", error=True)
EARLY = Finding(2, 3, 2, 4, "F401", "`os` imported but unused")


def test_a_message_goes_there_and_back_in_the_order_of_lines() -> None:
    assert from_json(to_json("f1", [LATE, EARLY])) == ("f1", [EARLY, LATE])
    assert EARLY.words == "F401 `os` imported but unused"
    assert Finding(text="bad").words == "bad"


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'{"file": 1}', b"[" * 100_000])
def test_what_makes_no_sense_is_none(data: bytes) -> None:
    assert from_json(data) is None


@pytest.mark.parametrize("value", [None, 3, {}, [None, 1, [], {"line": 0}, {"line": -3}]])
def test_what_is_no_finding_is_left_out(value: object) -> None:
    assert read_findings(value) == []


def test_foreign_words_are_printable_and_short_and_there_are_not_too_many() -> None:
    told = {"line": 1, "column": -5, "end_line": 0, "text": "a\x1b]52;c\x07" + "x" * 1000}
    found = read_findings([told] * (MOST + 1))
    assert len(found) == MOST
    assert found[0].column == found[0].end_line == 1
    assert found[0].text.isprintable()
    assert len(found[0].text) <= 200


def test_what_is_too_deep_is_left_out() -> None:
    deep: list[object] = []
    for _ in range(5000):
        deep = [deep]
    assert read_findings([{"line": 2, "text": deep, "more": deep}]) == [Finding(2, 1, 2, 1)]
