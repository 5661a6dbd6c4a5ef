"""Which keys are offered, and in which order."""

from __future__ import annotations

from pathlib import Path

import asyncssh
import pytest

from studio_tui.machines.ssh_keys import KeyRing, agent_keys
from studio_tui.machines.ssh_options import Route
from tests.machines.sshd import new_key


async def nobody(prompt: str) -> None:
    raise AssertionError(f"asked: {prompt}")


def way(*files: Path, only: bool = False) -> Route:
    return Route("box", "box", 22, "ann", identities=files, identities_only=only)


async def offered(route: Route, *held: asyncssh.SSHKey) -> list[bytes]:
    pairs = asyncssh.load_keypairs(list(held)) if held else []
    return [pair.key_public_data for pair in KeyRing().load(route, list(pairs), nobody)]


async def test_the_agents_come_first_and_locked_ones_last(tmp_path: Path) -> None:
    locked = new_key(tmp_path / "locked", passphrase="secret")
    one, two = new_key(tmp_path / "one"), new_key(tmp_path / "two")
    held, other = new_key(tmp_path / "held"), new_key(tmp_path / "other")
    route = way(*(tmp_path / name for name in ("locked", "one", "held", "two")))
    wanted = [held, other, one, two, locked]
    assert await offered(route, other, held) == [key.public_data for key in wanted]


async def test_identities_only_offers_no_others(tmp_path: Path) -> None:
    held, other = new_key(tmp_path / "held"), new_key(tmp_path / "other")
    (tmp_path / "held").unlink()
    route = way(tmp_path / "held.pub", only=True)
    assert await offered(route, other, held) == [held.public_data]


@pytest.mark.parametrize("content", ["", "nonsense", "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n"])
async def test_a_file_that_is_no_key_hides_no_other(tmp_path: Path, content: str) -> None:
    (tmp_path / "bad").write_text(content)
    good = new_key(tmp_path / "good")
    assert await offered(way(tmp_path / "bad", tmp_path / "good")) == [good.public_data]


async def test_without_an_agent_there_are_no_keys_of_one(tmp_path: Path) -> None:
    for path in ("", str(tmp_path / "none")):
        async with agent_keys(path) as keys:
            assert keys == []
