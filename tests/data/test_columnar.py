from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet
import pytest

from studio_tui.data import columnar
from studio_tui.data.columnar import fetch_table
from studio_tui.data.local import LocalTarget
from studio_tui.data.source import Entry, Going, Rows, Stopped
from studio_tui.errors import StudioError
from tests.data.tables import Shelf

TABLE = Entry("c/s/t", "t", "table")


class Warehouse(Shelf):
    """One table."""

    def __init__(self, rows: Sequence[Sequence[object]]) -> None:
        super().__init__()
        self.content = rows

    def rows(self, path: str, most: int | None) -> Rows:
        return Rows([("id", "int"), ("x", "")], iter(self.content), len(self.content))


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columnar, "BATCH", 10)


def test_a_table_arrives_batch_by_batch(tmp_path: Path) -> None:
    source = Warehouse([(n, f"r{n}") for n in range(35)])
    copied = fetch_table(source, TABLE, LocalTarget(tmp_path / "t.parquet"), Going())
    assert (copied.checked, copied.rows) == ("count of 35 rows", 35)
    table = pyarrow.parquet.ParquetFile(tmp_path / "t.parquet")
    assert (table.metadata.num_rows, table.num_row_groups) == (35, 4)
    assert copied.bytes == (tmp_path / "t.parquet").stat().st_size


def test_a_value_that_does_not_fit_is_said_and_nothing_is_kept(tmp_path: Path) -> None:
    source = Warehouse([*((n, "x") for n in range(10)), ("no number", "x")])
    with pytest.raises(StudioError, match="does not fit into Parquet"):
        fetch_table(source, TABLE, LocalTarget(tmp_path / "t.parquet"), Going())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", [2**70, "\ud800"])
def test_a_value_that_has_no_type_is_said(tmp_path: Path, value: object) -> None:
    with pytest.raises(StudioError, match="does not fit into Parquet"):
        fetch_table(Warehouse([(1, value)]), TABLE, LocalTarget(tmp_path / "t.parquet"), Going())
    assert list(tmp_path.iterdir()) == []


def test_a_copy_that_is_called_off_begins_anew(tmp_path: Path) -> None:
    source, going = Warehouse([(n, "x") for n in range(35)]), Going(stop=True)
    with pytest.raises(Stopped):
        fetch_table(source, TABLE, LocalTarget(tmp_path / "t.parquet"), going)
    assert not (tmp_path / "t.parquet").exists()
    fetch_table(source, TABLE, LocalTarget(tmp_path / "t.parquet"), Going())
    assert pyarrow.parquet.read_table(tmp_path / "t.parquet").num_rows == 35
