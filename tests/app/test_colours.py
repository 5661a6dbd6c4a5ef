from __future__ import annotations

import pytest
from rich.color import Color
from textual.color import Color as Light

from studio_tui.app.colours import SHADES, Palette


def _ratio(one: str, other: str) -> float:
    brighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4
             for part in Light.parse(colour).normalized]  # fmt: skip
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def test_a_name_has_the_same_shade_everywhere() -> None:
    one, other = Palette(), Palette()
    assert one.shade("ana") == other.shade("ana") == one.shade("ana")


def test_people_do_not_share_a_shade_while_there_are_enough() -> None:
    palette = Palette()
    names = [f"person{number}" for number in range(len(SHADES))]
    assert {palette.shade(name) for name in names} == set(SHADES)


def test_beyond_the_shades_one_is_shared() -> None:
    palette = Palette()
    palette.meet(f"person{number}" for number in range(100))
    assert palette.shade("person99") in SHADES


def test_people_met_together_get_shades_whatever_their_order() -> None:
    one, other = Palette(), Palette()
    names = ["ana", "bob", "cy", "dee", "eve", "李雷", ""]
    one.meet(names)
    other.meet(reversed(names))
    assert [one.shade(name) for name in names] == [other.shade(name) for name in names]


@pytest.mark.parametrize("shade", SHADES, ids=lambda shade: shade.name)
def test_shades_can_be_read_on_dark_and_light(shade) -> None:
    for background in ("#000000", "#1e1e1e"):
        assert _ratio(shade.on(dark=True), background) > 4.5
    for background in ("#ffffff", "#e0e0e0"):
        assert _ratio(shade.on(dark=False), background) > 4.5
    ansi = Color.parse(shade.on(ansi=True))
    assert ansi.is_default or ansi.number is not None
    assert ansi.number is None or ansi.number < 16
