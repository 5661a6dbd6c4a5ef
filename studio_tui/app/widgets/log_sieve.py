"""Which lines of a log a reader wants to see: by level, and by the rank that wrote them."""

from __future__ import annotations

import re

from studio_tui.app.widgets.log_buffer import Line

LEVELS = ("all", "warnings", "errors")
_WARNING, _ERROR = 1, 2
_WORDS = re.compile(
    r"\b(?:(?P<low>TRACE|DEBUG|INFO|NOTICE)|(?P<warn>WARN(?:ING)?)|"
    r"(?P<error>ERROR|CRITICAL|FATAL|PANIC))\b"
)
# Python's warnings and errors name their class: `UserWarning: ...`, `torch.OutOfMemoryError: ...`.
_CLASSES = re.compile(r"(?:^|[\s:.])\w*?(?:(?P<warn>Warning)|(?P<error>Error|Exception)): ")
_TRACEBACK = "Traceback (most recent call last)"
# torchrun and Lightning: [rank0]: [rank: 0] [default0]: ; srun --label: "0: ".
_RANK = re.compile(r"\s*(?:\[(?:rank|default):? ?(?P<named>\d{1,5})\]:? ?|(?P<bare>\d{1,5}): )")


def level_of(text: str) -> int | None:
    """0 for a message, 1 a warning, 2 an error; None where a line does not say."""
    match = _WORDS.search(text) or _CLASSES.search(text)
    if match is None:
        return None
    found = match.groupdict()
    return _ERROR if found["error"] else _WARNING if found["warn"] else 0


def rank_of(text: str) -> int | None:
    """The rank that wrote a line; None where it does not say."""
    match = _RANK.match(text)
    return int(match["named"] or match["bare"]) if match else None


class Sieve:
    """Keeps lines of a level and up, of one rank; to be asked about lines in their order.

    A line that tells no level has that of the message it goes on with: a traceback is an error
    from its first line to its last, and what is indented belongs to the line above.

    Args:
        level: 0 keeps all, 1 warnings and errors, 2 errors.
        rank: keep what this rank wrote; None keeps all ranks, and lines without one.
    """

    def __init__(self, level: int = 0, rank: int | None = None) -> None:
        self.level, self.rank = level, rank
        self._above = 0
        self._trace = False

    def __call__(self, line: Line) -> bool:
        """Whether to keep `line`."""
        rank = rank_of(line.text)
        level = self._level(line.text)
        return (self.rank is None or rank == self.rank) and level >= self.level

    def _level(self, text: str) -> int:
        body = _RANK.sub("", text, count=1)
        inside = body.startswith((" ", "\t")) and bool(body.strip())
        if _TRACEBACK in text:
            self._trace, self._above = True, _ERROR
        elif self._trace:
            # The line that ends a traceback is the first that is not indented.
            self._trace = inside
        elif not inside:
            self._above = level_of(text) or 0
        return self._above
