"""How the environments of two machines differ, in words. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

Packages = dict[str, str]
"""Name, as PyPI normalizes it, to version."""


def packages(frozen: str) -> Packages:
    """What `pip freeze` or `uv pip freeze` printed; what lies in a folder there is left out."""
    found = {}
    for line in frozen.splitlines():
        name, pinned, version = line.strip().partition("==")
        if not pinned:
            name, pinned, version = line.strip().partition(" @ ")
        if pinned and not name.startswith(("#", "-")) and not version.startswith("file:"):
            found[re.sub(r"[-_.]+", "-", name.strip()).lower()] = version.strip()
    return found


def drift(one: str, ours: Mapping[str, str], other: str, theirs: Mapping[str, str]) -> list[str]:
    """One sentence per difference, nothing when there is none.

    Args:
        one, other: the machines' names.
    """
    said = []
    for name in sorted({**ours, **theirs}):
        here, there = ours.get(name), theirs.get(name)
        if here == there:
            continue
        if here is None or there is None:
            said.append(f"{name} {here or there} is on {one if there is None else other} only")
        elif _release(here) == _release(there):
            said.append(
                f"{name} {_release(here)} is built for {_build(here)} on {one}"
                f" and for {_build(there)} on {other}"
            )
        else:
            said.append(f"{name} is {here} on {one} and {there} on {other}")
    return said


def _release(version: str) -> str:
    return version.partition("+")[0]


def _build(version: str) -> str:
    return version.partition("+")[2] or "the usual"
