"""The log has no token in it, whatever is logged, and no control characters."""

from __future__ import annotations

import io
import json
import logging

import pytest

from relay_server.keys import Keys
from relay_server.logs import log_to, redacted

TOKEN = Keys.load(None).mint(room="calm-otter", role="editor")
CODE = "q3ZkY1b0T2a9c51b0de-_x"


@pytest.mark.parametrize(
    "text",
    [
        TOKEN,
        f"GET /room?token={TOKEN} HTTP/1.1",
        f"< Authorization: Bearer {TOKEN}",
        f"{TOKEN[:-40]}",
        f"Token(token='{TOKEN}', client='1')",
        f"invite:{CODE} was refused",
        f"wss://relay.example/calm-otter#{CODE}",
        f"/room?token={CODE}&x=1",
    ],
)
def test_secrets_are_cut_out(text: str) -> None:
    clean = redacted(text)
    assert "[secret]" in clean
    assert not [secret for secret in (TOKEN.split(".")[1], CODE) if secret in clean]


def test_the_rest_stays() -> None:
    text = "room calm-otter: 3 stored updates set aside (see #12)"
    assert redacted(text) == text


@pytest.mark.parametrize("json_lines", [True, False])
def test_records_are_lines(json_lines: bool) -> None:
    out = io.StringIO()
    log_to(out, "info", json_lines)
    logging.getLogger("relay_server.x").info("room %s: %s", "a\nb\x1b[31m", TOKEN)
    logging.getLogger("relay_server.x").debug("not told")
    (line,) = out.getvalue().splitlines()
    assert "\x1b" not in line
    assert TOKEN not in line
    if json_lines:
        told = json.loads(line)
        assert (told["level"], told["logger"]) == ("info", "relay_server.x")
        assert told["message"] == "room a\nb\x1b[31m: [secret]"
    else:
        assert line.endswith(r"info: room a\nb\x1b[31m: [secret]")


@pytest.mark.parametrize("json_lines", [True, False])
def test_a_trace_is_told_without_secrets(json_lines: bool) -> None:
    out = io.StringIO()
    log_to(out, "info", json_lines)
    try:
        raise ValueError(TOKEN)
    except ValueError:
        logging.getLogger("x").exception("it broke")
    assert "ValueError: [secret]" in out.getvalue()
    assert TOKEN not in out.getvalue()
