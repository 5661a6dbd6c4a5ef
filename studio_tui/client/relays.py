"""The relays of this user: which one the settings name, which have a token, which answer."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from studio_tui.settings import load, pins, secrets
from studio_tui.sync.exchange import check
from studio_tui.sync.link import LOOPBACK, Endpoint

ANSWER_SECONDS = 3.0
ANY_ROOM = "login"
"""What a token that is good for all rooms is checked with."""


@dataclass(frozen=True)
class Choice:
    """The relay that the settings name, None for none, and where that setting comes from."""

    url: str | None
    origin: str

    @property
    def brought(self) -> bool:
        """Whether the current folder named it: a cloned repository may bring a `studio.toml`."""
        return self.url is not None and Path(self.origin).name == load.PROJECT_FILE


def choose(flag: str | None = None) -> Choice:
    """The relay in force for a studio that is started now.

    Args:
        flag: what the command line or the caller gave; None for nothing.

    Raises:
        UsageFault: it is not a relay's URL.
    """
    loaded = load.load({"relay": flag})
    url = loaded.settings.relay
    if url is not None:
        secrets.relay_key(url)  # only looks whether it is one
    return Choice(url, loaded.origins["relay"])


def tokens(studio: str | None = None) -> dict[str, str]:
    """URL to token of every relay that this user can ask, the configured one first.

    A relay that only `./studio.toml` names is not among them, unless the user logged in to it: no
    folder decides who is sent a token.

    Args:
        studio: where it is asked for: a relay that has it invited this user to comes before all,
            with the invite's token.
    """
    choice = choose()
    found = {} if studio is None else secrets.kept_tokens(studio)
    if choice.url and not choice.brought and (token := secrets.token_for(choice.url)):
        found.setdefault(secrets.relay_key(choice.url), token)
    return found | {u: t for u, t in secrets.kept_tokens().items() if u not in found}


async def check_token(url: str, token: str) -> None:
    """Ask the relay at `url` whether it takes `token`; nothing is joined by it.

    Raises:
        NotFound: it cannot be reached, or did not answer.
        Refused: it does not take it.
        StudioError: what answers is no relay.
    """
    room = secrets.room_of(token)
    await check(Endpoint(url, token, pins.trust(url)), ANY_ROOM if room in ("", "*") else room)


def answers(url: str, timeout: float = ANSWER_SECONDS) -> bool:
    """Whether something listens where the relay should, within `timeout` seconds."""
    try:
        socket.create_connection(address(url), timeout).close()
    except OSError:
        return False
    return True


def speaks(url: str, timeout: float = ANSWER_SECONDS) -> bool:
    """Whether the relay without TLS at `url` says something within `timeout` seconds."""
    try:
        with socket.create_connection(address(url), timeout) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: relay\r\n\r\n")
            return bool(connection.recv(1))
    except OSError:
        return False


def on_this_machine(url: str) -> bool:
    """Whether the relay at `url` can be reached from this machine alone."""
    return address(url)[0] in LOOPBACK


def address(url: str) -> tuple[str, int]:
    """Host and port of a relay's URL."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "wss" else 80)
