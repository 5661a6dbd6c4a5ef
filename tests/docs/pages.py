"""The pages of the documentation as what they tell a reader to type."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
SHELL, PYTHON, TOML, SSH = "sh", "python", "toml", "ssh"
GROUPS = "comment|data|file|job|learn|machine|pipeline|port|record|secret|share"
"""Commands that prose names without the program's own name."""

_FENCE = re.compile(r"^```(\w*)$")
_TYPED = re.compile(r"^(?:```.*?^```$|    .*?$)", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`]+)`")
_COMMAND = re.compile(rf"(?:(studio-tui|studio-relay) |(?=(?:{GROUPS}) (?:--)?[a-z]))(.+)")


@dataclass(frozen=True)
class Block:
    """A passage to be typed. `line` is the page's, from 1 on."""

    page: str
    line: int
    kind: str
    text: str
    whole: bool = False
    """Whether it is one script, and not a command a line."""

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def commands(self) -> list[tuple[str, str]]:
        """Place and text of each command; a fenced script is one."""
        if self.kind != SHELL:
            return []
        if self.whole:
            return [(self.place, self.text)]
        lines = enumerate(self.text.split("\n"), self.line)
        return [(f"{self.page}:{number}", line) for number, line in lines if line]


def bare(command: str) -> str:
    """A command without the comment behind it."""
    return re.split(r"\s+#\s", command)[0]


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> Iterator[Block]:
    """Indented and fenced blocks, in the order of the page. Drawings are left out."""
    lines = page.read_text("utf-8").split("\n")
    number = 0
    while number < len(lines):
        begin = number
        if fence := _FENCE.match(lines[number]):
            number = lines.index("```", begin + 1) + 1
            text = "\n".join(lines[begin + 1 : number - 1])
            if kind := fence[1]:
                yield Block(name(page), begin + 2, kind, text, whole=True)
        elif lines[number].startswith("    ") and not (number and lines[number - 1]):
            while lines[number].startswith("    ") or not lines[number]:
                number += 1
            text = textwrap.dedent("\n".join(lines[begin:number])).rstrip("\n")
            first, _, rest = text.partition("\n\n") if text.startswith("Host ") else ("", "", text)
            if first:  # only a blank line is between an entry of ssh's and the commands after it
                yield Block(name(page), begin + 1, SSH, first)
            yield Block(name(page), begin + 1 + text.count("\n") - rest.count("\n"), SHELL, rest)
        else:
            number += 1


def mentions(page: Path) -> Iterator[tuple[str, str]]:
    """Place and text of each of our commands that the prose names, the program's name in front."""
    paragraphs = _TYPED.sub(_blank, page.read_text("utf-8"))
    for span in _SPAN.finditer(paragraphs):
        words = " ".join(span[1].split())
        if (found := _COMMAND.fullmatch(words)) and "=" not in words.split()[1]:
            line = paragraphs.count("\n", 0, span.start()) + 1
            yield f"{name(page)}:{line}", f"{found[1] or 'studio-tui'} {found[2]}"


def _blank(block: re.Match[str]) -> str:
    return "\n" * block[0].count("\n")
