"""The relay in the foreground."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from relay_server.cli.given import state_dir
from tests.relay_server.cli.conftest import run, serving


def test_serve_prints_where_it_is_and_ends_on_sigterm() -> None:
    with serving() as (relay, line):
        found = re.fullmatch(r"relay at (ws://127\.0\.0\.1:\d+), key in (.+)\n", line)
        assert found
        assert Path(found[2]) == state_dir() / "key.pem"
        assert (state_dir() / "journal.db").exists()
        relay.send_signal(signal.SIGTERM)
        out, err = relay.communicate(timeout=20)
        assert (relay.returncode, out) == (0, "")
        assert err.endswith("info: relay closes, with 0 connections\n")


def test_a_taken_port_ends_with_1_and_two_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with serving("--store", "memory:") as (_, line):
        port = line.split(":")[2].split(",")[0]
        code, _, err = run(capsys, "serve", "--store", "memory:", "--port", port)
        assert code == 1
        assert re.fullmatch(r"error: cannot listen on .+ in use\nhint: .+\n", err)
