"""What works here, what does not, and what to do."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import click

from studio_tui.cli import surroundings
from studio_tui.cli.output import emit, json_option, plain
from studio_tui.errors import NotFound, Refused, StudioError


@click.command(
    short_help="Check this machine and its settings.", epilog="Example: studio-tui doctor"
)
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


@cache
def _names_of_gpus() -> list[str]:
    import asyncio

    from studio_tui.cli.machine import probed
    from studio_tui.machines.catalogue import LOCAL, Catalogue

    here = asyncio.run(probed(Catalogue().find(LOCAL), 30.0))
    return [gpu.name for gpu in here.gpus]


def _gpus() -> str:
    return ", ".join(_names_of_gpus()) or "none here; training runs on the CPU"


def _driver() -> str:
    gpus = _names_of_gpus()
    if not gpus:
        return surroundings.driver(None, False, gpus)
    _training()  # without torch there is nothing to compare
    from studio_tui.training.build import torch_build

    return surroundings.driver(*torch_build(), gpus)


def _machines() -> str:
    """Those of machines.toml; hosts that only ssh's configuration names are not dialled."""
    import asyncio

    from studio_tui.machines import catalogue
    from studio_tui.machines.check import check
    from studio_tui.machines.dial import dial_for

    entered = [m for m in catalogue.load() if not m.found and m.id != catalogue.LOCAL]

    async def looked(machine: catalogue.Machine) -> str:
        try:
            async with asyncio.timeout(MACHINE_SECONDS):
                found, _ = await check(dial_for(machine))
        except TimeoutError:
            return f"{machine.id} does not answer within {MACHINE_SECONDS:g} s"
        bad = next((one for one in found if one.state == "bad"), None)
        return f"{machine.id}: {bad.what} {bad.detail}" if bad else ""

    async def all_of_them() -> list[str]:
        return await asyncio.gather(*(looked(machine) for machine in entered))

    if bad := [words for words in asyncio.run(all_of_them()) if words]:
        raise StudioError("; ".join(bad), "look closer: studio-tui machine check NAME")
    return ", ".join(machine.id for machine in entered) or "none but this one"


MACHINE_SECONDS = 10.0

_CHECKS: dict[str, Callable[[], str]] = {
    "python": _python,
    "versions": surroundings.versions,
    "settings": _settings,
    "state": _state,
    "disk": surroundings.disk,
    "keys": surroundings.keys,
    "relay": _relay,
    "clock": surroundings.clock,
    "screen": surroundings.screen,
    "terminals": _terminals,
    "machines": _machines,
    "data": surroundings.data,
    "training": _training,
    "gpus": _gpus,
    "driver": _driver,
}
