"""Both ends of a copy; test_spec.py has what is wrong with them, and where."""

from __future__ import annotations

import pytest

from studio_tui.pipelines.transfer import Transfer, read_transfer
from studio_tui.pipelines.values import Wrong


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        ("s3://b/d/a.csv", "a.csv", Transfer("s3://b/d/a.csv", "a.csv", False)),
        ("s3://b/d/a.csv", "raw/", Transfer("s3://b/d/a.csv", "raw/a.csv", False)),
        ("s3://b/d/", "raw/", Transfer("s3://b/d/", "raw", False)),
        ("s3://b/", "raw", Transfer("s3://b/", "raw", False)),
        ("model.ckpt", "lake://b/m", Transfer("lake://b/m", "model.ckpt", True)),
        ("out/m.ckpt", "lake://b/m/", Transfer("lake://b/m/m.ckpt", "out/m.ckpt", True)),
        ("out/", "lake://b/m/", Transfer("lake://b/m/", "out", True)),
    ],
)
def test_an_end_that_is_a_folder_takes_the_name_of_the_file(
    start: str, end: str, found: Transfer
) -> None:
    assert read_transfer("a", {"from": start, "to": end}) == found


def test_the_key_of_the_url_is_told() -> None:
    assert Transfer("s3://b/k", "k", True).key == "to"
    assert Transfer("s3://b/k", "k", False).key == "from"
    with pytest.raises(Wrong) as raised:
        read_transfer("a", {"from": "x", "to": "s3://"})
    assert raised.value.key == "to"
