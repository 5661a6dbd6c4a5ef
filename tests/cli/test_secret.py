"""Secrets: their values come from stdin and are never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from studio_tui.settings import paths, secrets

if TYPE_CHECKING:
    from .conftest import Hosted, Typed

VALUE = "hf_abcdefgh12345678"


def test_kept_listed_and_forgotten(typed: Typed) -> None:
    assert typed("secret", "ls", "--json").json == []
    done = typed("secret", "set", "HF_TOKEN", input=f"{VALUE}\n".encode())
    assert (done.code, done.out, done.err) == (0, "", "kept HF_TOKEN\n")
    assert secrets.secret("HF_TOKEN") == VALUE
    assert (paths.config_folder() / "secrets.json").stat().st_mode & 0o077 == 0
    assert typed("secret", "ls").out == "HF_TOKEN\n"
    assert typed("secret", "ls", "--json").json == [{"name": "HF_TOKEN"}]
    assert typed("secret", "rm", "HF_TOKEN").err == "forgot HF_TOKEN\n"
    done = typed("secret", "rm", "HF_TOKEN")
    assert (done.code, done.error) == (3, "no secret 'HF_TOKEN' is kept")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("HF TOKEN", b"x", "'HF TOKEN' cannot be the name"),
        ("STUDIO_RELAY_TOKEN", b"x", "'STUDIO_RELAY_TOKEN' cannot be the name"),
        ("HF_TOKEN", b"\n", "HF_TOKEN has no value"),
        ("HF_TOKEN", b"a\0", "is too long, or holds NUL"),
        ("HF_TOKEN", b"x" * 70_000, "is too long, or holds NUL"),
    ],
)
def test_what_is_no_secret(name: str, value: bytes, message: str, typed: Typed) -> None:
    done = typed("secret", "set", name, input=value)
    assert done.code == 2
    assert message in done.error
    assert secrets.secret_names() == []


def test_a_job_and_exec_are_given_it_and_nobody_sees_it(hosted: Hosted, typed: Typed) -> None:
    typed("secret", "set", "HF_TOKEN", input=VALUE.encode())
    script = 'printf "%s " "$HF_TOKEN" $MY_KEY; test "$HF_TOKEN" = hf_abcdefgh"12345678"'
    words = ("--secret", "HF_TOKEN", "--env", "MY_KEY=sesame", "--", "sh", "-c", script)
    done = typed("exec", hosted.id, *words)
    assert (done.code, done.out) == (0, f"{'*' * len(VALUE)} ****** ")
    done = typed("job", "run", hosted.id, "--wait", *words)
    assert (done.code, done.out) == (0, f"{'*' * len(VALUE)} ****** ")
    typed("job", "rm", hosted.id, "sh")
    typed("secret", "rm", "HF_TOKEN")


def test_a_secret_that_nobody_has(hosted: Hosted, typed: Typed) -> None:
    done = typed("job", "run", hosted.id, "--secret", "NO_SUCH", "--", "true")
    assert (done.code, done.error) == (3, "no secret 'NO_SUCH'")
    assert done.hint == "on the host's computer, run: studio-tui secret set NO_SUCH"
    done = typed("exec", hosted.id, "--secret", "STUDIO_RELAY_TOKEN", "--", "true")
    assert (done.code, done.error) == (4, "STUDIO_RELAY_TOKEN is the studio's own")
