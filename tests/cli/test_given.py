"""Variables for a job, as they are typed."""

from __future__ import annotations

import pytest

from studio_tui.cli.given import variables
from studio_tui.errors import UsageFault


def test_variables() -> None:
    assert variables(("A=1", "B=x=y", "C=")) == {"A": "1", "B": "x=y", "C": ""}
    assert variables(()) == {}


def test_a_value_without_a_name_is_not_repeated() -> None:
    with pytest.raises(UsageFault) as raised:
        variables(("s3cr3t",))
    assert "s3cr3t" not in raised.value.message + raised.value.hint
