"""Which theme is chosen."""

from __future__ import annotations

import pytest

from studio_tui.app import themes


@pytest.mark.parametrize(
    ("wanted", "env", "name"),
    [
        (None, {"TERM": "xterm-256color"}, "studio-dark"),
        (None, {}, "studio-dark"),
        (None, {"TERM": "linux"}, "ansi-dark"),
        (None, {"TERM": "linux", "COLORTERM": "truecolor"}, "studio-dark"),
        ("light", {"TERM": "linux"}, "studio-light"),
        ("ansi", {}, "ansi-dark"),
        ("nord", {}, "nord"),
    ],
)
def test_theme_name(wanted: str | None, env: dict[str, str], name: str) -> None:
    assert themes.theme_name(wanted, env) == name


def test_own_themes_have_their_names() -> None:
    assert {theme.name for theme in themes.OWN} <= set(themes.ALIASES.values())
    assert themes.DARK.dark
    assert not themes.LIGHT.dark
