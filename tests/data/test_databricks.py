from __future__ import annotations

import socket
from pathlib import Path

import pyarrow.parquet
import pytest

from studio_tui.data.copying import fetch, send
from studio_tui.data.databricks import Databricks
from studio_tui.data.folders import send_all
from studio_tui.data.local import LocalOrigin, LocalTarget
from studio_tui.data.preview import preview
from studio_tui.data.source import Going
from studio_tui.errors import NotFound, Refused, StudioError, UsageFault
from tests.data.lakehouse import TOKEN, Lakehouse
from tests.data.test_folders import fetched, planted


@pytest.fixture
def source(lakehouse: Lakehouse) -> Databricks:
    return Databricks("dbx", {"host": lakehouse.url, "token": "LAKEHOUSE_TOKEN"})


def paths(source: Databricks, path: str, **options: bool) -> list[str]:
    return [entry.path for entry in source.page(path, **options).entries]


def test_the_catalog_is_a_tree(source: Databricks) -> None:
    assert paths(source, "") == ["main/"]
    assert paths(source, "main/") == ["main/ml/"]
    assert paths(source, "main/ml/") == ["main/ml/raw/", "main/ml/people"]
    assert paths(source, "main/ml/raw/") == ["main/ml/raw/a.csv", "main/ml/raw/sub/"]
    assert paths(source, "main/ml/raw", deep=True) == ["main/ml/raw/a.csv", "main/ml/raw/sub/b.bin"]


def test_a_long_listing_goes_on_where_it_stopped(source: Databricks, lakehouse: Lakehouse) -> None:
    for number in range(5):
        lakehouse.files[f"/Volumes/main/ml/raw/n/{number}"] = b""
    first = source.page("main/ml/raw/n", most=2)
    second = source.page("main/ml/raw/n", first.token, most=2)
    again = source.page("main/ml/raw/n", first.token, most=2)  # asked twice: begun anew
    assert [entry.name for entry in second.entries] == ["2", "3"] == [e.name for e in again.entries]
    last = source.page("main/ml/raw/n", second.token, most=2)
    assert ([entry.name for entry in last.entries], last.token) == (["4"], "")


def test_a_table_is_looked_at_and_copied(
    source: Databricks, lakehouse: Lakehouse, tmp_path: Path
) -> None:
    found = preview(source, "main/ml/people", 5)
    assert (found.total, found.columns[0]) == (2, ("id", "bigint"))
    assert found.rows == [["1", "ana", "0.5", "True"], ["2", "", "1.0", "False"]]
    assert lakehouse.statements[-1] == "SELECT * FROM `main`.`ml`.`people` LIMIT 5"
    copied = fetch(
        source, source.stat("main/ml/people"), LocalTarget(tmp_path / "p.parquet"), Going()
    )
    assert copied.checked == "count of 2 rows"
    assert pyarrow.parquet.read_table(tmp_path / "p.parquet").to_pylist() == [
        {"id": 1, "name": "ana", "score": 0.5, "good": True},
        {"id": 2, "name": None, "score": 1.0, "good": False},
    ]


def test_files_of_a_volume_are_read_by_ranges_and_copied_both_ways(
    source: Databricks, lakehouse: Lakehouse, tmp_path: Path
) -> None:
    entry = source.stat("main/ml/raw/a.csv")
    assert (entry.size, source.read(entry, 3, 2)) == (9, b"x\n")
    assert lakehouse.ranges == ["bytes=3-4"]
    fetched(source, "main/ml/raw/", tmp_path, Going())
    assert (tmp_path / "sub" / "b.bin").read_bytes() == bytes(100)
    going = Going()
    origin = LocalOrigin(tmp_path / "a.csv")
    made = send(source, "main/ml/raw/new name.csv", origin, going)
    origin.close()
    assert (made.size, going.done) == (9, 9)
    assert lakehouse.files["/Volumes/main/ml/raw/new name.csv"] == b"id,x\n1,2\n"
    tree = planted(tmp_path / "new", a=b"1", sub__b=b"2")
    assert send_all(source, "main/ml/raw/new/", tree, Going()).files == 2
    assert lakehouse.files["/Volumes/main/ml/raw/new/sub/b"] == b"2"
    # It keeps no checksums: nobody could tell that it is the same.
    told = send_all(source, "main/ml/raw/new/", tree, Going())
    assert (told.files, told.passed_over) == (0, 2)


def test_what_is_wrong_is_said(source: Databricks, lakehouse: Lakehouse) -> None:
    for path in ("other/", "main/ml/raw/missing/"):
        with pytest.raises(NotFound):
            source.page(path)
    for path in ("main/ml/nobody", "main/ml/raw/missing"):
        with pytest.raises(NotFound):
            source.stat(path)
    for path in ("", "main", "main//x", "main/ml/raw/../../x"):
        with pytest.raises(UsageFault):
            source.write(path, 0, lambda at, n: b"", Going())
    lakehouse.state = "FAILED"
    with pytest.raises(StudioError, match="failed no such column"):
        source.rows("main/ml/people", 1)
    with pytest.raises(UsageFault, match="no links"):
        source.link("main/ml/raw/a.csv", 60)
    assert source.lend("main/ml/raw/", 60) == {}


def test_a_wrong_token_is_refused_and_not_repeated(
    source: Databricks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEHOUSE_TOKEN", "dapi-wrong")
    with pytest.raises(Refused, match="does not accept") as said:
        source.page("")
    for secret in ("dapi-wrong", TOKEN):
        assert secret not in said.value.message + said.value.hint


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio_tui.data.databricks.RETRY_SECONDS", 1)
    monkeypatch.setenv("LAKEHOUSE_TOKEN", TOKEN)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    table = {"host": f"http://127.0.0.1:{port}", "token": "LAKEHOUSE_TOKEN"}
    with pytest.raises(NotFound, match="dbx cannot be reached"):
        Databricks("dbx", table).page("")
