"""Starting a project from a template."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Typed


def test_without_arguments_the_templates_are_listed(typed: Typed) -> None:
    assert "char-gpt" in typed("new").out
    listed = typed("new", "--json").json
    assert listed[0]["name"] == "char-gpt"
    assert all(set(template) == {"name", "title"} for template in listed)


def test_a_folder_is_made(tmp_path: Path, typed: Typed) -> None:
    target = tmp_path / "my model"
    done = typed("new", "char-gpt", str(target))
    assert (done.code, done.out) == (0, f"{target}\n")
    assert done.err == f"next: studio-tui open '{target}'\n"
    assert (target / "train.py").exists()


def test_the_folder_is_called_like_the_template_by_default(
    tmp_path: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = typed("new", "char-gpt", "--json").json
    assert made == {"template": "char-gpt", "dir": str(tmp_path / "char-gpt")}
    again = typed("new", "char-gpt")
    assert (again.code, again.error) == (1, "char-gpt is not empty")


def test_a_template_that_is_not_there_names_the_nearest(typed: Typed) -> None:
    done = typed("new", "char-gtp", "x")
    assert (done.code, done.hint) == (3, "did you mean char-gpt?")
