from __future__ import annotations

from studio_tui.app.widgets.scrollback_keys import BINDINGS
from studio_tui.app.widgets.scrollback_view import ScrollbackView


def test_no_key_does_two_things_and_every_one_can_be_remapped() -> None:
    keys = [key for binding in BINDINGS for key in binding.key.split(",")]
    assert len(set(keys)) == len(keys)
    ids = [binding.id for binding in BINDINGS]
    assert all(id is not None and id.startswith("scrollback.") for id in ids)
    assert len(set(ids)) == len(ids)


def test_every_key_has_its_action() -> None:
    for binding in BINDINGS:
        name = binding.action.partition("(")[0]
        assert callable(getattr(ScrollbackView, f"action_{name}"))
