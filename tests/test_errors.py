"""The one exception root: what happened, what to do next, how the process ends."""

from __future__ import annotations

import pytest

from studio_tui.errors import Away, NotFound, Refused, StudioError, UsageFault


def test_an_error_says_what_happened_and_what_to_do() -> None:
    error = StudioError("the disk is full", "delete something")
    assert (str(error), error.message, error.hint) == (
        "the disk is full",
        "the disk is full",
        "delete something",
    )


def test_the_hint_may_be_empty() -> None:
    assert StudioError("it is over").hint == ""


@pytest.mark.parametrize(
    ("kind", "code"), [(StudioError, 1), (UsageFault, 2), (NotFound, 3), (Away, 3), (Refused, 4)]
)
def test_every_kind_has_its_exit_code(kind: type[StudioError], code: int) -> None:
    assert kind("x").exit_code == code
    assert issubclass(kind, StudioError)
