from __future__ import annotations

import pytest

from studio_tui.data import survey as surveys
from studio_tui.data.source import Address, Entry, Page
from studio_tui.data.survey import survey
from tests.data.tables import Shelf
from tests.data.test_preview import parquet


def test_a_file_of_rows_tells_how_many() -> None:
    data = parquet(50)
    told = survey(Shelf(**{"a.parquet": data}), Address("shelf", "a.parquet"))
    assert told == f"shelf://a.parquet: {len(data)} bytes, 50 rows"


class Endless(Shelf):
    """A folder whose listing never ends."""

    def page(self, path: str, token: str = "", **_: object) -> Page:  # type: ignore[override]
        return Page([Entry(f"b/{token}x", "x", "file", 2)], f"{token}x")


def test_a_folder_that_does_not_end_is_not_counted_to_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(surveys, "PAGES", 3)
    assert survey(Endless(), Address("s", "b/")) == "s://b/: more than 3 files, 6 bytes"
