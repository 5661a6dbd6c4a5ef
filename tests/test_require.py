"""`require`: a test that needs a program skips without it, and fails where it must be there."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

MISSING = "no-program-has-this-name"


def test_a_program_that_is_there_gives_its_path(require: Callable[[str], str]) -> None:
    assert require("sh") == shutil.which("sh")


def test_a_missing_program_skips_with_the_reason(
    require: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=f"{MISSING} is not installed"):
        require(MISSING)


def test_a_missing_program_is_a_failure_in_continuous_integration(
    require: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=f"{MISSING} is not installed"):
        require(MISSING)
