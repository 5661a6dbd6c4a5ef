"""Messages and chunks between the studio and a folder."""

from __future__ import annotations

import zlib

import pytest

from studio_tui.payload.carry import frames


def test_a_message_comes_back_whatever_its_names() -> None:
    message = {"do": "x", "rows": [["f", "a\nb \udcff é", 1 << 62, None]]}
    data = frames.encode(message)
    (length,) = frames.LENGTH.unpack(data[: frames.LENGTH.size])
    assert length == len(data) - frames.LENGTH.size
    assert frames.decode(data[frames.LENGTH.size :]) == message


@pytest.mark.parametrize("body", [b"", b"{}", zlib.compress(b"not json")])
def test_what_is_no_message(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the words are zlib's and json's
        frames.decode(body)
