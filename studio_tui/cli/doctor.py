"""What works here, what does not, and what to do."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click

from studio_tui.errors import StudioError


@click.command(epilog="Example: studio-tui doctor")
def doctor() -> None:
    """Check this machine and show where the settings come from."""
    failed = 0
    for name, check in _CHECKS.items():
        try:
            click.echo(f"✓ {name}: {check()}")
        except StudioError as problem:
            failed += 1
            click.echo(f"✗ {name}: {problem.message}\n    {problem.hint}")
    sys.exit(1 if failed else 0)


def _python() -> str:
    return f"{sys.version.split()[0]} at {sys.executable}"


def _settings() -> str:
    from studio_tui.settings import load, paths

    loaded = load.load()
    given = [f"{key} from {origin}" for key, origin in loaded.origins.items() if origin]
    return f"{paths.config_file()}" + (f" ({', '.join(given)})" if given else "")


def _state() -> str:
    from studio_tui.settings import paths

    return f"{paths.state_folder()}, log {paths.log_folder()}"


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

    from studio_tui.cli.machine import machines

    found = asyncio.run(machines())
    names = [gpu.name for machine in found for gpu in machine.gpus]
    return ", ".join(names) or "none here; training runs on the CPU"


_CHECKS: dict[str, Callable[[], str]] = {
    "python": _python,
    "settings": _settings,
    "state": _state,
    "terminals": _terminals,
    "training": _training,
    "gpus": _gpus,
}
