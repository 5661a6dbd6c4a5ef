"""The key that a binding has now, for words on the screen: keys can be remapped by their ids."""

from __future__ import annotations

from textual.app import App

from studio_tui.app.commands import COMMANDS
from studio_tui.app.widgets.key_hints import key_label


def bound(app: App[object], id: str, usual: str = "") -> str:
    """The key of the binding `id` as people write it, "^R"; `usual` unless it is remapped.

    Args:
        app: whose keys.
        id: of a command, or of a binding of one place.
        usual: for a binding of one place, the key that it has by itself.
    """
    usual = usual or next(command.key for command in COMMANDS if command.id == id)
    return key_label(app._keymap.get(id, usual))


def rebound(app: App[object], text: str) -> str:
    """A text of the product that names commands by their usual keys, with those in force."""
    for command in COMMANDS:
        usual, key = command.key.split(",")[0], app._keymap.get(command.id, command.key)
        if key != command.key:
            text = text.replace(f"**{usual}**", f"**{key.split(',')[0]}**")
    return text
