from __future__ import annotations

import socket
from typing import Any

import pytest

from studio_tui.data import courier
from studio_tui.data.courier import Courier, Failed
from studio_tui.data.source import Going, Stopped
from studio_tui.errors import StudioError


def nothing() -> None: ...


def test_it_tells_what_the_connector_raised_and_goes_on() -> None:
    one = Courier({"account": "", "user": "ana", "password": "correct-horse"})
    for _ in range(2):
        with pytest.raises(Failed) as said:
            one.run("SELECT 1", nothing)
        assert (said.value.kind, said.value.errno) == ("ProgrammingError", 251001)
        assert "horse" not in said.value.raw_msg
    assert one.alive()
    one.end()
    assert not one.alive()


def test_it_runs_statements(snow_account: dict[str, Any]) -> None:
    one = Courier({**snow_account, "user": "ana", "password": "x"})
    assert one.run("SELECT 1 AS one, NULL AS none", nothing) == [{"one": 1, "none": None}]
    one._process.kill()
    with pytest.raises(StudioError, match="broke off"):
        one.run("SELECT 1", nothing)


def test_it_is_ended_in_the_middle() -> None:
    going = Going(stop=True)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        host, port = deaf.getsockname()
        place = {"account": "a", "host": host, "port": port, "protocol": "http"}
        one = Courier({**place, "user": "ana", "password": "x"})
        with pytest.raises(Stopped):
            one.run("SELECT 1", going.check)
        assert not one.alive()


def test_it_goes_when_nobody_is_left_to_ask() -> None:
    one = Courier({})
    assert one._process.stdin is not None
    one._process.stdin.close()
    assert one._process.wait(20) == 0
    one.end()


def test_the_process_is_the_module_itself() -> None:
    assert courier.main.__module__ == "studio_tui.data.courier"
