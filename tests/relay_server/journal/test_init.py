"""Which store a URL means."""

from __future__ import annotations

from pathlib import Path

import pytest

from relay_server.errors import BadSetting
from relay_server.journal import journal_of, sqlite_path
from relay_server.journal.memory import MemoryJournal
from relay_server.journal.sqlite import SqliteJournal


def test_a_url_names_its_store() -> None:
    assert isinstance(journal_of("memory:"), MemoryJournal)
    assert isinstance(journal_of("sqlite:////tmp/x.db"), SqliteJournal)


def test_three_slashes_are_relative_and_four_absolute() -> None:
    assert sqlite_path("sqlite:///x/y.db") == Path("x/y.db")
    assert sqlite_path("sqlite:////x/y.db") == Path("/x/y.db")
    assert sqlite_path("sqlite:///~/y.db") == Path.home() / "y.db"


@pytest.mark.parametrize("url", ["", "x", "sqlite:", "sqlite:///", "redis://host", "memory"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(BadSetting):
        journal_of(url)
