"""Who may come in, by the command line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from relay_server.cli.given import state_dir
from relay_server.keys import Keys
from tests.relay_server.cli.conftest import run


def test_a_token_is_one_line_for_the_same_key(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(
        capsys, "token", "calm-otter", "--role", "editor", "--name", "Ann", "--expires", "2h"
    )
    assert code == 0
    assert err.startswith("revoke it with: ")
    grant = Keys.load(state_dir() / "key.pem").verify(out.strip())
    assert (grant.room, grant.role, grant.name) == ("calm-otter", "editor", "Ann")


def test_an_invite_is_printed_alone_and_listed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    key = ["--key", str(tmp_path / "key.pem")]
    wss = ["--relay", "wss://relay.example.com/"]
    code, out, err = run(
        capsys, "invite", "calm-otter", "--role", "viewer", "--name", "Bob", *wss, *key
    )
    assert code == 0
    found = re.fullmatch(r"wss://relay\.example\.com/calm-otter#([\w-]{22})\n", out)
    assert found
    assert found[1] not in err
    code, out, _ = run(capsys, "invites", *key)
    (told,) = json.loads(out)
    assert (told["studio"], told["role"], told["name"]) == ("calm-otter", "viewer", "Bob")
    assert (told["state"], told["by"]) == ("open", "studio-relay")
    assert err == f"revoke it with: studio-relay revoke {told['id']}\n"
    assert found[1] not in out
    assert json.loads(run(capsys, "invites", "other", *key)[1]) == []


@pytest.mark.parametrize("command", [["revoke"], ["invite", "--revoke"]])
def test_an_invite_is_revoked(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, command: list[str]
) -> None:
    key = ["--key", str(tmp_path / "key.pem")]
    run(capsys, "invite", "r", "--role", "editor", *key)
    (told,) = json.loads(run(capsys, "invites", *key)[1])
    assert run(capsys, "role", told["id"], "viewer", *key)[0] == 0
    assert json.loads(run(capsys, "invites", *key)[1])[0]["role"] == "viewer"
    assert run(capsys, *command, told["id"], *key)[:2] == (0, f"revoked {told['id']}\n")
    assert json.loads(run(capsys, "invites", *key)[1])[0]["state"] == "revoked"


def test_a_token_says_how_to_revoke_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    key = ["--key", str(tmp_path / "key.pem")]
    _, token, err = run(capsys, "token", "r", "--role", "editor", *key)
    keys = Keys.load(tmp_path / "key.pem")
    assert err.split()[-1] == keys.verify(token.strip()).jti
    assert run(capsys, "revoke", err.split()[-1], *key)[0] == 0
    assert keys.refresh()
    assert keys.revoked(err.split()[-1])


@pytest.mark.parametrize(
    "arguments",
    [
        ["invite"],
        ["invite", "r"],
        ["invite", "r", "--role", "root"],
        ["invite", "r", "--role", "editor", "--expires", "0s"],
        ["invite", "r", "--role", "editor", "--relay", "https://x"],
        ["revoke", "no such id"],
        ["role", "abc", "root"],
        ["serve", "--public-url", "https://x"],
        ["serve", "--log-level", "loud"],
        ["serve", "--port", "0", "--store", "memory:", "--audit", "/no/such/folder/a"],
    ],
)
def test_what_makes_no_sense_is_told(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert re.fullmatch(r"error: .+\nhint: .+\n", err)
