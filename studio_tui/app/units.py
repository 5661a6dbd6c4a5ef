"""Numbers as people read them: bytes, rates, durations, money and readings, short and aligned."""

from __future__ import annotations

import math
import time

UNKNOWN = "–"
_BYTE_UNITS = "BKMGTPE"
_COUNT_UNITS = ("", "k", "M", "G", "T", "P")
_TOO_MANY = 1000
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def size(amount: float | None) -> str:
    """Bytes in at most five characters, in powers of 1024: `512B`, `1.4G`, `71G`."""
    if amount is None or not math.isfinite(amount):
        return UNKNOWN
    number, unit = _scaled(max(amount, 0.0), 0)
    if number >= _TOO_MANY:
        return f">{_TOO_MANY - 1}{_BYTE_UNITS[unit]}"
    return _digits(number, unit) + _BYTE_UNITS[unit]


def share(used: float | None, total: float | None) -> str:
    """Bytes used of a total, in the total's unit: `71/80G`; `–/80G` while `used` is unknown."""
    if total is None or not math.isfinite(total) or total <= 0:
        return size(used)
    if used is None or not math.isfinite(used):
        return f"{UNKNOWN}/{size(total)}"
    number, unit = _scaled(total, 0)
    part = _digits(max(used, 0.0) / 1024**unit, unit)
    return f"{part}/{_digits(number, unit)}{_BYTE_UNITS[unit]}"


def rate(amount: float | None) -> str:
    """Bytes per second: `1.2M/s`."""
    text = size(amount)
    return text if text == UNKNOWN else f"{text}/s"


def percent(fraction: float | None) -> str:
    """A fraction of 1 as whole percent: `88%`."""
    if fraction is None or not math.isfinite(fraction):
        return UNKNOWN
    return f"{round(max(fraction, 0.0) * 100)}%"


def duration(seconds: float | None) -> str:
    """A length of time in its two largest units at most: `12 s`, `12 min`, `3 h 05`, `2 d 4 h`."""
    if seconds is None or not math.isfinite(seconds):
        return UNKNOWN
    whole = int(max(seconds, 0))
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02}"
    return f"{whole // _DAY} d {whole % _DAY // _HOUR} h"


def moment(when: float, now: float) -> str:
    """A point in time by the clock here, its day before it unless that is today: `28.11. 12:04`.

    Args:
        when, now: Unix times in seconds.
    """
    try:
        then, today = time.localtime(when), time.localtime(now)
    except (OverflowError, ValueError, OSError):
        return UNKNOWN
    same = then[:3] == today[:3]
    return time.strftime("%H:%M" if same else "%d.%m. %H:%M", then)


def step_time(seconds: float | None) -> str:
    """What one step takes, in at most seven characters: `3.2 ms`, `120 ms`, `1.25 s`, `3 min`."""
    if seconds is None or not math.isfinite(seconds):
        return UNKNOWN
    if seconds >= 99.5:
        return duration(seconds)
    if seconds >= 0.9995:
        return f"{seconds:.{2 if seconds < 9.995 else 0}f} s"
    thousandths = max(seconds, 0.0) * 1000
    return f"{thousandths:.{1 if thousandths < 9.95 else 0}f} ms"


def money(amount: float | None, currency: str = "$") -> str:
    """A price: `$0.41`, `$1,204`; cents disappear above a thousand."""
    if amount is None or not math.isfinite(amount):
        return UNKNOWN
    sign = "-" if amount < 0 else ""
    digits = f"{abs(amount):,.0f}" if abs(amount) >= 1000 else f"{abs(amount):.2f}"
    return f"{sign}{currency}{digits}"


def count(amount: float) -> str:
    """A count of anything: `410`, `1.9k`, `12M`."""
    unit = 0
    while abs(amount) >= 999.5 and unit < len(_COUNT_UNITS) - 1:
        amount /= 1000
        unit += 1
    return (f"{amount:.0f}" if unit == 0 else _digits(amount, unit)) + _COUNT_UNITS[unit]


def reading(value: float) -> str:
    """A measured value in about three digits, at most seven characters: `1.92`, `3e-04`, `nan`."""
    if not math.isfinite(value):
        return str(value)
    magnitude = abs(value)
    if magnitude != 0 and (magnitude >= 99999.5 or magnitude < 0.001):
        return f"{value:.0e}" if magnitude < 1 else f"{value:.1e}".replace("e+", "e")
    if magnitude >= 100:
        return f"{value:.0f}"
    return f"{value:.{1 if magnitude >= 10 else 2 if magnitude >= 1 else 3}f}"


def _scaled(amount: float, unit: int) -> tuple[float, int]:
    """`amount` and the largest unit that keeps three digits before the point at most."""
    while amount >= 999.5 and unit < len(_BYTE_UNITS) - 1:
        amount /= 1024
        unit += 1
    return amount, unit


def _digits(number: float, unit: int) -> str:
    """One decimal below ten, none above; whole units never have one."""
    if unit == 0 or number >= 9.95 or number == 0:
        return f"{number:.0f}"
    return f"{number:.1f}".removesuffix(".0")
