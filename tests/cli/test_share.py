"""Sharing a studio, and joining it by what that printed."""

from __future__ import annotations

import asyncio
import os
import re
import time
from typing import TYPE_CHECKING

import pytest

from relay_server.serve import serve
from relay_server.settings import RelaySettings
from studio_tui.settings import secrets, studios
from studio_tui.sync.link import Endpoint
from studio_tui.sync.session import Session

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from .conftest import Hosted, Typed

ON_THIS_MACHINE = "the invite works here alone"


def code(invite: str) -> str:
    return invite.partition("#")[2]


@pytest.fixture
def guest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From when it is called, commands are typed by somebody else, who knows no studio."""

    def leave() -> None:
        monkeypatch.setenv("STUDIO_HOME", str(tmp_path / "guest"))

    return leave


def test_an_invite_for_people_and_for_programs(hosted: Hosted, typed: Typed) -> None:
    done = typed("share", hosted.id)
    assert done.code == 0
    assert re.fullmatch(rf"ws://127\.0\.0\.1:\d+/{hosted.id}#[\w-]+\n", done.out)
    assert ON_THIS_MACHINE in done.err
    assert "as viewer" in done.err
    assert code(done.out.strip()) not in done.err

    words = ("--role", "editor", "--expires", "30m", "--name", "bob", "--json")
    done = typed("share", hosted.id, *words)
    made = done.json
    assert list(made) == ["invite", "role", "expires", "id"]
    assert made["role"] == "editor"
    assert 1700 < made["expires"] - time.time() <= 1801
    assert ON_THIS_MACHINE in done.err
    assert made["id"] not in done.err

    listed = {item["id"]: item for item in typed("share", hosted.id, "--list", "--json").json}
    assert {"role": "editor", "name": "bob", "state": "open"}.items() <= listed[made["id"]].items()
    shown = typed("share", hosted.id, "--list").out
    assert made["id"] in shown
    assert code(made["invite"]) not in shown


async def test_an_invite_to_a_teams_relay_works_elsewhere(
    tmp_path: Path, studio_home: Path, typed: Typed
) -> None:
    settings = RelaySettings(port=0, public_url="wss://relay.example")
    async with serve(settings) as relay:
        token = relay.keys.mint(room="calm-otter", role="owner")
        secrets.save_token(relay.url, token)
        async with Session(found(relay.url, token), "host", "host") as host:
            (await host.join("calm-otter")).show({"host": "calm-otter"})
            done = await asyncio.to_thread(typed, "share", "calm-otter")
    assert done.code == 0
    assert done.out.startswith("wss://relay.example/calm-otter#")
    assert ON_THIS_MACHINE not in done.err


def found(url: str, token: str) -> Callable[[], Awaitable[Endpoint]]:
    async def locate() -> Endpoint:
        return Endpoint(url, token)

    return locate


@pytest.mark.parametrize("named", [True, False])
def test_an_invite_is_revoked_with_or_without_the_studio(
    named: bool, hosted: Hosted, typed: Typed
) -> None:
    made = typed("share", hosted.id, "--json").json
    studio = [hosted.id] if named else []
    done = typed("share", *studio, "--revoke", made["id"])
    assert (done.code, done.out, done.err) == (0, f"revoked {made['id']}\n", "")
    listed = typed("share", hosted.id, "--list", "--json").json
    assert [item["state"] for item in listed if item["id"] == made["id"]] == ["revoked"]
    done = typed("share", *studio, "--revoke", "0" * 12)
    assert done.code == 3
    assert "no" in done.error
    done = typed("attach", made["invite"])
    assert (done.code, done.error) == (4, "the invite was revoked")


def test_an_invite_lets_in_once_and_the_id_from_then_on(
    hosted: Hosted, typed: Typed, guest: Callable[[], None]
) -> None:
    made = typed("share", hosted.id, "--role", "editor", "--json").json
    url = studios.find(hosted.id).url
    guest()
    assert typed("status", hosted.id).code == 3
    done = typed("attach", made["invite"])  # there is no terminal here, but the token is kept
    assert done.code == 1
    assert done.hint.startswith(f"for scripts: studio-tui status {hosted.id}")
    (listed,) = typed("ls", "--json").json
    assert (listed["id"], listed["state"], listed["role"]) == (hosted.id, "joined", None)
    assert typed("status", hosted.id, "--json").json["id"] == hosted.id
    (listed,) = typed("ls", "--json").json
    assert (listed["name"], listed["relay"], listed["role"]) == ("work", url, "editor")
    token = secrets.kept_tokens(hosted.id)[url]
    done = typed("attach", made["invite"])
    assert (done.code, done.out) == (4, "")
    assert done.error == "the invite was used already"
    assert done.hint == f"you were let in before: studio-tui attach {hosted.id}"
    assert code(made["invite"]) not in done.err
    assert token not in done.err
    done = typed("share", hosted.id)
    assert done.code == 4
    assert done.hint


def test_an_invite_that_is_unknown_is_refused(hosted: Hosted, typed: Typed) -> None:
    url = studios.find(hosted.id).url
    done = typed("attach", f"{url}/{hosted.id}#not-a-code")
    assert (done.code, done.out) == (4, "")
    assert done.error == "the invite is not valid here"
    assert "ask" in done.hint
    assert "not-a-code" not in done.err


@pytest.mark.parametrize("words", [("attach",), ("stop",), ("status",), ("open", "--detach")])
def test_a_damaged_or_misplaced_invite_is_never_repeated(
    words: tuple[str, ...], studio_home: Path, typed: Typed
) -> None:
    done = typed(*words, "ws://127.0.0.1:9/calm-otter/#not-a-code")
    assert done.code in (2, 3)
    assert "not-a-code" not in done.err


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--list",),
        ("calm-otter", "--role", "host"),
        ("calm-otter", "--expires", "soon"),
        ("calm-otter", "--expires", "0h"),
        ("calm-otter", "--list", "--revoke", "abc"),
    ],
)
def test_words_that_make_no_sense(words: tuple[str, ...], typed: Typed) -> None:
    done = typed("share", *words)
    assert (done.code, done.out) == (2, "")
    assert done.error


def test_neither_code_nor_token_is_in_what_the_studio_keeps(
    hosted: Hosted, typed: Typed, guest: Callable[[], None]
) -> None:
    made = typed("share", hosted.id, "--json").json
    url = studios.find(hosted.id).url
    guest()
    typed("attach", made["invite"])
    token = secrets.kept_tokens(hosted.id)[url]
    for folder, _, names in os.walk(hosted.home):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    data = file.read()
                assert code(made["invite"]).encode() not in data, path
                assert token.encode() not in data, path
