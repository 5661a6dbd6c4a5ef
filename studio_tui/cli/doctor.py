"""What works here, what does not, and what to do."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from studio_tui.cli.output import emit, json_option, plain
from studio_tui.errors import NotFound, Refused, StudioError


@click.command(epilog="Example: studio-tui doctor")
@json_option
def doctor(as_json: bool) -> None:
    """Check this machine and show where the settings come from; 1 when something does not work."""
    found = [_looked(name, check) for name, check in _CHECKS.items()]
    emit(found, as_json, "\n".join(_shown(item) for item in found))
    sys.exit(0 if all(item["ok"] for item in found) else 1)


def _looked(name: str, check: Callable[[], str]) -> dict[str, Any]:
    try:
        return {"check": name, "ok": True, "found": check(), "hint": ""}
    except StudioError as problem:
        return {"check": name, "ok": False, "found": problem.message, "hint": problem.hint}


def _shown(item: dict[str, Any]) -> str:
    line = plain(f"{'✓' if item['ok'] else '✗'} {item['check']}: {item['found']}")
    return f"{line}\n    {plain(item['hint'])}" if item["hint"] else line


def _python() -> str:
    return f"{sys.version.split()[0]} at {sys.executable}"


def _settings() -> str:
    from studio_tui.settings import load, paths

    loaded = load.load()
    origins = loaded.origins.items()
    given = [f"{key} from {origin}" for key, origin in origins if origin != "default"]
    return f"{paths.config_file()}" + (f" ({', '.join(given)})" if given else "")


def _state() -> str:
    from studio_tui.settings import paths

    return f"{paths.state_folder()}, log {paths.log_folder()}"


def _relay() -> str:
    from studio_tui.client import relays
    from studio_tui.settings import secrets

    choice = relays.choose()
    if choice.url is None:
        return "none configured; each studio brings its own"
    if not relays.answers(choice.url):
        raise NotFound(f"{choice.url} does not answer", "is it running, and reachable?")
    if secrets.token_for(choice.url) is None:
        raise Refused(f"no token for {choice.url}", f"studio-tui login {choice.url}")
    return f"{choice.url} from {choice.origin} answers"


def _terminals() -> str:
    from studio_tui.terminal.ghostty import library

    library()
    return "the emulator is loaded"


def _training() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"lightning {version('lightning')}, torch {version('torch')}"
    except PackageNotFoundError as missing:
        raise StudioError(
            f"{missing.name} is not installed", "pip install 'studio-tui[train]'"
        ) from None


def _gpus() -> str:
    import asyncio

    from studio_tui.cli.machine import probed
    from studio_tui.machines.catalogue import LOCAL, Catalogue

    here = asyncio.run(probed(Catalogue().find(LOCAL), 30.0))
    names = [gpu.name for gpu in here.gpus]
    return ", ".join(names) or "none here; training runs on the CPU"


_CHECKS: dict[str, Callable[[], str]] = {
    "python": _python,
    "settings": _settings,
    "state": _state,
    "relay": _relay,
    "terminals": _terminals,
    "training": _training,
    "gpus": _gpus,
}
