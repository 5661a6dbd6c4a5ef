"""The one door to libghostty: loaded on first use, checked against what this package relies on."""

from __future__ import annotations

import json
import platform
import sys
from functools import lru_cache
from typing import Any, NamedTuple

from studio_tui.errors import StudioError
from studio_tui.terminal.cells import LAYOUT


class Library(NamedTuple):
    """The loaded library: cffi's `ffi` and `lib`, and pyghostty's own thin `core` module."""

    ffi: Any
    lib: Any
    core: Any

    def new(self, kind: str, free: str = "") -> Any:
        """A fresh handle of `ghostty_<kind>_new`, freed with the Python object that holds it."""
        box = self.ffi.new(f"Ghostty{''.join(part.title() for part in kind.split('_'))}*")
        if getattr(self.lib, f"ghostty_{kind}_new")(self.ffi.NULL, box):
            raise StudioError(f"libghostty has no memory for a {kind}", "Close some terminals.")
        return self.ffi.gc(box[0], getattr(self.lib, f"ghostty_{free or kind}_free"))


@lru_cache(maxsize=1)
def library() -> Library:
    """libghostty, or a StudioError that says why this machine cannot emulate terminals."""
    try:
        from pyghostty import _ffi, core
    except (ImportError, OSError) as error:
        raise StudioError(
            f"no terminal emulator for {sys.platform} {platform.machine()}: {error}",
            "Run the host on Linux (glibc, x86_64 or aarch64) or on macOS 13 (arm64); "
            "viewing a terminal works everywhere.",
        ) from None
    loaded = Library(_ffi.ffi, _ffi.lib, core)
    _check_layout(loaded)
    return loaded


def _check_layout(loaded: Library) -> None:
    """Refuse a library whose cells are packed differently: its rows would be nonsense."""
    types = json.loads(loaded.ffi.string(loaded.lib.ghostty_type_json()))["types"]
    bits = types["GhosttyCell"]["bits"]
    found = {name: (bits[name]["lsb"], bits[name]["width"]) for name in LAYOUT}
    if found != LAYOUT:
        raise StudioError(
            "this libghostty packs its cells in another way",
            "Install the pyghostty version that studio-tui names in its requirements.",
        )
