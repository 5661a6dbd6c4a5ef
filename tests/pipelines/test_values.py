"""What a script may give instead of a value; test_spec.py has what a file may say."""

from __future__ import annotations

import pytest

from studio_tui.pipelines import values
from studio_tui.pipelines.values import Wrong


def test_what_is_given_and_what_is_not() -> None:
    assert values.text("a", "x", {}) == ""
    assert values.texts("a", "x", {"x": ["b", "b", "c"]}) == ("b", "c")
    assert values.number("a", "x", {}) is None
    assert values.number("a", "x", {"x": 3}) == 3.0
    assert values.patterns("a", "x", {"x": ["b/**/*.py"]}) == ("b/**/*.py",)


def test_what_is_wrong_has_its_step_and_key() -> None:
    with pytest.raises(Wrong) as raised:
        values.check_known("a", {"ned": 1}, ("kind", "needs"))
    wrong = raised.value
    assert (wrong.step, wrong.key, wrong.hint) == ("a", "ned", "did you mean needs?")
    for value in ("x" * 201, "a\nb", 3):
        with pytest.raises(Wrong, match="x is not a text"):
            values.text("a", "x", {"x": value})
    with pytest.raises(Wrong, match="steps is not a table"):
        values.table("", "steps", {1: 2})


@pytest.mark.parametrize("path", ["/etc", "../x", "a/../../x", "a\0"])
def test_a_path_leads_nowhere_else(path: str) -> None:
    with pytest.raises(Wrong, match="leads out"):
        values.check_inside("a", "to", path)


def test_an_integer_that_no_file_has_is_found_at_any_depth() -> None:
    assert values.is_huge({"a": [1, {"b": 1 << 63}]})
    assert not values.is_huge({"a": [1, {"b": -(1 << 63)}], "c": "x"})
