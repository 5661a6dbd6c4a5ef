"""What somebody looks for in a text, and what shall stand there instead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import regex as engine

from studio_tui.errors import StudioError, UsageFault

PATIENCE = 0.5
"""Seconds after which a search in one text is given up: some expressions would take for ever."""

Edit = tuple[int, int, str]
"""(start, end, replacement), in code points of the text that was searched."""


@dataclass(frozen=True)
class Pattern:
    """Words or a regular expression, in Python's notation; "^" and "$" are those of a line.

    Attributes:
        query: what is looked for.
        regex: whether it is a regular expression.
        case: whether upper and lower case are different letters.
        word: whether it must stand alone as a word.
    """

    query: str
    regex: bool = False
    case: bool = False
    word: bool = False

    @cached_property
    def _compiled(self) -> engine.Pattern[str]:
        source = self.query if self.regex else engine.escape(self.query)
        if self.word:
            source = rf"(?<!\w)(?:{source})(?!\w)"
        flags = engine.MULTILINE | (0 if self.case else engine.IGNORECASE)
        try:
            return engine.compile(source, flags)
        except engine.error as problem:
            said = f"{self.query!r} is no regular expression: {problem.msg}"
            raise UsageFault(said, "correct it, or look for it as plain text") from None

    def check(self) -> None:
        """Raise UsageFault when the pattern makes no sense."""
        if not self.query:
            raise UsageFault("nothing to look for", "give some text")
        _ = self._compiled

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where it stands in `text`: (start, end) in code points, in order, apart.

        Raises:
            UsageFault: it makes no sense.
            StudioError: looking takes too long.
        """
        return [match.span() for match in self._matches(text)]

    def replacements(self, text: str, template: str) -> list[Edit]:
        r"""The edits that put `template` wherever it stands in `text`.

        In the template of a regular expression \1 and \g<name> are its groups, \n a line's end.

        Raises:
            UsageFault: the pattern or the template makes no sense.
            StudioError: looking takes too long.
        """
        return [
            (match.start(), match.end(), self._filled(match, template))
            for match in self._matches(text)
        ]

    def _filled(self, match: engine.Match[str], template: str) -> str:
        if not self.regex:
            return template
        try:
            return str(match.expand(template))
        except (engine.error, IndexError) as problem:
            said = f"the replacement {template!r} makes no sense: {problem}"
            raise UsageFault(said, r"groups are \1, \2; write \\ for a backslash") from None

    def _matches(self, text: str) -> Iterator[engine.Match[str]]:
        self.check()
        try:
            yield from self._compiled.finditer(text, timeout=PATIENCE)
        except TimeoutError:
            said = f"looking for {self.query!r} takes too long"
            raise StudioError(said, "make the expression simpler") from None


def edited(text: str, edits: list[Edit]) -> str:
    """`text` once the edits are made."""
    parts, last = [], 0
    for start, end, replacement in edits:
        parts += [text[last:start], replacement]
        last = end
    return "".join([*parts, text[last:]])
