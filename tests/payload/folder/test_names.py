"""Which names are shown and looked into."""

from __future__ import annotations

import pytest

from studio_tui.payload.folder.faults import Fault
from studio_tui.payload.folder.names import (
    OURS,
    SKIPPED,
    check_not_root,
    check_showable,
    holds_secrets,
    is_text,
)


@pytest.mark.parametrize("name", [".ssh", ".SSH", ".env", ".Env", ".env.local", ".aws", ".netrc"])
def test_names_of_secrets(name: str) -> None:
    assert holds_secrets(name)


@pytest.mark.parametrize("name", [".env.example", ".Env.Sample", ".envrc", "a.env", "ssh", "env"])
def test_names_of_no_secrets(name: str) -> None:
    assert not holds_secrets(name)


def test_a_name_of_other_bytes_than_utf8_is_no_text() -> None:
    assert is_text("日本")
    assert not is_text("\udcff")


@pytest.mark.parametrize("path", ["a\nb", "a\x1b[2J", "a\u202eb"])
def test_a_name_that_plays_tricks_is_refused(path: str) -> None:
    with pytest.raises(Fault, match="cannot be shown"):
        check_showable(path)


def test_nothing_is_done_to_the_folder_itself() -> None:
    with pytest.raises(Fault, match="own folder"):
        check_not_root("")
    check_not_root("a")


def test_what_is_ours_is_walked_by_nobody() -> None:
    assert OURS <= SKIPPED
