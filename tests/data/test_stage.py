from __future__ import annotations

import re
from pathlib import Path

import pytest

from studio_tui.data import stage
from studio_tui.data.source import Entry
from studio_tui.data.stage import Place, Staged
from studio_tui.errors import StudioError, UsageFault

DIR = Place("DB", "S", "ST", "dir")
ROWS = [
    {"name": "st/dir/a", "size": 3, "md5": "m", "last_modified": "Sun, 29 Nov 2026 00:00:00 GMT"},
    {"name": "st/dir/sub/b", "size": 0, "md5": None, "last_modified": None},
    {"name": "st/dirt/c", "size": 0},
]


def test_a_place_in_a_stage() -> None:
    assert stage.place("DB/S/@ST/dir/") == DIR
    assert stage.place("DB/S/@ST") == Place("DB", "S", "ST", "")
    assert stage.place("DB/S/TABLE") is None
    assert stage.place("DB/@S") is None


def test_a_folder_of_a_stage() -> None:
    found = list(stage.files(ROWS, DIR))
    assert found[0] == Entry("DB/S/@ST/dir/a", "dir/a", "file", 3, 1795910400.0, "m")
    shown = stage.level(found, DIR, deep=False)
    assert [(entry.path, entry.name, entry.kind) for entry in shown] == [
        ("DB/S/@ST/dir/a", "a", "file"),
        ("DB/S/@ST/dir/sub/", "sub", "folder"),
    ]
    assert [entry.name for entry in stage.level(found, DIR, deep=True)] == ["a", "sub/b"]
    file = Place("DB", "S", "ST", "dir/a")
    (one,) = stage.level(stage.files(ROWS, file), file, deep=False)
    assert (one.path, one.name) == ("DB/S/@ST/dir/a", "a")


def test_stages_of_tables_and_of_buckets_are_listed_otherwise() -> None:
    table = Place("DB", "S", "%T", "")
    assert [e.name for e in stage.files([{"name": "x/a", "size": 1}], table)] == ["x/a"]
    bucket = Place("DB", "S", "ST", "")
    rows = [{"name": "s3://b/raw/x/a", "size": 1}]
    assert [e.name for e in stage.files(rows, bucket, "s3://b/raw/")] == ["x/a"]


def test_no_name_ends_a_statement() -> None:
    hostile = Place('D"B', "S", "ST", "a'; DROP TABLE x; --\\")
    assert hostile.named(hostile.inside) == ('\'@"D""B"."S"."ST"/a\\\'; DROP TABLE x; --\\\\\'')
    assert stage.quoted('a"; drop') == '"a""; drop"'


def test_only_the_file_itself_is_asked_for() -> None:
    asked = stage.get_statement(Place("DB", "S", "ST", "d/a.b'+c"), Path("/tmp/x"))
    assert asked.startswith('GET \'@"DB"."S"."ST"/d/a.b\\\'+c\' \'file:///tmp/x/\' ')
    found = re.search("PATTERN='(.*)'$", asked)
    assert found
    assert re.fullmatch(found[1], "st/d/a.b'+c")
    assert not re.fullmatch(found[1], "st/d/a.b'+c.old")


def test_a_file_is_put_as_it_is() -> None:
    asked = stage.put_statement(Place("DB", "S", "ST", "d/a"), Path("/tmp/x/a"))
    assert asked.startswith('PUT \'file:///tmp/x/a\' \'@"DB"."S"."ST"/d\' ')
    assert "AUTO_COMPRESS=FALSE" in asked


@pytest.mark.parametrize("name", ["", "a*", "a?", "[a]", "a'b", 'a"b', "a\\b", "a\nb", "a/../b"])
def test_a_name_that_would_be_taken_for_something_else(name: str) -> None:
    with pytest.raises(UsageFault):
        stage.check_name(Place("DB", "S", "ST", name))


MD5 = "0cc175b9c0f1b6a831c399e269772661"  # of "a"


def test_what_is_listed_of_an_encrypted_file_is_not_compared(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    sealed = stage.fetched(Entry("DB/S/@ST/a", "a", "file", 16, tag=MD5), tmp_path / "a")
    assert (sealed.size, sealed.sealed, stage.sum_of(sealed)) == (1, True, None)
    plain = stage.fetched(Entry("DB/S/@ST/a", "a", "file", 1, tag=MD5), tmp_path / "a")
    summed = stage.sum_of(plain)
    assert summed is not None
    summed.update(b"a")
    assert summed.agrees()
    with pytest.raises(StudioError, match="1 bytes arrived"):
        stage.fetched(Entry("DB/S/@ST/a", "a", "file", 32), tmp_path / "a")
    assert isinstance(plain, Staged)


def test_what_was_put_is_held_against_what_is_listed() -> None:
    for size, tag in ((1, MD5), (1, ""), (1, f"{MD5}-1"), (16, "other")):
        assert stage.arrived(Entry("p", "a", "file", size, tag=tag), 1, MD5).size == 1
    for size, tag in ((1, "0" * 32), (2, MD5)):
        with pytest.raises(StudioError, match="not what was sent"):
            stage.arrived(Entry("p", "a", "file", size, tag=tag), 1, MD5)
