"""Times at which something is to be done, by a cron line of five fields; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from studio_tui.errors import UsageFault

NAMED = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
}
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
FIELDS = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, MONTHS),
    ("day of the week", 0, 7, DAYS),
)
HORIZON_DAYS = 366 * 8  # a 29th of February may be eight years away
_PART = re.compile(r"(\*|\w+)(?:-(\w+))?(?:/(\d{1,3}))?")


@dataclass(frozen=True)
class Cron:
    """Which minutes: of the hour, of which days. `days` and `weekdays`: either suffices when both
    are given, as cron has it.
    """

    line: str
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either: bool

    def after(self, moment: datetime) -> datetime:
        """The first such minute after `moment`, both of them local times.

        An hour that the end of summer time repeats is had once: what it names is past the second
        time.

        Raises:
            UsageFault: there is none, such as on a 30th of February.
        """
        start = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
        for offset in range(HORIZON_DAYS):
            day = (start + timedelta(days=offset)).date()
            if not self._on(day.month, day.day, day.isoweekday() % 7):
                continue
            for hour in sorted(self.hours):
                for minute in sorted(self.minutes):
                    found = datetime(day.year, day.month, day.day, hour, minute)
                    if found >= start and found.timestamp() > moment.timestamp():
                        return found
        raise UsageFault(f"{self.line!r} never comes", "look at the day and the month")

    def _on(self, month: int, day: int, weekday: int) -> bool:
        if month not in self.months:
            return False
        fits = (day in self.days, weekday in self.weekdays)
        return any(fits) if self.either else all(fits)


def read_cron(line: str) -> Cron:
    """The times that a cron line names: minute, hour, day, month, day of the week.

    Raises:
        UsageFault: it is none; says which field is wrong.
    """
    words = NAMED.get(line.strip().lower(), line).split()
    if len(words) != len(FIELDS):
        raise UsageFault(
            f"{line!r} is no cron line: it has {len(words)} fields, not {len(FIELDS)}",
            'write "30 2 * * 1-5" for half past two on weekdays, or @daily',
        )
    minutes, hours, days, months, weekdays = (
        _field(word, *described) for word, described in zip(words, FIELDS, strict=True)
    )
    either = not words[2].startswith("*") and not words[4].startswith("*")
    return Cron(line, minutes, hours, days, months, frozenset(d % 7 for d in weekdays), either)


def _field(word: str, what: str, low: int, high: int, names: tuple[str, ...]) -> frozenset[int]:
    found: set[int] = set()
    for part in word.lower().split(","):
        match = _PART.fullmatch(part)
        numbers = _range(match, low, high, names) if match else None
        if not numbers:
            raise UsageFault(
                f"{part!r} is no {what}", f"give {low} to {high}, a range such as 1-5, or */2"
            )
        found |= numbers
    return frozenset(found)


def _range(match: re.Match[str], low: int, high: int, names: tuple[str, ...]) -> set[int] | None:
    first, last, step = match.groups()
    start, end = _value(first, low, names), _value(last or first, low, names)
    if first == "*":
        start, end = (low, high) if last is None else (None, None)
    elif step and last is None:
        end = high
    every = int(step) if step else 1
    if start is None or end is None or not low <= start <= end <= high or not every:
        return None
    return set(range(start, end + 1, every))


def _value(word: str, low: int, names: tuple[str, ...]) -> int | None:
    if word in names:
        return names.index(word) + low
    return int(word) if word.isascii() and word.isdecimal() and len(word) < 4 else None
