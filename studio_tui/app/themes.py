"""Colours of the app: two themes of its own, the terminal's own 16, and all that Textual brings."""

from __future__ import annotations

from collections.abc import Mapping

from textual.theme import Theme

DARK = Theme(
    name="studio-dark",
    primary="#8b7cf6",
    secondary="#4fb3bf",
    accent="#a593ff",
    foreground="#d5d9e5",
    background="#10121a",
    surface="#151822",
    panel="#1e2230",
    success="#5fd38d",
    warning="#e6b450",
    error="#f2686a",
    dark=True,
    variables={
        "border": "#7d6ff0",
        "border-blurred": "#343a4d",
        "foreground-muted": "#8b92a8",
        "block-cursor-background": "#4a418f",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-blurred-background": "#262b3b",
        "scrollbar": "#343a4d",
        "scrollbar-hover": "#4a5270",
        "scrollbar-active": "#7d6ff0",
        "scrollbar-background": "#10121a",
        "scrollbar-background-hover": "#10121a",
        "scrollbar-background-active": "#10121a",
        "scrollbar-corner-color": "#10121a",
    },
)
LIGHT = Theme(
    name="studio-light",
    primary="#5b46d6",
    secondary="#12707c",
    accent="#5b46d6",
    foreground="#262a3a",
    background="#fbfbfd",
    surface="#f4f5f9",
    panel="#e9ebf2",
    success="#14733f",
    warning="#8a5a00",
    error="#bd2c38",
    dark=False,
    variables={
        "border": "#5b46d6",
        "border-blurred": "#c3c7d6",
        "foreground-muted": "#676d82",
        "block-cursor-background": "#d9d3ff",
        "block-cursor-foreground": "#1d1850",
        "block-cursor-blurred-background": "#e4e6ef",
        "scrollbar": "#c3c7d6",
        "scrollbar-hover": "#a9afc4",
        "scrollbar-active": "#5b46d6",
        "scrollbar-background": "#fbfbfd",
        "scrollbar-background-hover": "#fbfbfd",
        "scrollbar-background-active": "#fbfbfd",
        "scrollbar-corner-color": "#fbfbfd",
    },
)
OWN = (DARK, LIGHT)
ALIASES = {"dark": "studio-dark", "light": "studio-light", "ansi": "ansi-dark", "16": "ansi-dark"}
SIXTEEN = frozenset({"linux", "ansi", "vt100", "vt220", "xterm-16color", "cygwin", "cons25"})


def theme_name(wanted: str | None, env: Mapping[str, str]) -> str:
    """The theme's full name: the configured one, else what the terminal can show.

    Args:
        wanted: a theme's name, or "dark", "light", "ansi"; None when nothing is configured.
        env: environment variables.
    """
    if wanted:
        return ALIASES.get(wanted, wanted)
    if env.get("TERM", "") in SIXTEEN and not env.get("COLORTERM"):
        return "ansi-dark"
    return DARK.name
