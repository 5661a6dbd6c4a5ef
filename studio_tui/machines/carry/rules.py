"""`.studioignore`, in the words of a .gitignore, as expressions that a machine can match."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from studio_tui.errors import UsageFault

if TYPE_CHECKING:
    from collections.abc import Sequence

Rule = tuple[bool, str]
"""Whether it hides or shows, and the expression that a path as a whole has to fit."""

DEFAULTS = (
    "__pycache__/",
    "node_modules/",
    ".mypy_cache/",
    ".ruff_cache/",
    ".pytest_cache/",
    ".ipynb_checkpoints/",
    ".DS_Store",
)
"""What is made anew everywhere; counts where no repository says what is ignored."""


@functools.cache
def rules(text: str) -> Sequence[Rule]:
    """The rules of a file's text, in its order.

    Raises:
        UsageFault: a line is no pattern.
    """
    from pathspec import GitIgnoreSpec
    from pathspec.patterns.gitignore import GitIgnorePatternError

    try:
        found = GitIgnoreSpec.from_lines(text.splitlines()).patterns
    except GitIgnorePatternError as problem:
        raise UsageFault(
            f".studioignore has a line that is no pattern: {problem}",
            "it takes what a .gitignore takes: git help gitignore",
        ) from problem
    return [
        (bool(pattern.include), _whole(pattern.regex.pattern))
        for pattern in found
        if pattern.include is not None and pattern.regex is not None
    ]


def _whole(expression: str) -> str:
    """pathspec searches for its shortest expressions; ours have to fit as a whole."""
    if expression == ".":
        return ".+"
    if expression == "(?P<ps_d>/)":
        return ".*/"
    return expression + ".+" if expression.endswith("/") else expression
