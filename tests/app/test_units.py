from __future__ import annotations

import math
import time

import pytest

from studio_tui.app import units

G = 1 << 30


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (None, "–"),
        (math.nan, "–"),
        (-5, "0B"),
        (0, "0B"),
        (512, "512B"),
        (1000, "1K"),
        (1536, "1.5K"),
        (71 * G, "71G"),
        (1023 * G, "1T"),
        (1e30, ">999E"),
    ],
)
def test_size(amount: float | None, expected: str) -> None:
    assert units.size(amount) == expected


def test_share_uses_one_unit() -> None:
    assert units.share(71 * G, 80 * G) == "71/80G"
    assert units.share(300 << 20, 80 * G) == "0.3/80G"
    assert units.share(None, 80 * G) == "–/80G"
    assert units.share(5 * G, None) == "5G"


def test_rate_and_percent() -> None:
    assert units.rate(1.2 * (1 << 20)) == "1.2M/s"
    assert units.rate(None) == "–"
    assert units.percent(0.876) == "88%"
    assert units.percent(None) == "–"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-1, "0 s"),
        (12.9, "12 s"),
        (720, "12 min"),
        (3900, "1 h 05"),
        (187200, "2 d 4 h"),
        (math.inf, "–"),
    ],
)
def test_duration(seconds: float, expected: str) -> None:
    assert units.duration(seconds) == expected


def test_money() -> None:
    assert units.money(0.41) == "$0.41"
    assert units.money(1204.4) == "$1,204"
    assert units.money(-3, "€") == "-€3.00"
    assert units.money(None) == "–"


@pytest.mark.parametrize(
    ("amount", "expected"), [(410, "410"), (1900, "1.9k"), (12e6, "12M"), (999.6, "1k")]
)
def test_count(amount: float, expected: str) -> None:
    assert units.count(amount) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0, "0.000"),
        (1.921, "1.92"),
        (0.0003, "3e-04"),
        (0.25, "0.250"),
        (34.567, "34.6"),
        (345.67, "346"),
        (1e300, "1.0e300"),
        (-123456, "-1.2e05"),
        (math.nan, "nan"),
        (-math.inf, "-inf"),
    ],
)
def test_reading(value: float, expected: str) -> None:
    assert units.reading(value) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (None, "–"),
        (math.nan, "–"),
        (0.0032, "3.2 ms"),
        (0.12, "120 ms"),
        (0.9999, "1.00 s"),
        (12.4, "12 s"),
        (99.6, "1 min"),
    ],
)
def test_step_time(seconds: float | None, expected: str) -> None:
    assert units.step_time(seconds) == expected


def test_a_moment_has_its_day_unless_that_is_today() -> None:
    noon = time.mktime((2026, 11, 28, 12, 4, 30, 0, 0, -1))
    assert units.moment(noon, noon + 3600) == "12:04"
    assert units.moment(noon, noon + 86400) == "28.11. 12:04"
    assert units.moment(1e300, noon) == units.UNKNOWN
