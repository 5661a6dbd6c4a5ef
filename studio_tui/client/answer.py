"""What a host answered, read with care: it may be of another version, or not a host at all."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from studio_tui.errors import StudioError


class Answer:
    """The reply to one call; every value is looked at before it is used.

    Each accessor raises StudioError when the value is missing or of another kind.

    Args:
        method: the call, for the message of an error.
        values: the reply's JSON object.
    """

    def __init__(self, method: str, values: Mapping[str, Any]) -> None:
        self.method = method
        self.values = values

    def text(self, key: str) -> str:
        """The text under `key`."""
        value = self.values.get(key)
        if not isinstance(value, str):
            raise self._nonsense(key)
        return value

    def count(self, key: str) -> int:
        """The whole number under `key`, 0 or more."""
        value = self.values.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise self._nonsense(key)
        return value

    def flag(self, key: str) -> bool:
        """The truth value under `key`."""
        value = self.values.get(key)
        if not isinstance(value, bool):
            raise self._nonsense(key)
        return value

    def items(self, key: str) -> list[Any]:
        """The list under `key`; what is in it is still to be looked at."""
        value = self.values.get(key)
        if not isinstance(value, list):
            raise self._nonsense(key)
        return value

    def data(self, key: str) -> bytes:
        """The bytes under `key`, which travel as base64."""
        try:
            return base64.b64decode(self.text(key), validate=True)
        except ValueError:
            raise self._nonsense(key) from None

    def _nonsense(self, key: str) -> StudioError:
        return StudioError(
            f"the host's answer to {self.method} makes no sense: {key} is wrong or missing",
            "compare the versions: studio-tui --version",
        )
