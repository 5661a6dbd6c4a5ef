from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from studio_tui.data.s3_loan import LONGEST, SHORTEST, lent, policy


class Sts:
    """Writes down what it is asked."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        def ask(**given: Any) -> dict[str, Any]:
            self.asked = given
            return {"Credentials": {"AccessKeyId": name}}

        return ask


def kept(token: str | None) -> Any:
    frozen = SimpleNamespace(access_key="A", secret_key="S", token=token)
    return SimpleNamespace(get_frozen_credentials=lambda: frozen)


def test_a_role_is_narrowed_to_the_folder() -> None:
    assert '"arn:aws:s3:::b/data/*"' in policy("b/data/")
    assert "DeleteObject" not in policy("b/data/")
    sts = Sts()
    assert lent(sts, kept(None), "arn:r", "b/data/", 7200)["AccessKeyId"] == "assume_role"
    assert (sts.asked["DurationSeconds"], sts.asked["RoleArn"]) == (3600, "arn:r")
    assert sts.asked["Policy"] == policy("b/data/")


@pytest.mark.parametrize(("wanted", "asked"), [(1, SHORTEST), (5000, 5000), (10**6, LONGEST)])
def test_a_session_holds_as_long_as_is_allowed(wanted: int, asked: int) -> None:
    sts = Sts()
    assert lent(sts, kept(None), None, "b/", wanted)["AccessKeyId"] == "get_session_token"
    assert sts.asked == {"DurationSeconds": asked}


def test_what_ends_by_itself_is_lent_as_it_is() -> None:
    found = lent(Sts(), kept("T"), None, "b/", 3600)
    assert list(found.values()) == ["A", "S", "T"]
