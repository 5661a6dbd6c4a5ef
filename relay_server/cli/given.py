"""What several commands take: durations, and where the key and the store are."""

from __future__ import annotations

import os
import re
from pathlib import Path

import click

from relay_server.errors import BadSetting, StoreFailed

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}

key_option = click.option(
    "--key", type=click.Path(path_type=Path), help="File of the signing key, made when missing."
)
store_option = click.option(
    "--store", help="sqlite:///PATH or memory:  [default: sqlite in the state folder]"
)


def state_dir() -> Path:
    """Where the relay keeps its key and its store unless told otherwise."""
    home = os.environ.get("STUDIO_HOME")
    if home:
        return Path(home).expanduser() / "state" / "relay"
    import platformdirs

    return Path(platformdirs.user_state_path("studio-tui")) / "relay"


def seconds(text: str) -> float:
    """A duration like `90s`, `30m`, `8h`, `7d`, in seconds.

    Raises:
        BadSetting: not such a duration.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw])", text)
    if not found:
        raise BadSetting(f"no such duration: {text}", "a number and a unit: 90s, 30m, 8h, 7d")
    return float(found[1]) * _UNITS[found[2]]


def default_key() -> Path:
    """The file of the signing key unless told otherwise."""
    return state_dir() / "key.pem"


def default_store() -> str:
    """The URL of the store unless told otherwise, in a folder that is made.

    Raises:
        StoreFailed: the folder cannot be made.
    """
    folder = state_dir()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreFailed(
            f"folder {folder} cannot be made: {error}", "give --store and --key, or STUDIO_HOME"
        ) from error
    return f"sqlite:///{folder / 'journal.db'}"
