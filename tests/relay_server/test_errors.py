"""Errors carry what to do next, and how the process or the connection ends."""

from __future__ import annotations

import pytest

from relay_server.errors import (
    AccessDenied,
    BadSetting,
    InvalidUpdate,
    PortTaken,
    RelayError,
    StoreFailed,
    WireError,
)


def test_an_error_says_what_happened_and_what_to_do() -> None:
    error = RelayError("the port is taken", "choose another")
    assert (str(error), error.message, error.hint) == (
        "the port is taken",
        "the port is taken",
        "choose another",
    )


@pytest.mark.parametrize(
    ("kind", "code"),
    [(AccessDenied, 4), (BadSetting, 2), (PortTaken, 1), (StoreFailed, 1), (InvalidUpdate, 1)],
)
def test_every_kind_has_its_exit_code(kind: type[RelayError], code: int) -> None:
    assert kind("x").exit_code == code
    assert issubclass(kind, RelayError)


def test_a_wire_error_closes_the_connection_with_its_code() -> None:
    assert WireError("bad").close_code == 4400
    assert WireError("big", 4413).close_code == 4413
    assert WireError("bad").hint
