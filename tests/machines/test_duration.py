"""Lengths of time, read and told."""

from __future__ import annotations

import pytest

from studio_tui.machines.duration import read_duration, tell_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("20m", 1200), ("8h", 28800), (" 2 d ", 172800), ("0m", 0)],
)
def test_what_is_a_length_of_time(text: str, seconds: int) -> None:
    assert read_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "20", "m", "-5m", "1.5h", "20min", "8h30m", 20, None, True])
def test_what_is_none(text: object) -> None:
    assert read_duration(text) is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 seconds"), (1, "1 second"), (90, "90 seconds"), (60, "1 minute"), (1200, "20 minutes")]
    + [(3600, "1 hour"), (28800, "8 hours"), (5400, "90 minutes"), (86400, "1 day")]
    + [(119.6, "2 minutes"), (-3, "0 seconds")],
)
def test_a_length_of_time_in_words(seconds: float, words: str) -> None:
    assert tell_duration(seconds) == words
