"""The recorded sessions: the bytes as they came, and the screen they end on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[1] / "fixtures" / "terminal"
NAMES = sorted(path.stem for path in FOLDER.glob("*.raw"))

Step = bytes | tuple[int, int]


@dataclass(frozen=True)
class Recording:
    """One session; `cols` and `lines` are the size it began with."""

    name: str
    cols: int
    lines: int
    raw: bytes
    events: list[list[Any]]
    expected: dict[str, Any]

    def steps(
        self, cut: Callable[[bytes], Iterator[bytes]] = lambda data: iter([data])
    ) -> Iterator[Step]:
        """The bytes, cut as asked for, and (cols, lines) wherever it was resized."""
        at = 0
        for _, event in self.events:
            if isinstance(event, list):
                _, cols, lines, offset = event
                yield from cut(self.raw[at:offset])
                yield cols, lines
                at = offset
        yield from cut(self.raw[at:])

    def reads(self) -> Iterator[Step]:
        """The bytes as the program's reader got them, with the resizes."""
        at = 0
        for _, event in self.events:
            if isinstance(event, list):
                yield event[1], event[2]
            else:
                yield self.raw[at : at + event]
                at += event


def load(name: str) -> Recording:
    about = json.loads((FOLDER / f"{name}.json").read_text())
    expected = json.loads((FOLDER / f"{name}.expected.json").read_text())
    raw = (FOLDER / f"{name}.raw").read_bytes()
    return Recording(name, about["cols"], about["rows"], raw, about["events"], expected)


@pytest.fixture(params=NAMES)
def recording(request: pytest.FixtureRequest) -> Recording:
    """Each recorded session in turn."""
    return load(request.param)


@pytest.fixture
def recorded() -> Callable[[str], Recording]:
    """A recorded session by name."""
    return load
