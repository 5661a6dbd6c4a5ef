"""Folders are looked at with git, as on every machine that has a repository."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.fixture(autouse=True)
def git(require: Callable[[str], str]) -> str:
    return require("git")
