"""How one person likes the screen: sizes and folds, kept in this person's state folder."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

from studio_tui.errors import StudioError
from studio_tui.settings import paths
from studio_tui.settings.private import private_folder, read_json, write_json

SIZES = {"files": (16, 60), "side": (24, 90), "log": (3, 40)}
"""Smallest and largest size of a place: columns of the sides, rows of the log."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Layout of the workspace. A size is None until this person has changed it."""

    files: int | None = None
    side: int | None = None
    log: int | None = None
    folded: frozenset[str] = frozenset()
    theme: str | None = None
    wrap: bool = False
    """Whether editors break long lines at the edge."""
    numbers: bool = True
    """Whether editors show the numbers of the lines."""

    def sized(self, place: str, size: int) -> Self:
        """This layout with `place` at `size` cells, within its bounds."""
        low, high = SIZES[place]
        size = max(low, min(high, size))
        match place:
            case "files":
                return replace(self, files=size)
            case "side":
                return replace(self, side=size)
            case _:
                return replace(self, log=size)

    def toggled(self, place: str) -> Self:
        """This layout with `place` folded when it was open, and the other way round."""
        return replace(self, folded=self.folded ^ {place})


def layout_file() -> Path:
    """Where the layout is kept."""
    return private_folder(paths.state_folder() / "app") / "layout.json"


def load() -> Layout:
    """The kept layout; the usual one when there is none or it cannot be read."""
    try:
        return read(read_json(layout_file()))
    except StudioError:
        return Layout()


def save(layout: Layout) -> None:
    """Keep `layout` for the next start.

    Raises:
        StudioError: the state folder cannot be written.
    """
    write_json(layout_file(), {**asdict(layout), "folded": sorted(layout.folded)})


def read(value: Any) -> Layout:
    """The layout that `value`, JSON, describes; what makes no sense is left out."""
    if not isinstance(value, dict):
        return Layout()
    layout = Layout()
    for place in SIZES:
        if type(size := value.get(place)) is int:
            layout = layout.sized(place, size)
    folded, theme = value.get("folded"), value.get("theme")
    return replace(
        layout,
        folded=frozenset(p for p in folded if p in SIZES)
        if isinstance(folded, list)
        else layout.folded,
        theme=theme if isinstance(theme, str) else None,
        wrap=value.get("wrap") is True,
        numbers=value.get("numbers") is not False,
    )
