"""Keys as people write them in the settings, and as the app names them."""

from __future__ import annotations

from textual.keys import _character_to_key


def key_name(key: str) -> str:
    """ "ctrl+]" is "ctrl+right_square_bracket" to the app; a name stays as it is."""
    *modifiers, last = key.split("+") if key != "+" else [key]
    return "+".join([*modifiers, _character_to_key(last) if len(last) == 1 else last])
