from __future__ import annotations

import pytest

from studio_tui.data.source import Entry
from studio_tui.data.unity import files_api, is_other, moment_of, value_of, volume_path
from studio_tui.errors import UsageFault


def test_values_by_their_type() -> None:
    assert [value_of("1", kind) for kind in ("int", "double", "string")] == [1, 1.0, "1"]
    assert (value_of("true", "boolean"), value_of(None, "int")) == (True, None)


@pytest.mark.parametrize("path", ["", "c/s/v", "c/s/v/", "c//v/f", "c/s/v/../f"])
def test_what_is_no_file_of_a_volume_is_said(path: str) -> None:
    with pytest.raises(UsageFault):
        volume_path(path)


def test_a_name_is_quoted_on_its_way() -> None:
    assert files_api("c/s/v/ä b?#") == "/api/2.0/fs/files/Volumes/c/s/v/%C3%A4%20b%3F%23"


def test_dates_of_headers() -> None:
    assert moment_of("Thu, 01 Jan 1970 00:00:10 GMT") == 10.0
    assert (moment_of(None), moment_of("nonsense")) == (None, None)
    known = Entry("c/s/v/f", "f", "file", tag="then")
    assert (is_other(known, "now"), is_other(known, "then"), is_other(known, None)) == (
        True, False, False,
    )  # fmt: skip
