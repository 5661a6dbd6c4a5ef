from __future__ import annotations

import pytest
from textual._tree_sitter import get_language

from studio_tui.app.widgets.languages import _BY_SUFFIX, comment_of, language_of


@pytest.mark.parametrize(
    ("path", "language"),
    [
        ("src/train.py", "python"),
        ("CONFIG.YML", "yaml"),
        ("a.b/notes", None),
        ("~/.bashrc", "bash"),
        ("uv.lock", "toml"),
        ("x.py.bak", None),
        ("", None),
    ],
)
def test_the_name_tells_the_language(path: str, language: str | None) -> None:
    assert language_of(path) == language


@pytest.mark.parametrize("language", _BY_SUFFIX)
def test_every_language_has_a_grammar(language: str) -> None:
    assert get_language(language) is not None


@pytest.mark.parametrize(
    ("path", "mark"),
    [
        ("train.py", ("# ", "")),
        ("Makefile", ("# ", "")),
        (".gitignore", ("# ", "")),
        ("kernel.cu", ("// ", "")),
        ("README.md", ("<!-- ", " -->")),
        ("data.json", None),
        ("LICENSE", None),
    ],
)
def test_the_name_tells_what_a_comment_is(path: str, mark: tuple[str, str] | None) -> None:
    assert comment_of(path) == mark
