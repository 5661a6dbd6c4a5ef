"""Keeping a relay's token: from stdin, never from the command line."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from studio_tui.settings import paths, pins, secrets, studios

if TYPE_CHECKING:
    from .conftest import Hosted, Typed


def test_a_token_from_stdin(typed: Typed) -> None:
    done = typed("login", "WSS://LocalHost:443/", input=b" abc.def \nnot this\n")
    assert (done.code, done.out) == (0, "")
    assert done.err.startswith("kept the token for wss://localhost; it could not be checked: ")
    assert secrets.token_for("wss://localhost") == "abc.def"
    assert (paths.config_folder() / "secrets.json").stat().st_mode & 0o077 == 0


def test_a_token_that_the_relay_does_not_take_is_not_kept(typed: Typed, hosted: Hosted) -> None:
    record = studios.find(hosted.id)
    good = record.token()
    assert good is not None
    done = typed("login", record.url, input=f"{good}\n".encode())
    assert (done.code, done.err) == (0, f"kept the token for {record.url}\n")
    done = typed("login", record.url, input=b"wrongtoken\n")
    assert done.code == 4
    assert done.error == f"{record.url} does not take the token: the token is not valid here"
    assert secrets.token_for(record.url) == good


def test_a_certificate_comes_with_the_token(typed: Typed, certificate: tuple[Path, Path]) -> None:
    done = typed("login", "wss://localhost", "--ca", str(certificate[0]), input=b"abc.def\n")
    assert done.code == 0
    assert pins.trust("wss://localhost") is not None
    done = typed("login", "wss://127.0.0.1:9", "--ca", str(certificate[1]), input=b"abc.def\n")
    assert done.code == 2
    assert done.error.startswith("no certificate in")
    assert secrets.token_for("wss://127.0.0.1:9") is None


@pytest.mark.parametrize("given", [b"", b"\n", b"two words\n", "é\n".encode(), b"a\x1b[2J\n"])
def test_what_is_no_token(given: bytes, typed: Typed) -> None:
    done = typed("login", "wss://localhost", input=given)
    assert done.code == 2
    assert done.error in ("the token is missing", "the token is not one")
    assert secrets.token_for("wss://localhost") is None


@pytest.mark.parametrize("relay", ["box", "https://box", "wss://"])
def test_what_is_no_relay_is_told_before_the_token_is_read(relay: str, typed: Typed) -> None:
    done = typed("login", relay)
    assert done.code == 2
    assert done.error == f"not a relay's URL: {relay!r}"


def test_a_person_is_asked_and_what_is_typed_is_not_shown() -> None:
    ours, theirs = pty.openpty()
    try:
        asking = subprocess.Popen(
            [sys.executable, "-m", "studio_tui", "login", "wss://localhost"],
            stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, start_new_session=True,
        )  # fmt: skip
        seen = b""
        while b"token" not in seen:
            seen += os.read(ours, 1000)
        os.write(ours, b"secret-token\n")
        out, _ = asking.communicate(timeout=20)
        while b"kept" not in seen:
            seen += os.read(ours, 1000)
    finally:
        os.close(ours)
        os.close(theirs)
    assert (asking.returncode, out) == (0, b"")
    assert b"secret-token" not in seen
    assert secrets.token_for("wss://localhost") == "secret-token"


def test_an_invites_relay_is_pinned_and_a_studios_is_not(
    typed: Typed, certificate: tuple[Path, Path]
) -> None:
    done = typed("attach", "calm-otter", "--ca", str(certificate[0]))
    assert done.code == 2
    assert done.error == "--ca goes with an invite"
    done = typed("attach", "wss://127.0.0.1:9/calm-otter#code", "--ca", str(certificate[0]))
    assert done.code == 3
    assert pins.trust("wss://127.0.0.1:9") is not None
