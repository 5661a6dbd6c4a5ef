"""Files as a whole on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Hosted, Typed


@pytest.fixture(autouse=True)
def files(hosted: Hosted) -> None:
    (hosted.folder / "whole").mkdir(exist_ok=True)
    (hosted.folder / "whole" / "one.py").write_text("corge = 1\n# Corge\n")


def test_lines_are_found(hosted: Hosted, typed: Typed) -> None:
    assert typed("file", "search", hosted.id, "corge", "--case").out == (
        "whole/one.py:1: corge = 1\n"
    )
    (hit,) = typed("file", "search", hosted.id, r"^corge\b", "--regex", "--case", "--json").json
    assert hit == {"path": "whole/one.py", "line": 1, "text": "corge = 1", "spans": [[0, 5]]}
    assert "whole/one.py" in typed("file", "find", hosted.id, "whole/one").out


def test_replacing_is_shown_before_it_is_done(hosted: Hosted, typed: Typed) -> None:
    words = ("file", "replace", hosted.id, "corge", "garply", "--case")
    shown = typed(*words)
    assert shown.out == "whole/one.py:1: - corge = 1\nwhole/one.py:1: + garply = 1\n"
    assert (hosted.folder / "whole" / "one.py").read_text() == "corge = 1\n# Corge\n"
    assert typed(*words, "--write", "--json").json == {"whole/one.py": 1}
    assert (hosted.folder / "whole" / "one.py").read_text() == "garply = 1\n# Corge\n"


def test_a_pattern_that_makes_no_sense_is_a_mistake(hosted: Hosted, typed: Typed) -> None:
    done = typed("file", "search", hosted.id, "(", "--regex")
    assert done.code == 2
    assert "no regular expression" in done.error


def test_files_are_moved_deleted_and_brought_back(hosted: Hosted, typed: Typed) -> None:
    typed("file", "new", hosted.id, "whole/two.py")
    typed("file", "new", hosted.id, "whole/sub", "--folder")
    typed("file", "mv", hosted.id, "whole/two.py", "whole/sub/two.py")
    assert (hosted.folder / "whole" / "sub" / "two.py").exists()
    typed("file", "rm", hosted.id, "whole/sub")
    (deleted,) = typed("file", "trash", hosted.id, "--json").json
    assert deleted["path"] == "whole/sub"
    assert "whole/sub" in typed("file", "trash", hosted.id).out
    assert typed("file", "restore", hosted.id, deleted["id"], "whole/back").code == 0
    assert (hosted.folder / "whole" / "back" / "two.py").exists()
    assert typed("file", "restore", hosted.id, deleted["id"]).code == 3
    typed("file", "rm", hosted.id, "whole/back")
    typed("file", "trash", hosted.id, "--empty")
    assert typed("file", "trash", hosted.id).out == "the trash is empty\n"
