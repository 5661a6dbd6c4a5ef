from __future__ import annotations

import io
import json
import zlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from studio_tui.data.preview import START, clipped, preview, rows_of
from tests.data.tables import Shelf


def parquet(rows: int, groups: int = 1000) -> bytes:
    file = io.BytesIO()
    table = pa.table({"id": range(rows), "text": [f"row {n}" for n in range(rows)]})
    pq.write_table(table, file, row_group_size=groups)
    return file.getvalue()


def png(width: int, height: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), (255, 0, 10)).save(file, "PNG")
    return file.getvalue()


def test_parquet_shows_schema_and_rows_and_fetches_little() -> None:
    data = parquet(300_000, 5_000)
    shelf = Shelf(**{"a.parquet": data})
    found = preview(shelf, "a.parquet", 3)
    assert (found.kind, found.total) == ("table", 300_000)
    assert found.columns == [("id", "int64"), ("text", "string")]
    assert found.rows == [["0", "row 0"], ["1", "row 1"], ["2", "row 2"]]
    assert shelf.fetched < len(data) / 2
    assert rows_of(shelf, shelf.stat("a.parquet")) == 300_000


def test_csv_and_its_likes_are_tables() -> None:
    for name, data in (
        ("a.csv", b'id,text\n1,"a, b"\n2,c\n'),
        ("b.csv", b"id;text\n1;a, b\n2;c\n"),
        ("c.tsv", b"id\ttext\n1\ta, b\n2\tc\n"),
    ):
        found = preview(Shelf(**{name: data}), name, 10)
        assert [column for column, _ in found.columns] == ["id", "text"]
        assert (found.rows, found.total) == ([["1", "a, b"], ["2", "c"]], 2)


def test_of_a_long_csv_only_the_start_is_read() -> None:
    data = b"id,x\n" + b"".join(b"%d,1\n" % n for n in range(200_000))
    shelf = Shelf(**{"a.csv": data})
    found = preview(shelf, "a.csv", 5)
    assert (len(found.rows), found.total) == (5, None)
    assert shelf.fetched == START


def test_json_lines_are_a_table_of_their_keys() -> None:
    lines = [{"a": 1, "b": [1, 2]}, {"a": 2, "c": "ä"}, {"a": None}]
    data = "\n".join(map(json.dumps, lines)).encode()
    found = preview(Shelf(**{"a.jsonl": data}), "a.jsonl", 10)
    assert found.columns == [("a", "int"), ("b", "list"), ("c", "str")]
    assert found.rows == [["1", "[1, 2]", ""], ["2", "", "ä"], ["", "", ""]]
    broken = preview(Shelf(**{"a.jsonl": b'{"a": 1}\n{"a": '}), "a.jsonl", 10)
    assert (broken.kind, broken.note) == ("text", "not every line is JSON")


def test_text_is_cut_at_a_line_and_bytes_are_shown_as_such() -> None:
    found = preview(Shelf(a=("zeile ä\n" * 20_000).encode()), "a")
    assert (found.kind, found.text[-1]) == ("text", "\n") or found.text.endswith("ä")
    assert "of 180000 bytes" in found.note
    assert preview(Shelf(a=b""), "a").text == ""
    binary = preview(Shelf(a=bytes(range(256))), "a")
    assert binary.kind == "binary"
    assert binary.text.startswith("00000000  00 01 02")


def test_a_picture_is_made_small_enough() -> None:
    found = preview(Shelf(**{"a.png": png(1000, 500)}), "a.png")
    assert (found.kind, found.width, found.height, found.across) == ("image", 1000, 500, 96)
    assert len(found.pixels) == 48
    assert found.pixels[0] == "ff000a" * 96


def test_a_picture_that_would_fill_the_memory_is_not_unpacked() -> None:
    small = png(8, 8)
    size = (30_000).to_bytes(4, "big")
    header = b"IHDR" + size + size + small[24:29]
    bomb = small[:12] + header + zlib.crc32(header).to_bytes(4, "big") + small[33:]
    found = preview(Shelf(**{"a.png": bomb}), "a.png")
    assert found.kind == "binary"
    assert "too large" in found.note


@pytest.mark.parametrize("name", ["a.png", "a.parquet", "a.jpeg"])
@pytest.mark.parametrize("data", [b"", b"no such thing", b"PAR1" * 3, b"\x89PNG\r\n\x1a\n" * 2])
def test_what_is_not_what_its_name_says_is_shown_as_it_is(name: str, data: bytes) -> None:
    found = preview(Shelf(**{name: data}), name)
    assert found.kind in ("text", "binary")
    assert found.note


def test_a_broken_csv_is_text() -> None:
    found = preview(Shelf(**{"a.csv": b'id\n"' + b"x" * 140_000}), "a.csv")
    assert found.kind in ("text", "table")


def test_a_cell_is_one_short_line() -> None:
    assert clipped("a\n  b") == "a b"
    assert len(clipped("x" * 10_000)) == 120
    assert clipped(b"\0\1") == "2 bytes"
    assert clipped(None) == ""
