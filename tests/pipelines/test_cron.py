"""Cron lines, and when they come."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_tui.errors import UsageFault
from studio_tui.pipelines.cron import read_cron

SUNDAY = datetime(2026, 11, 29, 12, 30, 15)


@pytest.mark.parametrize(
    ("line", "then"),
    [
        ("* * * * *", datetime(2026, 11, 29, 12, 31)),
        ("*/15 * * * *", datetime(2026, 11, 29, 12, 45)),
        ("30 12 * * *", datetime(2026, 11, 30, 12, 30)),
        ("30 2 * * 1-5", datetime(2026, 11, 30, 2, 30)),
        ("0 9 * * sat,sun", datetime(2026, 12, 5, 9, 0)),
        ("0 9 * * 7", datetime(2026, 12, 6, 9, 0)),
        ("5/20 0 1 jan *", datetime(2027, 1, 1, 0, 5)),
        ("0 0 13 * fri", datetime(2026, 12, 4, 0, 0)),  # either suffices
        ("0 0 29 feb *", datetime(2028, 2, 29, 0, 0)),
        ("@daily", datetime(2026, 11, 30, 0, 0)),
        ("0 0 1-7 * */2", datetime(2026, 12, 1, 0, 0)),  # a star: both are needed
    ],
)
def test_when_it_comes_next(line: str, then: datetime) -> None:
    assert read_cron(line).after(SUNDAY) == then


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Local time as in Berlin, by a rule that needs no database of time zones."""
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("berlin")
def test_the_hour_that_comes_twice_is_had_once() -> None:
    often, daily = read_cron("*/5 * * * *"), read_cron("15 2 * * *")
    first = datetime(2026, 10, 25, 2, 10)
    second = first.replace(fold=1)
    assert second.timestamp() - first.timestamp() == 3600
    assert often.after(first) == datetime(2026, 10, 25, 2, 15)
    assert often.after(second) == datetime(2026, 10, 25, 3, 0)
    assert daily.after(first) == datetime(2026, 10, 25, 2, 15)
    assert daily.after(second) == datetime(2026, 10, 26, 2, 15)


@pytest.mark.usefixtures("berlin")
def test_the_hour_that_is_left_out_passes() -> None:
    before = datetime(2026, 3, 29, 1, 57)
    found = read_cron("*/5 * * * *").after(before)
    assert found.timestamp() - before.timestamp() == 180


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "has 0 fields"),
        ("30 2 * *", "has 4 fields"),
        ("60 * * * *", "'60' is no minute"),
        ("* 24 * * *", "'24' is no hour"),
        ("* * 0 * *", "'0' is no day of the month"),
        ("* * * 13 *", "'13' is no month"),
        ("* * * * mond", "'mond' is no day of the week"),
        ("5-1 * * * *", "'5-1' is no minute"),
        ("*/0 * * * *", "is no minute"),
        ("*-5 * * * *", "is no minute"),
        (", * * * *", "'' is no minute"),
        ("² * * * *", "is no minute"),
    ],
)
def test_what_is_no_cron_line(line: str, message: str) -> None:
    with pytest.raises(UsageFault) as raised:
        read_cron(line)
    assert message in raised.value.message
    assert raised.value.hint


def test_a_day_that_never_comes() -> None:
    with pytest.raises(UsageFault, match="never comes"):
        read_cron("0 0 30 2 *").after(SUNDAY)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1)), st.integers(0, 59))
def test_the_next_one_is_later_and_fits(moment: datetime, minute: int) -> None:
    found = read_cron(f"{minute} */3 * * *").after(moment)
    assert found > moment
    assert (found.minute, found.hour % 3, found.second) == (minute, 0, 0)
    assert (found - moment).total_seconds() <= 3 * 3600
