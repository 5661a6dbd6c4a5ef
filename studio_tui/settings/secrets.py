"""Tokens and secrets: from the environment, else from a file only this user can read.

A secret never enters a command line, a log or a document; what prints text that may hold one
passes it through `redact` first.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from studio_tui.errors import NotFound, StudioError, UsageFault
from studio_tui.settings import paths
from studio_tui.settings.private import read_json, readable_by_others, write_json

TOKEN_VARIABLE = "STUDIO_RELAY_TOKEN"
MASK = "***"
SHORTEST_MASKED = 4
"""Shorter values are not masked: they would blank out ordinary text."""

_SECRET_NAME = re.compile(
    r"(^|_)(TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|AUTH|KEY|APIKEY|PAT|DSN)(_|$)",
    re.IGNORECASE,
)
_DEFAULT_PORTS = {"ws": 80, "wss": 443}


def save_token(relay: str, token: str) -> None:
    """Keep `token` for the relay at this URL, in place of an earlier one."""
    _save("tokens", relay_key(relay), token)


def token_for(relay: str) -> str | None:
    """Return the token for the relay at this URL; None when there is none.

    `$STUDIO_RELAY_TOKEN` comes first; where `$STUDIO_RELAY` is set too, it is given to that
    relay alone.
    """
    token = os.environ.get(TOKEN_VARIABLE)
    meant_for = os.environ.get("STUDIO_RELAY")
    if token and (not meant_for or relay_key(meant_for) == relay_key(relay)):
        return token
    return _read("tokens").get(relay_key(relay))


def forget_token(relay: str) -> None:
    """Forget the token kept for the relay at this URL, if there is one."""
    _save("tokens", relay_key(relay), None)


def save_secret(name: str, value: str) -> None:
    """Keep a secret under `name`, in place of an earlier one."""
    _save("secrets", name, value)


def secret(name: str) -> str:
    """Return the secret of this name: the variable `name`, else the kept one.

    Raises:
        NotFound: there is neither.
    """
    value = os.environ.get(name) or _read("secrets").get(name)
    if not value:
        raise NotFound(f"no secret {name!r}", f"set the variable {name} and run the command again")
    return value


def names_a_secret(variable: str) -> bool:
    """Say whether a variable of this name probably holds a secret, as in `HF_TOKEN`."""
    return bool(_SECRET_NAME.search(variable))


def redact(text: str, secrets: Iterable[str]) -> str:
    """Return `text` with every one of `secrets` replaced by `***`."""
    # Longest first: a secret that contains another must not leave its rest behind.
    for value in sorted(secrets, key=len, reverse=True):
        if len(value) >= SHORTEST_MASKED:
            text = text.replace(value, MASK)
    return text


def relay_key(relay: str) -> str:
    """Return the one spelling of a relay's URL: lower case host, no default port, no path's end.

    Raises:
        UsageFault: it is not a `ws://` or `wss://` URL.
    """
    parts = urlsplit(relay)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or port == -1:
        raise UsageFault(f"not a relay's URL: {relay!r}", "write wss://HOST or ws://HOST:PORT")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    shown = "" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{host}{shown}{parts.path.rstrip('/')}"


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
