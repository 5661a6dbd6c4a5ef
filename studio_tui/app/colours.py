"""One colour per person, the same everywhere: caret, name, terminal border, comment."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from rich.style import Style


@dataclass(frozen=True)
class Shade:
    """A colour to tell people apart, readable as text on dark, light and 16-colour terminals."""

    name: str
    dark: str
    light: str
    ansi: str

    def on(self, *, dark: bool = True, ansi: bool = False) -> str:
        """The colour to use on a dark or light background, or one of the terminal's own 16."""
        if ansi:
            return self.ansi
        return self.dark if dark else self.light

    def style(self, *, dark: bool = True, ansi: bool = False) -> Style:
        """The colour as a style for text."""
        return Style(color=self.on(dark=dark, ansi=ansi))


# No green, amber or red among them: those tell states.
SHADES = (
    Shade("sky", "#6cb6ff", "#0757a8", "bright_blue"),
    Shade("pink", "#f692ce", "#a3296c", "bright_magenta"),
    Shade("cyan", "#56d4dd", "#0a5e6b", "cyan"),
    Shade("violet", "#b9a2ff", "#5a32a3", "magenta"),
    Shade("mint", "#8ce8cf", "#0b5f4b", "bright_cyan"),
    Shade("sand", "#d9b08c", "#6f4518", "default"),
    Shade("indigo", "#9db0ff", "#3340b8", "blue"),
    Shade("orchid", "#e39bff", "#86209e", "bright_magenta"),
)


class Palette:
    """Which person has which shade.

    A name's shade follows from the name alone, so that everybody sees the same one; when it is
    taken the next free one is given, in the order of asking, and kept. Beyond as many people as
    there are shades a shade is shared: names stand beside colours everywhere.
    """

    def __init__(self) -> None:
        self._shades: dict[str, Shade] = {}

    def meet(self, names: Iterable[str]) -> None:
        """Give shades to all of `names` at once, in an order that does not depend on theirs."""
        for name in sorted(set(names)):
            self.shade(name)

    def shade(self, name: str) -> Shade:
        """The shade of the person called `name`."""
        if name not in self._shades:
            self._shades[name] = self._free(name)
        return self._shades[name]

    def _free(self, name: str) -> Shade:
        digest = hashlib.blake2s(name.encode(errors="replace"), digest_size=4).digest()
        start = int.from_bytes(digest, "big") % len(SHADES)
        turned = SHADES[start:] + SHADES[:start]
        taken = set(self._shades.values())
        return next((shade for shade in turned if shade not in taken), turned[0])
