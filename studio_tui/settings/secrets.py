"""Tokens and secrets: from the environment, the keyring, or a file only this user can read.

A secret never enters a command line, a log or a document: see `jobs.mask` for what a job prints.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from studio_tui.errors import NotFound, Refused, StudioError, UsageFault
from studio_tui.settings import paths
from studio_tui.settings.private import read_json, readable_by_others, write_json

TOKEN_VARIABLE = "STUDIO_RELAY_TOKEN"
KEYRING_SERVICE = "studio-tui"
SHORTEST_MASKED = 4
"""Shorter values are not masked: they would blank out ordinary text."""

_SECRET_NAME = re.compile(
    r"(^|_)(TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|AUTH|KEY|APIKEY|PAT|DSN)(_|$)",
    re.IGNORECASE,
)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DEFAULT_PORTS = {"ws": 80, "wss": 443}


def save_token(relay: str, token: str, studio: str | None = None) -> None:
    """Keep `token` for the relay at this URL, or for one studio there, in place of an earlier one.

    Args:
        relay: the relay's URL.
        token: what opens it.
        studio: the one studio that it is for; None for whatever the relay has.
    """
    _save(_kind(studio), _key(relay, studio), token)


def room_of(token: str) -> str:
    """The room that a relay's token names, "*" for all; empty when it cannot be read.

    Only the relay can tell whether the token is good.
    """
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return str(claims["room"])
    except (IndexError, ValueError, KeyError, TypeError, binascii.Error):
        return ""


def token_for(relay: str, studio: str | None = None) -> str | None:
    """Return the token for the relay at this URL; None when there is none.

    One that is kept for the studio itself comes first: an invite to it was accepted. Then
    `$STUDIO_RELAY_TOKEN`; where `$STUDIO_RELAY` is set too, it is given to that relay alone.
    """
    if studio and (own := _read(_kind(studio)).get(_key(relay, studio))):
        return own
    token = os.environ.get(TOKEN_VARIABLE)
    meant_for = os.environ.get("STUDIO_RELAY")
    if token and (not meant_for or relay_key(meant_for) == relay_key(relay)):
        return token
    return _read("tokens").get(relay_key(relay))


def kept_tokens(studio: str | None = None) -> dict[str, str]:
    """Return the relays that a token is kept for, each with its token; URLs as `relay_key` has.

    Args:
        studio: only those for this one studio; None for those that are for a whole relay.
    """
    kept = _read(_kind(studio))
    if studio is None:
        return kept
    pairs = ((*key.rpartition(" ")[::2], token) for key, token in kept.items())
    return {relay: token for relay, meant, token in pairs if meant == studio}


def forget_token(relay: str, studio: str | None = None) -> None:
    """Forget the token kept for the relay at this URL, or for one studio there, if there is one."""
    _save(_kind(studio), _key(relay, studio), None)


def save_secret(name: str, value: str) -> None:
    """Keep a secret under `name`, in place of an earlier one."""
    _save("secrets", name, value)


def may_be_named(name: str) -> bool:
    """Say whether a secret can have this name: that of a variable, and not one of ours."""
    return bool(_VARIABLE.fullmatch(name)) and not name.startswith("STUDIO_")


def secret_names() -> list[str]:
    """Return the names of the secrets that are kept in the file."""
    return sorted(_read("secrets"))


def forget_secret(name: str) -> None:
    """Forget the kept secret of this name.

    Raises:
        NotFound: none is kept.
    """
    if name not in _read("secrets"):
        raise NotFound(f"no secret {name!r} is kept", "see: studio-tui secret ls")
    _save("secrets", name, None)


def secret(name: str) -> str:
    """Return the secret of this name: the variable `name`, else the keyring's, else the kept one.

    May wait for a person to unlock the keyring.

    Raises:
        NotFound: there is none.
        Refused: it is one of the studio's own.
    """
    if name.startswith("STUDIO_"):
        raise Refused(f"{name} is the studio's own", "give the secret another name")
    value = os.environ.get(name) or _from_keyring(name) or _read("secrets").get(name)
    if not value:
        raise NotFound(
            f"no secret {name!r}", f"on the host's computer, run: studio-tui secret set {name}"
        )
    return value


def _from_keyring(name: str) -> str | None:
    """The keyring's password of `name` for the service studio-tui; None where there is none."""
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return None
    try:
        return keyring.get_password(KEYRING_SERVICE, name)
    except KeyringError:
        return None


def names_a_secret(variable: str) -> bool:
    """Say whether a variable of this name probably holds a secret, as in `HF_TOKEN`."""
    return bool(_SECRET_NAME.search(variable))


def relay_key(relay: str) -> str:
    """Return the one spelling of a relay's URL: lower case host, no default port, no path's end.

    Raises:
        UsageFault: it is not a `ws://` or `wss://` URL.
    """
    wrong = UsageFault(f"not a relay's URL: {relay!r}", "write wss://HOST or ws://HOST:PORT")
    try:
        parts = urlsplit(relay)
        port = parts.port
    except ValueError:
        raise wrong from None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise wrong
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    shown = "" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{host}{shown}{parts.path.rstrip('/')}"


def _kind(studio: str | None) -> str:
    return "tokens" if studio is None else "studio tokens"


def _key(relay: str, studio: str | None) -> str:
    return relay_key(relay) if studio is None else f"{relay_key(relay)} {studio}"


def _file() -> Path:
    return paths.config_folder() / "secrets.json"


def _read(kind: str) -> dict[str, str]:
    return dict(_checked().get(kind, {}))


def _checked() -> dict[str, Any]:
    path = _file()
    if readable_by_others(path):
        raise StudioError(f"others can read {path}", f"run: chmod 600 {path}")
    return read_json(path)


def _save(kind: str, key: str, value: str | None) -> None:
    with _writing():
        content = _checked()
        table = dict(content.get(kind, {}))
        table.pop(key, None)
        if value is not None:
            table[key] = value
        write_json(_file(), {**content, kind: table})


@contextmanager
def _writing() -> Iterator[None]:
    """Keep a second process from writing between our read and our write."""
    lock = os.open(_file().with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
