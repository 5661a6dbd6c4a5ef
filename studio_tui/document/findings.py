"""What a checker says of a shared text: streamed to everybody, kept by the host for who comes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from studio_tui.document.entries import read_as
from studio_tui.document.presence import printable

STREAM = "findings"
MOST = 200
TEXT_CAP = 200


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or may be.

    Attributes:
        line, column: where it begins, both from 1; columns are code points.
        end_line, end_column: where it ends.
        code: the rule's name, "" when there is none.
        text: what is wrong, in words.
        error: whether the program cannot work; else it is a warning.
    """

    line: int = 1
    column: int = 1
    end_line: int = 1
    end_column: int = 1
    code: str = ""
    text: str = ""
    error: bool = False

    @property
    def words(self) -> str:
        """As a person reads it."""
        return f"{self.code} {self.text}".strip()


def to_json(file: str, findings: Iterable[Finding]) -> bytes:
    """A message of the stream: all there is to say of the file with this id."""
    return json.dumps({"file": file, "findings": [asdict(each) for each in findings]}).encode()


def from_json(data: bytes) -> tuple[str, list[Finding]] | None:
    """What a message says; None when it makes no sense."""
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict) or not isinstance(told.get("file"), str):
        return None
    return told["file"], read_findings(told.get("findings"))


def read_findings(value: Any) -> list[Finding]:
    """The findings in a JSON value that anybody may have sent, in the order of their lines."""
    items = value[:MOST] if isinstance(value, list) else []
    found = (read_as(Finding, _flat(item)) for item in items if isinstance(item, dict))
    sound = [
        Finding(
            each.line,
            max(1, each.column),
            max(each.line, each.end_line),
            max(1, each.end_column),
            printable(each.code, 40),
            printable(each.text, TEXT_CAP),
            each.error,
        )
        for each in found
        if each.line > 0
    ]
    return sorted(sound, key=lambda each: (each.line, each.column))


def _flat(item: dict[str, Any]) -> dict[str, Any]:
    """Without what is in no finding, and may be too deep to look into."""
    return {key: value for key, value in item.items() if not isinstance(value, list | dict)}
