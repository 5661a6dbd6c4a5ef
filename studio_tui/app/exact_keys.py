"""Keys with alt, or after Escape, as terminals without the Kitty protocol send them.

Such a terminal sends ESC and a character for both. Textual drops the ESC before punctuation, takes
it for option on a Mac before digits, and for ctrl and an arrow before b and f: a program in a
shared terminal would miss it, as vim does when Escape and a colon come in one packet.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from textual import events
from textual._xterm_parser import XTermParser

if TYPE_CHECKING:
    from textual.driver import Driver

ESC: Final = "\x1b"
_NAMED: Final = frozenset(map(chr, range(32, 127)))
_INTRODUCERS: Final = frozenset("[OP]_^X\\")
"""After these a sequence goes on: keys, the mouse, replies of the terminal."""
_WORD_KEYS: Final = {"b": "ctrl+left", "f": "ctrl+right", "\x7f": "ctrl+w"}
"""What moves and deletes by words in every field; a terminal looks at the character instead."""


class ExactParser(XTermParser):
    """Textual's parser, for which ESC and a character is that key with alt."""

    def _sequence_to_key_events(self, sequence: str, alt: bool = False) -> Iterable[events.Key]:
        if len(sequence) == 2 and sequence[0] == ESC:
            character = sequence[1]
            if character in _WORD_KEYS:
                return [events.Key(_WORD_KEYS[character], sequence)]
            if character not in _INTRODUCERS and (character.isprintable() or character in "\r\t"):
                found = super()._sequence_to_key_events(character, alt=True)
                return [events.Key(key.key, sequence) for key in _with_alt(found)]
        found = super()._sequence_to_key_events(sequence, alt=alt)
        return _with_alt(found) if alt else found


def _with_alt(keys: Iterable[events.Key]) -> list[events.Key]:
    """The same keys, alt held; Textual itself says so for letters and digits alone.

    Where the name says which key it is there is no character: a text field would take it in.
    """
    return [
        events.Key(
            key.key if "alt+" in key.key else f"alt+{key.key}",
            None if key.character in _NAMED else key.character,
        )
        for key in keys
    ]


def exact(key: str, character: str | None) -> tuple[str, str | None]:
    """A key event's name and character as a program in a terminal is to get them."""
    if character and len(character) == 2 and character[0] == ESC:
        # Escape and a key may come so close that they look like alt and the key; the character
        # says what was typed, for programs to which that makes a difference.
        if character[1] in _WORD_KEYS:
            key = "alt+backspace" if character[1] == "\x7f" else f"alt+{character[1]}"
        return key, character
    if character == "\x08":  # Textual takes it for the key that most terminals send DEL for
        return key.replace("backspace", "ctrl+h"), None
    return key, character


def teach(driver: type[Driver]) -> None:
    """Have `driver` read keys exactly; Textual has no seam for its parser."""
    for module in (sys.modules[kind.__module__] for kind in driver.__mro__):
        if hasattr(module, "XTermParser"):
            module.XTermParser = ExactParser  # type: ignore[attr-defined]
