"""What a job may cost, in the currency of its machine's price. No I/O."""

from __future__ import annotations

import math
from dataclasses import dataclass

from studio_tui.errors import UsageFault

BUDGET = "budget"
"""Why a job is stopped that has cost what it may."""
ALARM, SPENT = "alarm", "spent"
USUAL_ALARM = 0.8


@dataclass(frozen=True, slots=True)
class Budget:
    """What a job may cost at most, and the share of it at which people are told."""

    limit: float
    alarm: float = USUAL_ALARM

    def state(self, cost: float) -> str:
        """ "" until the alarm, then "alarm", and "spent" at the limit."""
        if cost >= self.limit:
            return SPENT
        return ALARM if cost >= self.limit * self.alarm else ""

    def seconds(self, price_per_hour: float, spent: float) -> int:
        """How long a job may go on at a price, one second at least."""
        left = max(self.limit - spent, 0.0) / price_per_hour * 3600
        return max(1, int(min(left, 1e9)))


def money(value: object) -> float:
    """An amount: 5, 5.0 or "5.00".

    Raises:
        UsageFault: it is none, or nothing.
    """
    amount = _number(value)
    if amount is None or not 0 < amount < 1e12:
        raise UsageFault(f"a budget of {value!r} is none", "write an amount, such as 5.00")
    return amount


def share(value: object) -> float:
    """A share of the whole: "80%", "80 %" or 0.8.

    Raises:
        UsageFault: it is none.
    """
    text = value.strip() if isinstance(value, str) else value
    percent = isinstance(text, str) and text.endswith("%")
    found = _number(text[:-1] if percent and isinstance(text, str) else text)
    if found is not None and percent:
        found /= 100
    if found is None or not 0 < found <= 1:
        raise UsageFault(f"{value!r} is no share of a budget", "write a part of it, such as 80%")
    return found


def words(amount: float) -> str:
    """An amount for people: 5.00, or what is smaller than a hundredth in full."""
    return f"{amount:.2f}" if amount >= 0.01 else f"{amount:g}"


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None
