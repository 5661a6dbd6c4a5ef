"""Who is in a studio and what they look at; presence states may come from any peer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from studio_tui.document.anchor import Anchor, anchor_of, place_of

NAME_CAP = 32
PATH_CAP = 512
LINE_LIMIT = 1 << 31
CONNECTION_LIMIT = 1 << 53


@dataclass(frozen=True)
class Gaze:
    """What a person looks at.

    `anchor` and `head`, the ends of the selection, and `top`, the beginning of the first line that
    is seen, are sticky positions in the file's text.
    """

    path: str = ""
    line: int = 0
    anchor: Anchor | None = None
    head: Anchor | None = None
    top: Anchor | None = None
    terminal: str = ""


@dataclass(frozen=True)
class Person:
    """One connection to the studio. Connection, name and role are the relay's word, not theirs.

    `place` is the part of the screen that has their keys, `following` the connection of whom they
    follow, 0 while they go their own way.
    """

    connection: int
    name: str
    role: str
    gaze: Gaze
    place: str = ""
    following: int = 0


def printable(text: str, cap: int = NAME_CAP) -> str:
    """`text` without control characters or line breaks, at most `cap` characters."""
    return "".join(c for c in text[: cap * 4] if c.isprintable())[:cap]


def read_state(text: str) -> dict[str, Any] | None:
    """A presence entry's JSON as a dict; None for "gone" and for anything that is not one."""
    try:
        state = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return state if isinstance(state, dict) else None


def read_person(state: Mapping[str, Any]) -> Person | None:
    """The person behind a presence state; None when the relay's stamp is missing."""
    stamp = state.get("person")
    if not isinstance(stamp, dict) or type(stamp.get("connection")) is not int:
        return None
    return Person(
        connection=stamp["connection"],
        name=_read_text(stamp, "name") or "somebody",
        role=_read_text(stamp, "role"),
        gaze=_read_gaze(state.get("gaze")),
        place=_read_text(state, "place"),
        following=_read_number(state.get("following"), CONNECTION_LIMIT),
    )


def write_gaze(gaze: Gaze, place: str = "", following: int = 0) -> dict[str, Any]:
    """The presence state that publishes `gaze` and the rest, small enough for every relay.

    Empty fields are left out, and so is a path of more than `PATH_CAP` characters: a shortened
    one would be another file's.
    """
    fields = {
        "path": gaze.path if len(gaze.path) <= PATH_CAP else "",
        "line": gaze.line,
        "anchor": _read_anchor(gaze.anchor),
        "head": _read_anchor(gaze.head),
        "top": _read_anchor(gaze.top),
        "terminal": gaze.terminal[:NAME_CAP],
    }
    rest = {"place": place[:NAME_CAP], "following": following}
    return {"gaze": _filled(fields), **_filled(rest)}


def _filled(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value}


def _read_gaze(value: object) -> Gaze:
    if not isinstance(value, dict):
        return Gaze()
    return Gaze(
        path=_read_text(value, "path", PATH_CAP),
        line=_read_number(value.get("line"), LINE_LIMIT),
        anchor=_read_anchor(value.get("anchor")),
        head=_read_anchor(value.get("head")),
        top=_read_anchor(value.get("top")),
        terminal=_read_text(value, "terminal"),
    )


def _read_text(value: Mapping[str, Any], key: str, cap: int = NAME_CAP) -> str:
    text = value.get(key)
    return printable(text, cap) if isinstance(text, str) else ""


def _read_number(value: object, limit: int) -> int:
    return value if type(value) is int and 0 <= value < limit else 0


def _read_anchor(value: object) -> Anchor | None:
    """The position that an anchor names, and nothing else that came with it."""
    if isinstance(value, Mapping) and value.get("end") is True:
        return {"end": True}
    place = place_of(value)
    return None if place is None else anchor_of(place)
