"""The keys that a person can log in with: the agent's, those in files, locked ones last."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import TYPE_CHECKING

import asyncssh

if TYPE_CHECKING:
    from pathlib import Path

    from studio_tui.machines.ssh_options import Route

ATTEMPTS = 3  # as many as ssh has

Ask = Callable[[str], Awaitable[str | None]]
"""Asks a person for a secret; None when nobody answers."""


class KeyRing:
    """Private keys read from files. Passphrases are asked for when a host wants that very key.

    An unlocked key is kept in memory, so that a connection which comes back asks nobody again;
    the passphrase is not.
    """

    def __init__(self) -> None:
        self._unlocked: dict[Path, asyncssh.SSHKey] = {}

    def load(
        self, route: Route, held: list[asyncssh.SSHKeyPair], ask: Ask
    ) -> list[asyncssh.SSHKeyPair]:
        """The keys to offer, in ssh's order but for those with a passphrase, which come last.

        Args:
            held: those of the agent. It is asked to sign with a key that it holds, even where
                there is a file, too.
        """
        configured = set(_public_halves(route.identities))
        named = [pair for pair in held if pair.key_public_data in configured]
        others = [pair for pair in held if pair.key_public_data not in configured]
        offered = named if route.identities_only else named + others
        in_agent = {pair.key_public_data for pair in offered}
        ready: list[asyncssh.SSHKeyPair] = []
        asked_for: list[asyncssh.SSHKeyPair] = []
        for file in route.identities:
            pairs = [p for p in self._read(file, route, ask) if p.key_public_data not in in_agent]
            (ready if file in self._unlocked or not _locked(file) else asked_for).extend(pairs)
        return offered + ready + asked_for

    def _read(self, file: Path, route: Route, ask: Ask) -> list[asyncssh.SSHKeyPair]:
        """The key of a file, with its certificate and without; none when it cannot be used."""
        try:
            if b"PRIVATE KEY" not in file.read_bytes():
                return []  # a public half: the agent has the rest
            pairs: Iterable[asyncssh.SSHKeyPair] = asyncssh.load_keypairs(
                [self._unlocked.get(file) or str(file)],
                passphrase=self._unlocker(file, ask),  # type: ignore[arg-type]
                certlist=[str(name) for name in route.certificates],
                loop=asyncio.get_running_loop(),
            )
            return list(pairs)
        except (OSError, ValueError):
            return []

    def _unlocker(self, file: Path, ask: Ask) -> Callable[[str], Awaitable[str | None]]:
        async def passphrase(_: str) -> str | None:
            for attempt in range(ATTEMPTS):
                again = "wrong; once more the " if attempt else ""
                given = await ask(f"{again}passphrase of the key {file}")
                if not given:
                    return None
                try:
                    # Deriving the key takes a good part of a second on purpose.
                    key = await asyncio.to_thread(asyncssh.read_private_key, file, given)
                except (OSError, ValueError):
                    continue
                self._unlocked[file] = key
                return given
            return None

        return passphrase


@contextlib.asynccontextmanager
async def agent_keys(path: str) -> AsyncIterator[list[asyncssh.SSHKeyPair]]:
    """The keys of the agent behind a socket, usable inside the block; none without an agent."""
    client = asyncssh.SSHAgentClient(path)
    try:
        try:
            keys = list(await client.get_keys()) if path else []
        except ValueError:  # nobody answers there: ssh goes on without, too
            keys = []
        yield keys
    finally:
        client.close()
        await client.wait_closed()


def _locked(file: Path) -> bool:
    """Whether a private key's file needs a passphrase."""
    try:
        asyncssh.read_private_key(file)
    except asyncssh.KeyImportError as problem:
        return "assphrase" in str(problem)
    except OSError:
        return False
    return False


def _public_halves(files: Iterable[Path]) -> Iterable[bytes]:
    """The public keys that belong to files of private ones, as an agent names its keys."""
    for file in files:
        for place in (file.with_name(file.name + ".pub"), file):
            with contextlib.suppress(OSError, ValueError):
                yield asyncssh.read_public_key(place).public_data
                break
