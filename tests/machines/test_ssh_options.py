"""What ssh's configuration says, read from what `ssh -G` prints and from the file itself."""

from __future__ import annotations

import getpass
from pathlib import Path

import pytest

from studio_tui.errors import UsageFault
from studio_tui.machines.ssh_options import (
    Destination,
    Route,
    arguments,
    hops,
    parse,
    resolve,
    route,
)
from tests.conftest import Require

PRINTED = """\
host box
user ann
hostname 10.0.0.7
port 2222
passwordauthentication no
kbdinteractiveauthentication yes
pubkeyauthentication true
stricthostkeychecking true
identitiesonly yes
identityfile {folder}/none
identityfile {folder}/%r-%h
identityfile {folder}/held
userknownhostsfile {folder}/known "{folder}/known too" {folder}/none
globalknownhostsfile none
ciphers aes128-ctr,aes256-ctr
proxycommand nc %h %p %% %n
"""


def resolved(text: str, env: dict[str, str] | None = None) -> Route:
    return route(Destination("box"), parse(text), env or {})


def test_everything_that_matters_is_read(tmp_path: Path) -> None:
    for name in ("ann-10.0.0.7", "held.pub", "known", "known too"):
        (tmp_path / name).touch()
    found = resolved(PRINTED.format(folder=tmp_path))
    assert (found.host, found.port, found.user) == ("10.0.0.7", 2222, "ann")
    assert found.label == "box (ann@10.0.0.7 port 2222)"
    assert found.identities == (tmp_path / "ann-10.0.0.7", tmp_path / "held.pub")
    assert found.known_hosts == (tmp_path / "known", tmp_path / "known too")
    assert found.proxy_command == "nc 10.0.0.7 2222 % box"
    assert found.methods == ("publickey", "keyboard-interactive")
    assert found.strict
    assert found.identities_only
    assert dict(found.algorithms) == {"ciphers": ("aes128-ctr", "aes256-ctr")}


def test_what_is_not_said_has_a_meaning() -> None:
    found = resolved("", {"SSH_AUTH_SOCK": "/run/agent"})
    assert (found.host, found.port, found.user) == ("box", 22, getpass.getuser())
    assert found.label == f"{found.user}@box"
    assert found.agent == "/run/agent"
    assert (found.jump, found.proxy_command, found.alias, found.strict) == ("", "", None, False)


@pytest.mark.parametrize(
    ("value", "agent"),
    [("none", ""), ("SSH_AUTH_SOCK", "/a"), ("$MINE", "/b"), ("${MINE}/c", "/b/c"), ("/d", "/d")],
)
def test_the_agents_socket(value: str, agent: str) -> None:
    env = {"SSH_AUTH_SOCK": "/a", "MINE": "/b"}
    assert resolved(f"identityagent {value}\n", env).agent == agent


def test_the_methods_keep_their_order() -> None:
    text = "preferredauthentications password,gssapi-with-mic,publickey\n"
    assert resolved(text).methods == ("password", "publickey")


def test_a_jump_wins_over_a_command() -> None:
    assert resolved("proxyjump a\nproxycommand nc\n").proxy_command == ""


@pytest.mark.parametrize(
    ("jump", "hop"),
    [
        ("", None),
        ("a", Destination("a")),
        ("ann@a:2222", Destination("a", 2222, "ann")),
        ("ssh://ann@a:2222", Destination("a", 2222, "ann")),
        ("[::1]:22", Destination("::1", 22)),
        ("a,bob@b", Destination("b", user="bob", jump="a")),
        ("a,b,c", Destination("c", jump="a,b")),
    ],
)
def test_the_hosts_on_the_way(jump: str, hop: Destination | None) -> None:
    assert hops(jump, None) == hop


def test_a_jump_that_is_none() -> None:
    with pytest.raises(UsageFault, match="'a b/c'"):
        hops("a b/c", None)


def test_what_a_person_says_wins() -> None:
    said = Destination("box", 2200, "bob", "/key", "/known hosts", "/config", "way")
    assert arguments(said) == [
        "-F", "/config", "-p", "2200", "-l", "bob", "-i", "/key", "-J", "way",
    ]  # fmt: skip


@pytest.mark.parametrize("program", ["ssh", None])
async def test_both_readers_agree(program: str | None, require: Require, tmp_path: Path) -> None:
    if program:
        require(program)
    for name in ("id", "given", "known", "known too"):
        (tmp_path / name).touch()
    config = tmp_path / "config"
    config.write_text(
        f"Host box\n  HostName 10.0.0.7\n  User ann\n  IdentityFile {tmp_path}/id\n"
        "  IdentitiesOnly yes\n  PasswordAuthentication no\n  HostKeyAlias alias\n"
        "  IdentityAgent none\n  GlobalKnownHostsFile /none\n"
    )
    found = await resolve(
        Destination(
            "box", 2222, None, f"{tmp_path}/given", f"{tmp_path}/known too", str(config), "way"
        ),
        program=program,
    )
    assert (found.host, found.port, found.user) == ("10.0.0.7", 2222, "ann")
    assert found.identities == (tmp_path / "given", tmp_path / "id")
    assert found.known_hosts == (tmp_path / "known too",)
    assert (found.jump, found.alias, found.agent) == ("way", "alias", "")
    assert found.identities_only
    assert "password" not in found.methods


@pytest.mark.parametrize("program", ["ssh", None])
async def test_a_configuration_with_a_fault(
    program: str | None, require: Require, tmp_path: Path
) -> None:
    if program:
        require(program)
    config = tmp_path / "config"
    config.write_text("Host box\n  Port many\n")
    with pytest.raises(UsageFault, match="config"):
        await resolve(Destination("box", config=str(config)), program=program)


async def test_a_host_that_looks_like_an_option(require: Require, tmp_path: Path) -> None:
    require("ssh")
    config = tmp_path / "config"
    config.write_text("")
    with pytest.raises(UsageFault):
        await resolve(Destination(f"-oProxyCommand=touch {tmp_path}/x", config=str(config)))
    assert not (tmp_path / "x").exists()
