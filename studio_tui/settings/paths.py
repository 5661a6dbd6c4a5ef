"""The folders of this user: configuration, state, runtime, cache and log.

`$STUDIO_HOME` moves all of them under one folder, which gives several identities on one
computer, and tests that touch nothing of the user's. Every folder is made on first use, 0700.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, Protocol

import platformdirs

from studio_tui.settings.private import private_folder

APP = "studio-tui"


def home() -> Path | None:
    """Return the folder `$STUDIO_HOME` names, absolute; None when it is not set."""
    value = os.environ.get("STUDIO_HOME", "")
    return Path(value).expanduser().absolute() if value else None


def config_folder() -> Path:
    """Return the folder of `config.toml` and `machines.toml`."""
    return _folder("config", platformdirs.user_config_path)


def state_folder() -> Path:
    """Return the folder of what must outlive a restart: studios, the relay's store, machines."""
    return _folder("state", platformdirs.user_state_path)


def runtime_folder() -> Path:
    """Return the folder of sockets and other things that end with the login session."""
    return _folder("run", platformdirs.user_runtime_path)


def cache_folder() -> Path:
    """Return the folder of what can be deleted at any time."""
    return _folder("cache", platformdirs.user_cache_path)


def log_folder() -> Path:
    """Return the folder of log files."""
    return _folder("log", platformdirs.user_log_path)


def config_file() -> Path:
    """Return the path of the user's `config.toml`; the file may not exist."""
    return config_folder() / "config.toml"


def machines_file() -> Path:
    """Return the path of the user's `machines.toml`; the file may not exist."""
    return config_folder() / "machines.toml"


def data_file() -> Path:
    """Return the path of the user's `data.toml`; the file may not exist."""
    return config_folder() / "data.toml"


def ssh_config() -> Path | None:
    """Return the ssh_config file that `$STUDIO_SSH_CONFIG` names; None for ssh's own choice.

    No configuration file can name one: it may hold commands, and a project's file is anybody's.
    """
    value = os.environ.get("STUDIO_SSH_CONFIG", "")
    return Path(value).expanduser().absolute() if value else None


def known_hosts_file() -> Path:
    """Return the path of the host keys that this user accepted; the file may not exist."""
    return state_folder() / "known_hosts"


def studios_folder() -> Path:
    """Return the folder that holds one folder per studio."""
    return private_folder(state_folder() / "studios")


def studio_folder(studio: str) -> Path:
    """Return the state folder of the studio with this id."""
    return private_folder(studios_folder() / studio)


def answers_socket(studio: str) -> Path:
    """Return where the host of a studio takes what only this user may answer."""
    return runtime_folder() / f"{studio}.sock"


def machine_root() -> Path:
    """Return the root of the local machine: its payload, jobs and terminals."""
    return private_folder(state_folder() / "machine")


def _folder(kind: str, platform: _PlatformPath) -> Path:
    moved = home()
    return private_folder(moved / kind if moved else platform(APP, appauthor=False))


class _PlatformPath(Protocol):
    def __call__(self, appname: str, *, appauthor: Literal[False]) -> Path: ...
