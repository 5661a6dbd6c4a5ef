from __future__ import annotations

import pytest

from studio_tui.data.source import Going, Stopped, parse
from studio_tui.errors import UsageFault


@pytest.mark.parametrize(
    "url", ["s3://b/k", "s3://", "my-lake://b//k", "s3://b/ä ö?x#y%20", "s3://b/../k"]
)
def test_an_address_is_taken_as_it_stands(url: str) -> None:
    assert str(parse(url)) == url


@pytest.mark.parametrize("url", ["", "b/k", "://b", "s3:/b", "a b://c", "s3://a\0b", "/tmp/x"])
def test_what_is_no_address_is_said(url: str) -> None:
    with pytest.raises(UsageFault):
        parse(url)


def test_a_copy_that_is_called_off_stops_at_its_next_step() -> None:
    seen: list[int] = []
    going = Going()
    going.on_progress = lambda: seen.append(going.done)
    going.step(3)
    going.stop = True
    with pytest.raises(Stopped):
        going.step(4)
    assert seen == [3, 7]
