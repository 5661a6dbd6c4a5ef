from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from studio_tui.data.copying import fetch
from studio_tui.data.local import LocalTarget
from studio_tui.data.preview import preview
from studio_tui.data.snowflake import Snowflake, meant, quoted
from studio_tui.data.source import Going
from studio_tui.errors import NotFound, Refused, UsageFault

SERVER = Path(__file__).parents[1] / "servers" / "snow.py"


@pytest.fixture(scope="module")
def account() -> Iterator[dict[str, Any]]:
    command = [sys.executable, str(SERVER)]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture
def source(account: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Snowflake:
    monkeypatch.setenv("SNOW_PASSWORD", "correct-horse")
    return Snowflake("snow", {**account, "user": "ana", "password": "SNOW_PASSWORD"})


def test_databases_schemas_and_tables_are_a_tree(source: Snowflake) -> None:
    assert "LAB/" in [entry.path for entry in source.page("").entries]
    assert "LAB/RAW/" in [entry.path for entry in source.page("LAB/").entries]
    first = source.page("LAB/RAW", most=1)
    rest = source.page("LAB/RAW", first.token)
    tables = [entry.path for entry in [*first.entries, *rest.entries]]
    assert {"LAB/RAW/PEOPLE", 'LAB/RAW/odd "name"'} <= set(tables)
    assert {entry.kind for entry in rest.entries} == {"table"}


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
    for path in ("LAB", "LAB/RAW", "LAB/RAW/PEOPLE/x", "LAB/RAW/@stage"):
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
