"""Settings from every source: flag > STUDIO_* variable > ./studio.toml > user config > default."""

from __future__ import annotations

import getpass
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio_tui.errors import StudioError, UsageFault
from studio_tui.settings import paths
from studio_tui.settings.schema import KEYS, Settings, check

PROJECT_FILE = "studio.toml"


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings together with where each value came from."""

    settings: Settings
    """The values in force."""

    origins: Mapping[str, str]
    """Key to origin: `flag`, a variable's name, a file's path, or `default`."""


def load(
    flags: Mapping[str, Any] | None = None,
    *,
    env: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Loaded:
    """Return the settings in force and their origins.

    Args:
        flags: what the command line gave, by key; a value of None was not given.
        env: environment variables; those of this process when None.
        folder: where `studio.toml` may lie; the current folder when None.

    Raises:
        UsageFault: a source has an unknown key, a wrong type, or is not TOML.
        StudioError: a file is there but cannot be read.
    """
    values: dict[str, Any] = {}
    origins = dict.fromkeys(KEYS, "default")
    project = (folder or Path.cwd()) / PROJECT_FILE
    for origin, table in (
        *_from_file(paths.config_file()),
        *_from_file(project),
        *_from_env(os.environ if env is None else env),
        *_from_flags(flags or {}),
    ):
        values |= check(table, origin)
        origins |= dict.fromkeys(table, origin)
    return Loaded(Settings(**values), origins)


def person_name(settings: Settings) -> str:
    """Return the name other people see: the configured one, else the login name."""
    if settings.name:
        return settings.name
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no entry anywhere
        return f"user-{os.getuid()}"


def read_toml(path: Path) -> dict[str, Any]:
    """Return the tables of a TOML file; an empty dict when there is no such file.

    Raises:
        UsageFault: it is not TOML.
        StudioError: it cannot be read.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageFault(f"{path}: not TOML: {error}", "correct the file") from error
    except OSError as error:
        raise StudioError(
            f"cannot read {path}: {error.strerror}", "check the file's rights"
        ) from error


def _from_file(path: Path) -> list[tuple[str, dict[str, Any]]]:
    return [(str(path), read_toml(path))]


def _from_env(env: Mapping[str, str]) -> list[tuple[str, dict[str, Any]]]:
    names = {f"STUDIO_{key.upper()}": key for key in KEYS if key != "keys"}
    return [(name, {key: env[name]}) for name, key in names.items() if env.get(name)]


def _from_flags(flags: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [("flag", {key: value for key, value in flags.items() if value is not None})]
