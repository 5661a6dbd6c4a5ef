"""Rules of the house that can be read off the source: errors, markup, names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

BOUNDARIES: dict[str, str] = {
    "studio_tui/blocking.py": "hands the error of a with block to the context it drives",
    "studio_tui/host/calls.py": "a fault in one call must not take the studio down",
    "studio_tui/host/files/checker.py": "a text that cannot be checked must not end the studio",
    "studio_tui/host/pipelines/steps.py": "a fault in one step must not take the studio down",
    "studio_tui/host/data/copies.py": "a fault in a source's package must not end the studio",
    "studio_tui/payload/folder/service.py": "a fault in one request must not take down the others",
    "studio_tui/payload/hold/start.py": "the holder's end: whatever it was, its log says",
    "studio_tui/payload/lightning/studio_hold.py": "a guest in a training must not end it",
    "studio_tui/payload/lightning/studio_leave.py": "a guest in a training must not end it",
    "studio_tui/payload/lightning/studio_lines.py": "a guest in a training must not end it",
    "studio_tui/payload/lightning/studio_probe.py": "a guest in a training must not end it",
    "studio_tui/payload/lightning/studio_ranks.py": "a guest in a training must not end it",
    "studio_tui/payload/lightning/studio_resume.py": "a guest in a training must not end it",
}
"""Files that may catch everything, each with the reason."""

MARKUP = re.compile(
    r"\[(/[a-z@$# ]*|@click\b[^\]]*|(b|i|u|s|bold|dim|italic|underline|strike|reverse|link)"
    r"([ =][^\]]*)?|[$#][^\]]*)\]"
)
"""Textual's markup: foreign text put between such marks is obeyed, not shown."""

VAGUE_MODULES = {"utils", "util", "helpers", "helper", "common", "misc", "base"}
VAGUE_CLASS = re.compile(r"(Manager|Helper|Handler|Util|Utils)$")


def sources() -> list[Path]:
    """Every Python file of the product."""
    return [path for top in ("relay_server", "studio_tui") for path in (ROOT / top).rglob("*.py")]


def broad_catches(source: str) -> Iterator[int]:
    """Lines that swallow every error: a bare `except`, Exception, BaseException, suppress of one.

    A handler that ends by raising swallows nothing: it cleans up, or picks out what it knows.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ExceptHandler) and _is_broad(node.type):
            if not isinstance(node.body[-1], ast.Raise):
                yield node.lineno
        elif isinstance(node, ast.Call) and _name(node.func) == "suppress":
            yield from (node.lineno for argument in node.args if _is_broad(argument))


def _is_broad(caught: ast.expr | None) -> bool:
    if isinstance(caught, ast.Tuple):
        return any(_is_broad(element) for element in caught.elts)
    return caught is None or _name(caught) in {"Exception", "BaseException"}


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def markup_around_values(source: str) -> Iterator[int]:
    """Lines with an f-string that writes markup around its values."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr) and len(node.values) > 1:
            text = "".join(
                str(v.value) if isinstance(v, ast.Constant) else "_" for v in node.values
            )
            if MARKUP.search(text):
                yield node.lineno


def test_everything_is_caught_at_boundaries_alone() -> None:
    found = [
        f"{name}:{line}"
        for path in sources()
        if (name := path.relative_to(ROOT).as_posix()) not in BOUNDARIES
        for line in broad_catches(path.read_text(encoding="utf-8"))
    ]
    assert not found, "\n".join(found)


def test_every_boundary_is_one() -> None:
    for name in BOUNDARIES:
        assert list(broad_catches((ROOT / name).read_text(encoding="utf-8"))), name


def test_no_value_is_put_into_markup() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sources()
        for line in markup_around_values(path.read_text(encoding="utf-8"))
    ]
    assert not found, "\n".join(found)


def test_names_say_what_a_thing_is() -> None:
    modules = [path.relative_to(ROOT) for path in sources() if path.stem in VAGUE_MODULES]
    classes = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and VAGUE_CLASS.search(node.name)
    ]
    assert (modules, classes) == ([], [])


@pytest.mark.parametrize(
    "line",
    [
        "except: pass",
        "except Exception: pass",
        "except BaseException as e: print(e)",
        "except (OSError, Exception): pass",
        "except builtins.Exception: pass",
    ],
)
def test_a_broad_catch_is_seen(line: str) -> None:
    assert list(broad_catches(f"try: pass\n{line}\n")) == [2]


def test_a_broad_suppress_is_seen() -> None:
    assert list(broad_catches("with contextlib.suppress(Exception): pass")) == [1]


@pytest.mark.parametrize(
    "line",
    ["except OSError: pass", "except (ValueError, KeyError): pass"]
    + ["except BaseException: undo(); raise", "except Exception as e: raise Fault from e"],
)
def test_a_narrow_catch_is_fine(line: str) -> None:
    assert not list(broad_catches(f"try: pass\n{line}\n"))


@pytest.mark.parametrize(
    "text",
    ["f'[b]{name}[/b]'", "f'{name}[/]'", "f'[bold red]{x}'", "f'[@click=app.run({x})]go'"]
    + ["f'[$accent]{x}'", "f'[link={url}]x'", "f'a{x}' f'[dim]'"],
)
def test_markup_around_a_value_is_seen(text: str) -> None:
    assert list(markup_around_values(text)) == [1]


@pytest.mark.parametrize("text", ["f'[{x}]'", "f'rows[{a}:{b}]'", "'[b]fixed[/b]'", "f'[1] {x}'"])
def test_other_brackets_are_fine(text: str) -> None:
    assert not list(markup_around_values(text))
