"""Who is in a studio and what they look at; presence states may come from any peer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NAME_CAP = 32


@dataclass(frozen=True)
class Gaze:
    """What a person looks at. `anchor` and `head` are sticky positions in the file's text."""

    path: str = ""
    line: int = 0
    anchor: dict[str, Any] | None = None
    head: dict[str, Any] | None = None
    terminal: str = ""


@dataclass(frozen=True)
class Person:
    """One connection to the studio. All but `gaze` is the relay's word, not theirs."""

    connection: int
    name: str
    role: str
    gaze: Gaze


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
    if not isinstance(stamp, dict) or not isinstance(stamp.get("connection"), int):
        return None
    return Person(
        connection=stamp["connection"],
        name=printable(str(stamp.get("name", ""))) or "somebody",
        role=printable(str(stamp.get("role", ""))),
        gaze=_read_gaze(state.get("gaze")),
    )


def _read_gaze(value: Any) -> Gaze:
    if not isinstance(value, dict):
        return Gaze()
    line = value.get("line")
    anchor, head = value.get("anchor"), value.get("head")
    return Gaze(
        path=printable(str(value.get("path", "")), 512),
        line=line if isinstance(line, int) and 0 <= line < 1 << 31 else 0,
        anchor=anchor if isinstance(anchor, dict) else None,
        head=head if isinstance(head, dict) else None,
        terminal=printable(str(value.get("terminal", ""))),
    )


def write_gaze(gaze: Gaze) -> dict[str, Any]:
    """The presence state that publishes `gaze`; empty fields are left out."""
    fields = {
        "path": gaze.path,
        "line": gaze.line,
        "anchor": gaze.anchor,
        "head": gaze.head,
        "terminal": gaze.terminal,
    }
    return {"gaze": {key: value for key, value in fields.items() if value}}
