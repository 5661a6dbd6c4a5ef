from __future__ import annotations

import socket
from pathlib import Path

import pyarrow.parquet
import pytest

from studio_tui.data.copying import fetch, send
from studio_tui.data.folders import send_all
from studio_tui.data.local import LocalOrigin, LocalTarget
from studio_tui.data.preview import preview
from studio_tui.data.snowflake import Snowflake, meant
from studio_tui.data.source import Going, parse
from studio_tui.data.stage import quoted
from studio_tui.data.survey import survey
from studio_tui.errors import NotFound, Refused, StudioError, UsageFault
from tests.data.test_folders import fetched, planted


@pytest.fixture
def source(snowflake: Snowflake) -> Snowflake:
    return snowflake


def test_databases_schemas_and_tables_are_a_tree(source: Snowflake) -> None:
    assert "LAB/" in [entry.path for entry in source.page("").entries]
    assert "LAB/RAW/" in [entry.path for entry in source.page("LAB/").entries]
    first = source.page("LAB/RAW", most=1)
    rest = source.page("LAB/RAW", first.token)
    kinds = {entry.path: entry.kind for entry in [*first.entries, *rest.entries]}
    assert kinds["LAB/RAW/PEOPLE"] == kinds['LAB/RAW/odd "name"'] == "table"
    assert kinds["LAB/RAW/@FILES/"] == "folder"


def test_a_table_is_looked_at_and_copied(source: Snowflake, tmp_path: Path) -> None:
    found = preview(source, "LAB/RAW/PEOPLE", 1)
    assert (found.total, [name for name, _ in found.columns]) == (
        2,
        ["ID", "NAME", "SCORE", "BORN"],
    )
    assert found.rows == [["1", "ana", "0.5", "1999-01-02"]]
    entry = source.stat("LAB/RAW/PEOPLE")
    copied = fetch(source, entry, LocalTarget(tmp_path / "p.parquet"), Going())
    assert copied.checked == "count of 2 rows"
    rows = pyarrow.parquet.read_table(tmp_path / "p.parquet").to_pylist()
    assert [(row["ID"], row["NAME"], row["SCORE"]) for row in rows] == [
        (1, "ana", 0.5),
        (2, None, 1.5),
    ]
    empty = source.stat('LAB/RAW/odd "name"')
    assert fetch(source, empty, LocalTarget(tmp_path / "e.parquet"), Going()).files == 1
    assert pyarrow.parquet.read_table(tmp_path / "e.parquet").num_rows == 0


def test_a_view_is_a_table_too(source: Snowflake) -> None:
    assert preview(source, "LAB/RAW/NAMES", 5).rows == [["ana"], [""]]


def test_what_is_not_there_is_said(source: Snowflake) -> None:
    with pytest.raises(NotFound, match="NOBODY"):
        source.stat("LAB/RAW/NOBODY")
    for path in ("LAB", "LAB/RAW", "LAB/RAW/PEOPLE/x", "LAB/RAW/@stage", "LAB/RAW/@stage/"):
        with pytest.raises(UsageFault):
            source.stat(path)
    with pytest.raises(UsageFault):
        source.page("LAB/RAW/PEOPLE/")
    with pytest.raises(UsageFault, match="no links"):
        source.link("LAB/RAW/PEOPLE", 60)
    assert source.lend("LAB/RAW/PEOPLE", 60) == {}


def test_no_name_ends_a_statement(source: Snowflake) -> None:
    assert quoted('a"; drop table people; --') == '"a""; drop table people; --"'
    with pytest.raises(NotFound):
        source.stat('LAB/RAW/x"; drop table people; --')
    assert preview(source, "LAB/RAW/PEOPLE", 0).total == 2


def test_nobody_there(source: Snowflake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio_tui.data.snowflake.LOGIN_SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(NotFound, match="cannot be reached"):
        Snowflake("snow", {**source._table, "port": port}).page("")


class Wrong(Exception):
    errno = 250001


def test_a_wrong_password_is_refused_and_not_repeated() -> None:
    said = meant("snow", "LAB", Wrong("Incorrect username or password: correct-horse"))
    assert isinstance(said, Refused)
    assert "horse" not in said.message + said.hint


def put(source: Snowflake, path: str, data: bytes, folder: Path, *, force: bool = False) -> int:
    (folder / "origin").write_bytes(data)
    origin = LocalOrigin(folder / "origin")
    made = send(source, path, origin, Going(), force=force)
    origin.close()
    assert made.size is not None
    return made.size


@pytest.mark.parametrize(("stage", "checked"), [("@FILES", ""), ("@SSE", "md5")])
def test_files_of_a_stage_go_both_ways(
    source: Snowflake, tmp_path: Path, stage: str, checked: str
) -> None:
    data = b"id,x\n1,2\n"
    top = f"LAB/RAW/{stage}"
    assert put(source, f"{top}/both_ways/ü b.csv", data, tmp_path) == 9
    put(source, f"{top}/both_ways/ü b.csv.old", b"", tmp_path)
    (folder,) = [e for e in source.page(f"{top}/").entries if e.name == "both_ways"]
    names = [entry.name for entry in source.page(folder.path).entries]
    assert names == ["ü b.csv", "ü b.csv.old"]
    found = preview(source, f"{top}/both_ways/ü b.csv")
    assert (found.rows, found.total) == ([["1", "2"]], 1)
    entry = source.stat(f"{top}/both_ways/ü b.csv")
    assert found.entry == entry
    assert fetch(source, entry, LocalTarget(tmp_path / "back"), Going()).checked == checked
    assert (tmp_path / "back").read_bytes() == data
    tree, sent = planted(tmp_path / "new", a=b"1", sub__b=b"2"), Going()
    assert send_all(source, f"{top}/both_new/", tree, sent).files == 2
    assert fetched(source, f"{top}/both_new/", tmp_path / "again", Going()).files == 2
    assert sent.done == sent.total == 2
    copied = fetched(source, folder.path, tmp_path, Going())
    assert (copied.files, copied.bytes) == (2, 9)
    assert (tmp_path / "ü b.csv.old").read_bytes() == b""


def test_a_file_of_a_stage_is_not_replaced_unasked(source: Snowflake, tmp_path: Path) -> None:
    path = "LAB/RAW/@FILES/kept"
    put(source, path, b"one", tmp_path)
    with pytest.raises(UsageFault, match="there is a"):
        put(source, path, b"two", tmp_path)
    put(source, path, b"three", tmp_path, force=True)
    fetch(source, source.stat(path), LocalTarget(tmp_path / "kept"), Going())
    assert (tmp_path / "kept").read_bytes() == b"three"


def test_rows_of_a_staged_file_are_counted(source: Snowflake, tmp_path: Path) -> None:
    pyarrow.parquet.write_table(pyarrow.table({"x": [1, 2, 3]}), tmp_path / "p")
    put(source, "LAB/RAW/@FILES/p.parquet", (tmp_path / "p").read_bytes(), tmp_path)
    assert "3 rows" in survey(source, parse("snow://LAB/RAW/@FILES/p.parquet"))


def test_what_is_no_file_of_a_stage_is_said(
    source: Snowflake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotFound, match="@FILES/nobody"):
        source.stat("LAB/RAW/@FILES/nobody")
    with pytest.raises(NotFound, match="@NOBODY"):
        source.page("LAB/RAW/@NOBODY/")
    with pytest.raises(UsageFault, match="in no stage"):
        source.write("LAB/RAW/file", 0, lambda at, n: b"", Going())
    with pytest.raises(UsageFault, match="lies in a bucket") as said:
        put(source, "LAB/RAW/@BUCKET/a/b", b"x", tmp_path)
    assert "s3://lake/raw/a/b" in said.value.hint
    put(source, "LAB/RAW/@FILES/long.txt", b"x" * 64, tmp_path)
    monkeypatch.setattr("studio_tui.data.preview.WHOLE", 63)
    with pytest.raises(UsageFault, match="only whole"):
        preview(source, "LAB/RAW/@FILES/long.txt")


def test_a_storage_that_refuses_tells_no_link(source: Snowflake, tmp_path: Path) -> None:
    path = "LAB/RAW/@FILES/forbidden.bin"
    put(source, path, b"x", tmp_path)
    with pytest.raises(StudioError, match="could not be carried") as said:
        fetch(source, source.stat(path), LocalTarget(tmp_path / "x"), Going())
    assert "fs_bucket" not in said.value.message + said.value.hint


def test_an_account_that_nobody_named_has_no_credentials() -> None:
    with pytest.raises(Refused, match="no usable credentials"):
        Snowflake("snowflake", {"account": "a"}).page("")
