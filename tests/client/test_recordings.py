"""Recordings as they come from a host, which may be of another version, or none at all."""

from __future__ import annotations

import base64
from typing import Any, cast

import pytest

from studio_tui.client.recordings import RecordingInfo, Recordings
from studio_tui.client.studio import Studio
from studio_tui.errors import StudioError

LISTED = {
    "id": "t-1", "terminal": "t", "title": "bash", "started": 1, "ended": 2, "bytes": 3,
    "live": True,
}  # fmt: skip


class Answering:
    """A studio whose host says this."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, Any]] = []

    async def query(self, method: str, **params: Any) -> dict[str, Any]:
        self.asked.append(params)
        return self.answers.pop(0)


def recordings(host: Answering) -> Recordings:
    return Recordings(cast("Studio", host))


def piece(data: bytes, size: int) -> dict[str, Any]:
    return {"data": base64.b64encode(data).decode(), "size": size}


async def test_what_is_listed() -> None:
    found = await recordings(Answering({"recordings": [LISTED]})).list()
    assert found == [RecordingInfo("t-1", "t", "bash", 1, 2, 3, True)]


@pytest.mark.parametrize(
    "answer",
    [{}, {"recordings": 3}, {"recordings": [3]}, {"recordings": [{**LISTED, "bytes": -1}]}],
)
async def test_an_answer_that_makes_no_sense_is_an_error(answer: dict[str, Any]) -> None:
    with pytest.raises(StudioError, match="makes no sense"):
        await recordings(Answering(answer)).list()


async def test_of_one_that_grows_there_is_what_there_was() -> None:
    host = Answering(piece(b"abc", 5), piece(b"defgh", 900))
    assert await recordings(host).read("t-1") == b"abcde"
    assert [params["offset"] for params in host.asked] == [0, 3]


async def test_a_host_that_has_no_more_than_it_said_ends_it() -> None:
    assert await recordings(Answering(piece(b"abc", 9), piece(b"", 9))).read("t-1") == b"abc"
    assert await recordings(Answering(piece(b"", 0))).read("t-1") == b""
