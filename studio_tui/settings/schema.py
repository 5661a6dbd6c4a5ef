"""What a person can configure: one frozen dataclass, checked key by key."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from studio_tui.errors import UsageFault


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings in force, from every source together."""

    relay: str | None = None
    """URL of the team's relay, `ws://` or `wss://`; without one a studio brings its own."""

    name: str | None = None
    """How other people see you; without it your login name."""

    theme: str | None = None
    """Colours of the app, by name; without one the app's own."""

    leader: str = "ctrl+]"
    """The one key that a focused terminal does not get."""

    keys: Mapping[str, str] = field(default_factory=dict)
    """Keys by action id, for actions that should be on another key than usual."""


KEYS = tuple(f.name for f in fields(Settings))


def check(table: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Return the settings in `table`, each of the right type.

    Args:
        table: key to value, as a TOML file has them.
        source: where the table is from, as the user knows it: a file, a variable, a flag.

    Raises:
        UsageFault: a key is unknown or a value has the wrong type; the message names `source`.
    """
    for key, value in table.items():
        if key not in KEYS:
            raise UsageFault(f"{source}: unknown key {key!r}", nearest(key, KEYS))
        if key == "keys":
            _check_keys(value, source)
        elif not isinstance(value, str) or not value:
            raise UsageFault(f"{source}: {key} must be text", f'write {key} = "..."')
    if "relay" in table:
        _check_relay(table["relay"], source)
    return dict(table)


def nearest(key: str, known: tuple[str, ...]) -> str:
    """Return a hint that names the known key most like `key`, or all of them."""
    close = difflib.get_close_matches(key, known, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known keys: {', '.join(known)}"


def _check_keys(value: object, source: str) -> None:
    if not isinstance(value, Mapping) or not all(isinstance(v, str) for v in value.values()):
        raise UsageFault(
            f"{source}: keys must be a table of action = key", 'write [keys] and quit = "ctrl+q"'
        )


def _check_relay(value: str, source: str) -> None:
    if not value.startswith(("ws://", "wss://")):
        raise UsageFault(
            f"{source}: relay must be a ws:// or wss:// URL, not {value!r}",
            'write relay = "wss://relay.example.org"',
        )
