"""What the doctor looks at around the product: versions, disk, keys, clock, terminal, drivers."""

from __future__ import annotations

import locale
import os
import sys
from collections.abc import Mapping

from studio_tui.errors import StudioError

LEAST_FREE = 1 << 30  # bytes
MOST_SKEW = 5.0  # seconds; tokens are refused when clocks differ by much more
PARTS = ("textual", "pycrdt", "websockets", "asyncssh")
KITTY = ("xterm-kitty", "xterm-ghostty", "foot", "alacritty", "wezterm")


def versions() -> str:
    """The product and what it stands on."""
    from importlib.metadata import version

    from studio_tui import __version__

    return ", ".join([f"studio-tui {__version__}", *(f"{part} {version(part)}" for part in PARTS)])


def disk() -> str:
    """Room where the product keeps its state."""
    import shutil

    from studio_tui.settings import paths

    folder = paths.state_folder()
    free = shutil.disk_usage(folder).free
    shown = f"{free / (1 << 30):.1f} GiB free at {folder}"
    if free < LEAST_FREE:
        raise StudioError(shown, "free some space, or move it all: STUDIO_HOME=DIR")
    return shown


def keys() -> str:
    """Tokens and secrets that are kept, and ways to log in by ssh."""
    from pathlib import Path

    from studio_tui.settings import secrets

    kept = f"{len(secrets.kept_tokens())} tokens, {len(secrets.secret_names())} secrets kept"
    agent = "an ssh agent" if os.environ.get("SSH_AUTH_SOCK") else "no ssh agent"
    public = len(list((Path.home() / ".ssh").glob("id_*.pub")))
    return f"{kept}; {agent}, {public} ssh key{'s' * (public != 1)}"


def data() -> str:
    """The sources of data.toml."""
    from studio_tui.data import sources
    from studio_tui.settings import paths

    names = ", ".join(sources.tables())
    return f"{paths.data_file()}: {names or 'nothing but the buckets of your environment'}"


def clock() -> str:
    """This clock against the relay's."""
    from studio_tui.client import relays
    from studio_tui.client.clock import skew

    url = relays.choose().url
    ahead = skew(url) if url else None
    if ahead is None:
        return "no relay to compare it with"
    if abs(ahead) > MOST_SKEW:
        way = "ahead of" if ahead > 0 else "behind"
        raise StudioError(f"{abs(ahead):.0f} s {way} the relay's", "let both follow an NTP server")
    return "as the relay's"


def screen(env: Mapping[str, str] = os.environ, encoding: str = "", tty: bool | None = None) -> str:
    """What the terminal can do, as far as it tells.

    Args:
        encoding: of text; the locale's when empty.
        tty: whether there is a terminal; looked at when None.
    """
    if not (sys.stdout.isatty() if tty is None else tty):
        return "no terminal here"
    encoding = encoding or locale.getpreferredencoding(False)
    if encoding.lower().replace("-", "") != "utf8":
        raise StudioError(f"its text is {encoding}", "export LANG=C.UTF-8")
    term = env.get("TERM", "")
    if term in ("", "dumb"):
        raise StudioError(f"TERM is {term!r}", "use a terminal that can move its cursor")
    deep = env.get("COLORTERM") in ("truecolor", "24bit")
    colours = "all colours" if deep else "256 colours" if "256" in term else "few colours"
    if "NO_COLOR" in env:
        colours = "no colours (NO_COLOR)"
    kitty = term in KITTY or "KITTY_WINDOW_ID" in env
    every = "every key" if kitty else "no key that old terminals lack"
    return f"{term}, UTF-8, {colours}, {every}"


def driver(built_for: str | None, works: bool, gpus: list[str]) -> str:
    """Whether torch can use the GPUs that are here.

    Args:
        built_for: the CUDA or ROCm version that torch was built for; None for a build without.
        works: whether torch itself says that it can.
        gpus: names of those that the machine has.
    """
    if not gpus:
        return "no GPU to drive"
    if built_for is None:
        raise StudioError(
            f"there is {gpus[0]}, but torch is built for CPUs",
            "install the build for your driver: https://pytorch.org/get-started",
        )
    if not works:
        raise StudioError(
            f"torch is built for {built_for}, and the driver of {gpus[0]} is older, or away",
            "update the driver, or install torch for an older one: nvidia-smi shows which",
        )
    return f"torch for {built_for} drives {gpus[0]}"
