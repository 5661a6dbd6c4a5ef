from __future__ import annotations

from studio_tui.app.widgets.data_preview import CELL, described, drawn, half_blocks, table
from studio_tui.client.data import DataEntry, DataPreview


def test_a_picture_is_two_pixels_a_character() -> None:
    text = half_blocks(["ff0000" * 3, "00ff00" * 3, "0000ff" * 3, "000000" * 3])
    assert text.plain == "▀▀▀\n▀▀▀\n"
    assert half_blocks(["nonsense", "nonsense"]).plain == "▀\n"


def test_columns_stand_under_their_names() -> None:
    text = table([["id", "int"], ["name", ""]], [["1", "x" * 99], ["20", "\x1b[2J"], ["3"]])
    lines = text.plain.split("\n")
    assert lines[0].startswith(" id  name")
    assert [line[:3] for line in lines[1:5]] == ["int", "  1", " 20", "  3"]
    assert max(map(len, lines)) == len("int") + 2 + CELL
    assert "\x1b" not in text.plain
    assert table([], []).plain.strip() == ""


def test_text_moves_no_cursor() -> None:
    shown = drawn(DataPreview(kind="text", text="a\tb\n\x1b[2Jc\u202e"))
    assert shown.plain == "a   b\n[2Jc"


def test_a_thing_in_words() -> None:
    assert described(DataEntry(kind="file", size=2048, note="glacier")) == "file  2K  glacier"
