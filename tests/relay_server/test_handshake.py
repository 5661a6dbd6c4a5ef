"""What a request says, and what a plain one is answered."""

from __future__ import annotations

import pytest
from websockets.datastructures import Headers
from websockets.http11 import Request

from relay_server.handshake import page, read
from relay_server.health import Answer


def request(path: str, **headers: str) -> Request:
    return Request(path, Headers(**headers))


def test_a_room_and_its_token() -> None:
    asked = read(request("/calm%20otter/file/1?token=abc", Upgrade="websocket", Host="r.example"))
    assert (asked.room, asked.token, asked.upgrade) == ("calm otter/file/1", "abc", True)
    assert asked.host == "r.example"


def test_a_token_in_a_header_is_the_second_choice() -> None:
    assert read(request("/r", Authorization="Bearer abc")).token == "abc"
    assert read(request("/r?token=x", Authorization="Bearer abc")).token == "x"
    assert read(request("/r", Authorization="Basic abc")).token == ""


@pytest.mark.parametrize("host", ["", "a b", "r.example/evil", "r.example:123456", "x" * 300])
def test_what_is_no_host_is_none(host: str) -> None:
    assert read(request("/", Host=host)).host == ""


def test_of_two_hosts_none_is_believed() -> None:
    headers = Headers()
    headers["Host"] = "one.example"
    headers["Host"] = "two.example"
    assert read(Request("/", headers)).host == ""


def test_a_page() -> None:
    told = page(Answer(503, "text/plain", "caf\u00e9\n"))
    assert (told.status_code, told.body) == (503, "caf\u00e9\n".encode())
    assert told.headers["Content-Length"] == "6"
    assert page(None).status_code == 404
