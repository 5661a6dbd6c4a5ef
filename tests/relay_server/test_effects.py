"""Effects are values, so that a playbook can be read as event in, effects out."""

from __future__ import annotations

import dataclasses
import typing

import pytest

from relay_server import effects
from relay_server.wire import Ping

EFFECTS: dict[type, object] = {
    effects.Send: effects.Send(1, Ping()),
    effects.Broadcast: effects.Broadcast(Ping(), frozenset({1})),
    effects.Append: effects.Append(1, b"x"),
    effects.Snapshot: effects.Snapshot(b"x"),
    effects.Reload: effects.Reload(),
    effects.Expel: effects.Expel(1, 4400, "no"),
}


def test_every_effect_is_here() -> None:
    assert set(typing.get_args(effects.Effect)) == set(EFFECTS)


@pytest.mark.parametrize("kind", EFFECTS)
def test_an_effect_is_a_value(kind: type) -> None:
    effect = EFFECTS[kind]
    assert effect == dataclasses.replace(effect)  # type: ignore[type-var]
