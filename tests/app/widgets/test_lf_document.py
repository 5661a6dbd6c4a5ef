from __future__ import annotations

import random
import subprocess
import sys

from textual._tree_sitter import get_language

from studio_tui.app.widgets.lf_document import (
    LFDocument,
    LFSyntaxDocument,
    LFWrappedDocument,
    visible,
)

PIECES = ["a", "日", "😀", "\n", "\n", "\r", "\u2028", "\x0c", "\t", "long line of text"]


def test_only_lf_ends_a_line() -> None:
    text = "a\x0bb\x0cc\x1cd\x85e\u2028f\rg\r\nh\n"
    document = LFDocument(text)
    assert document.text == text
    assert document.line_count == 3
    assert document.newline == "\n"


def test_bytes_and_locations_convert_both_ways() -> None:
    text = "a日\n\n😀b\n"
    document = LFDocument(text)
    for point in range(len(text) + 1):
        byte = len(text[:point].encode())
        location = document.location_at(byte)
        assert document.byte_at(location) == byte
        assert location == (text[:point].count("\n"), point - (text[:point].rfind("\n") + 1))
    assert document.location_at(999) == document.end == (3, 0)


def test_locations_outside_are_clamped() -> None:
    document = LFDocument("ab\nc")
    assert document.clamp((-1, 5)) == (0, 0)
    assert document.clamp((0, 9)) == (0, 2)
    assert document.clamp((7, 0)) == (1, 1)
    result = document.replace_range((9, 9), (0, 1), "日\nx")
    assert (result.end_location, result.replaced_text) == ((1, 1), "b\nc")
    assert document.text == "a日\nx"


def test_random_edits_keep_every_count() -> None:
    chance = random.Random(11)
    document = LFDocument("one\ntwo 日\n")
    text = document.text
    for _ in range(400):
        start = chance.randrange(len(text) + 1)
        end = min(len(text), start + chance.randrange(6))
        inserted = "".join(chance.choices(PIECES, k=chance.randrange(3)))
        top, bottom = (document.location_at(len(text[:at].encode())) for at in (start, end))
        result = document.replace_range(top, bottom, inserted)
        assert result.replaced_text == text[start:end]
        text = text[:start] + inserted + text[end:]
        assert document.text == text
        assert document.byte_at(result.end_location) == len(text[: start + len(inserted)].encode())
        assert document.get_size(4) == LFDocument(text).get_size(4)
    assert document.get_size(2) == LFDocument(text).get_size(2)


def test_the_tree_follows_the_edits() -> None:
    language = get_language("python")
    assert language is not None
    chance = random.Random(2)
    document = LFSyntaxDocument("def f(x):\n    return '日' + x\n", language)
    query = document.prepare_query("(string) @string (comment) @comment (identifier) @name")
    assert query is not None
    for _ in range(60):
        row = chance.randrange(document.line_count)
        column = chance.randrange(len(document[row]) + 1)
        end = (min(row + chance.randrange(2), document.line_count - 1), chance.randrange(9))
        document.replace_range((row, column), end, chance.choice(["'", "#", "日", "\n", "x y", ""]))
        fresh = LFSyntaxDocument(document.text, language)
        assert spans(document.query_syntax_tree(query)) == spans(fresh.query_syntax_tree(query))


def spans(captures: dict[str, list[object]]) -> set[tuple[str, object, object]]:
    return {
        (name, node.start_point, node.end_point)  # type: ignore[attr-defined]
        for name, nodes in captures.items()
        for node in nodes
    }


def test_the_wrapped_height_is_that_of_all_rows() -> None:
    document = LFDocument("one two three\n日本語日本語\n\nend")
    wrapped = LFWrappedDocument(document, width=6)
    assert wrapped.height == sum(len(rows) for rows in wrapped.lines)
    assert wrapped.get_sections(0) == ["one ", "two ", "three"]


def test_what_cannot_be_seen_is_made_visible_column_for_column() -> None:
    line = "".join(map(chr, range(0x00, 0xA1))) + "\u2028\u202e\u2066日"
    shown = visible(line)
    assert len(shown) == len(line)
    assert all(char.isprintable() or char in "\t\xa0" for char in shown)
    assert visible("plain 日") == "plain 日"


EVERY_QUERY = """
import gc
from textual._tree_sitter import get_language
from textual.widgets import TextArea
from studio_tui.app.widgets.languages import _BY_SUFFIX
from studio_tui.app.widgets.lf_document import LFSyntaxDocument
for name in _BY_SUFFIX:
    document = LFSyntaxDocument("{}", get_language(name))
    for _ in range(20):
        document.prepare_query(TextArea._get_builtin_highlight_query(name))
        kept = [[number] for number in range(100)]
        gc.collect()
"""


def test_no_grammars_query_harms_the_process() -> None:
    ended = subprocess.run([sys.executable, "-c", EVERY_QUERY], capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")
