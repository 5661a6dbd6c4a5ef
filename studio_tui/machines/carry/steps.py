"""What one side has to do to become what the plan says. Pure; see payload/carry/settle.py."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from studio_tui.machines.carry.manifest import FOLDER, LINK, Entry, Manifest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from studio_tui.machines.carry.plan import Fate


@dataclass
class Steps:
    """One side's part.

    Attributes:
        wanted: path on the other side to the file there that has to come.
        places: (path there, path here, entry, what is here now) of each of them.
        links, folders: path to what is made.
        moves: file from and to, both here.
        trash: path to what goes.
        gone: folders that go when they are empty, innermost first.
        modes: path to mode.
    """

    wanted: dict[str, Entry] = field(default_factory=dict)
    places: list[tuple[str, str, Entry, Entry | None]] = field(default_factory=list)
    links: dict[str, tuple[Entry, Entry | None]] = field(default_factory=dict)
    folders: dict[str, Entry] = field(default_factory=dict)
    moves: list[tuple[str, str, Entry]] = field(default_factory=list)
    trash: dict[str, Entry] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    modes: dict[str, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        made = self.places or self.links or self.folders or self.modes
        return bool(made or self.moves or self.trash or self.gone)

    @property
    def bytes(self) -> int:
        """Of the files that come."""
        return sum(entry.size for entry in self.wanted.values())

    @property
    def displaces(self) -> bool:
        """Whether the trash gets something."""
        made = [before for _, _, _, before in self.places]
        made += [before for _, before in self.links.values()]
        return bool(self.trash) or any(before is not None for before in made)

    def message(self) -> dict[str, Any]:
        """For the machine."""
        return {
            "moves": [[was, to, entry.row(was)] for was, to, entry in self.moves],
            "trash": [[path, entry.row(path)] for path, entry in self.trash.items()],
            "gone": self.gone,
            "folders": [[path, entry.mode] for path, entry in sorted(self.folders.items())],
            "places": [
                [was, path, entry.mode, entry.size, entry.mtime, _before(path, here)]
                for was, path, entry, here in self.places
            ],
            "links": [
                [path, entry.target, _before(path, here)]
                for path, (entry, here) in self.links.items()
            ],
            "modes": [[path, mode] for path, mode in self.modes.items()],
        }


def steps(mine: Manifest, final: Mapping[str, Fate], side: str, other: Manifest) -> Steps:
    """What makes `final` of `mine`.

    Args:
        side: which of a fate's sides this is.
        other: the manifest of the other one.
    """
    found = Steps()
    moved = set()
    for path, fate in final.items():
        here = mine.get(path)
        if here is fate.entry:
            continue
        if fate.entry.same(here):
            assert here is not None
            if fate.entry.kind != LINK and here.mode != fate.entry.mode:
                found.modes[path] = fate.entry.mode
        elif fate.entry.kind == FOLDER:
            found.folders[path] = fate.entry
        elif fate.entry.kind == LINK:
            found.links[path] = (fate.entry, _in_the_way(here))
        elif fate.side.value == side:
            found.moves.append((fate.was, path, mine[fate.was]))
            moved.add(fate.was)
        else:
            # The entry that is there, not the one that will be: its mode is that of the plan.
            found.wanted[fate.was] = other[fate.was]
            entry = other[fate.was].with_mode(fate.entry.mode)
            found.places.append((fate.was, path, entry, _in_the_way(here)))
    found.places = [
        (was, path, entry, None if path in moved else here)
        for was, path, entry, here in found.places
    ]
    found.links = {
        path: (entry, None if path in moved else here)
        for path, (entry, here) in found.links.items()
    }
    _leave(found, mine, final, moved)
    return found


def _leave(found: Steps, mine: Manifest, final: Mapping[str, Fate], moved: set[str]) -> None:
    """What is here and will not be, and is not replaced in one step."""
    for path, here in mine.items():
        stays = final[path].entry.kind if path in final else None
        if here.kind == FOLDER:
            if stays != FOLDER:
                found.gone.append(path)
        elif path not in moved and stays in (None, FOLDER):
            found.trash[path] = here
    found.gone.sort(reverse=True)


def _in_the_way(here: Entry | None) -> Entry | None:
    """What is replaced in one step; a folder is emptied and removed before."""
    return here if here is not None and here.kind != FOLDER else None


def _before(path: str, here: Entry | None) -> list[Any] | None:
    return None if here is None else here.row(path)
