from __future__ import annotations

import pytest

from studio_tui.host.ids import is_id, new_id


def test_an_id_is_one_and_new() -> None:
    made = {new_id() for _ in range(100)}
    assert len(made) == 100
    assert all(is_id(one) for one in made)


@pytest.mark.parametrize(
    "text",
    ["", ".", "..", "a/b", "../a", "/a", "a b", "a\0", "a\n", "é", "A", "-rf", "a" * 33, "*"],
)
def test_what_could_lead_elsewhere_is_none(text: str) -> None:
    assert not is_id(text)
