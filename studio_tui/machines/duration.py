"""Lengths of time as machines.toml has them and as messages tell them: "20m", "8h", "2d"."""

from __future__ import annotations

import re

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_WRITTEN = re.compile(r"(\d{1,6})\s*([smhd])")


def read_duration(text: object) -> int | None:
    """Seconds; None when it is no length of time."""
    match = _WRITTEN.fullmatch(text.strip()) if isinstance(text, str) else None
    return int(match[1]) * _SECONDS[match[2]] if match else None


def tell_duration(seconds: float) -> str:
    """In one unit where it is whole there, such as "20 minutes" or "1 hour"."""
    whole = max(0, round(seconds))
    for unit, name in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if whole >= unit and (whole % unit == 0 or unit == 1):
            return f"{whole // unit} {name}{'s' if whole != unit else ''}"
    return "0 seconds"
