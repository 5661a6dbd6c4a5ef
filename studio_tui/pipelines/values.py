"""Values of a pipeline, read from what a file or a script may have given, and what is wrong."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any


class Wrong(Exception):
    """What is wrong with a key of a step; `step` is "" for the pipeline itself."""

    def __init__(self, step: str, key: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.step, self.key, self.message, self.hint = step, key, message, hint


def is_huge(value: object) -> bool:
    """Whether there is an integer that TOML does not have.

    Python can neither write each of them, which messages and JSON would have to, nor make a float
    of it.
    """
    left = [value]
    while left:
        item = left.pop()
        if isinstance(item, int) and not -(1 << 63) <= item < 1 << 63:
            return True
        if isinstance(item, (list, dict)):
            left += item.values() if isinstance(item, dict) else item
    return False


def check_known(step: str, told: Mapping[str, Any], known: Sequence[str]) -> None:
    """Wrong: there is a key that is not among the known ones."""
    for key in sorted(set(told) - set(known)):
        near = difflib.get_close_matches(key, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
        raise Wrong(step, key, f"there is no setting {key!r} here", hint)


def table(step: str, key: str, value: object) -> dict[str, Any]:
    """`value`, which has to be a table."""
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        what = key or (f"step {step}" if step else "a pipeline")
        raise Wrong(step, key, f"{what} is not a table", "see docs/pipelines.md")
    return value


def text(step: str, key: str, told: Mapping[str, Any], cap: int = 200) -> str:
    """A line of at most `cap` characters; "" when it is not given."""
    value = told.get(key, "")
    if not isinstance(value, str) or len(value) > cap or not value.isprintable():
        raise Wrong(step, key, f"{key} is not a text", f'write {key} = "..."')
    return value


def texts(step: str, key: str, told: Mapping[str, Any]) -> tuple[str, ...]:
    """A list of texts, each of them once."""
    value = told.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise Wrong(step, key, f"{key} is not a list of texts", f'write {key} = ["..."]')
    return tuple(dict.fromkeys(value))


def patterns(step: str, key: str, told: Mapping[str, Any]) -> tuple[str, ...]:
    """A list of patterns of files in the studio's folder."""
    found = texts(step, key, told)
    for pattern in found:
        check_inside(step, key, pattern)
    return found


def check_inside(step: str, key: str, path: str) -> None:
    """Wrong: a path or pattern leads out of the studio's folder."""
    if path.startswith("/") or ".." in path.split("/") or "\0" in path:
        hint = "write a path in the studio's folder"
        raise Wrong(step, key, f"{path!r} leads out of the studio's folder", hint)


def number(step: str, key: str, told: Mapping[str, Any]) -> float | None:
    """A number; None when it is not given."""
    value = told.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
        raise Wrong(step, key, f"{key} is not a number", f"write {key} = 2.5")
    return float(value)
