"""What a job may cost."""

from __future__ import annotations

import pytest

from studio_tui.errors import UsageFault
from studio_tui.jobs.budget import Budget, money, share, words
from studio_tui.jobs.spec import JobSpec


def test_the_states_of_a_budget() -> None:
    budget = Budget(5.0, 0.8)
    costs = (0.0, 3.99, 4.0, 4.99, 5.0, 9.0)
    assert [budget.state(cost) for cost in costs] == ["", "", "alarm", "alarm", "spent", "spent"]


def test_the_time_that_is_left_at_a_price() -> None:
    assert Budget(5.0).seconds(10.0, 0.0) == 1800
    assert Budget(5.0).seconds(10.0, 4.0) == 360
    assert Budget(5.0).seconds(10.0, 5.0) == 1
    assert Budget(5.0).seconds(10.0, 99.0) == 1
    assert Budget(1e11).seconds(1e-9, 0.0) == 10**9


def test_amounts_and_shares() -> None:
    assert [money(value) for value in ("5.00", 5, 0.5)] == [5.0, 5.0, 0.5]
    assert [share(value) for value in ("80%", " 80 % ", 0.8, "1")] == [0.8, 0.8, 0.8, 1.0]
    for value in ("", "-1", 0, "nan", "inf", "1e400", "five", True, None, [5]):
        with pytest.raises(UsageFault, match="a budget of"):
            money(value)
    for value in ("0%", "101%", 1.5, "-5%", "%", "nan%", False, {}):
        with pytest.raises(UsageFault, match="no share of a budget"):
            share(value)


def test_amounts_in_words() -> None:
    assert [words(amount) for amount in (5.0, 0.5, 0.01, 0.002)] == [
        "5.00",
        "0.50",
        "0.01",
        "0.002",
    ]


def test_a_spec_has_it() -> None:
    given = {"script": "a.py", "budget": "5.00", "budget_alarm": "50%"}
    spec = JobSpec.from_params(given)
    assert (spec.budget, spec.budget_alarm) == (5.0, 0.5)
    assert JobSpec.from_params(spec.to_params()) == spec
    with pytest.raises(UsageFault, match="a budget of"):
        JobSpec.from_params({"script": "a.py", "budget": "much"})
