"""Three-way: what two folders become, by what both were after the last carry.

Changed on one side, it is so on both. Changed on both, both versions are kept on both. Deleted on
one side it goes on the other, unless it was changed there: then it is kept. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from studio_tui.machines.carry.manifest import FILE, FOLDER, Entry, Manifest, above, clashes
from studio_tui.machines.carry.steps import Steps, steps

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

NAME_BYTES = 255
"""What common disks allow for one name."""
NEW_FOLDER_MODE = 0o755


class Side(Enum):
    """One of the two folders, or both when it makes no difference."""

    SOURCE = "source"
    TARGET = "target"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Fate:
    """What will be at a path, the side that has it now, and its path there."""

    entry: Entry
    side: Side
    was: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two versions of one path: the source's stays there, or the only file does.

    Attributes:
        path: the path that both wanted.
        copy: where the other version, of `side`, is kept.
    """

    path: str
    copy: str
    side: Side


Name = Callable[[str, Side], str]
"""A path and the side that its copy is of, to the name of the copy."""


@dataclass(frozen=True)
class Plan:
    """What is to be done on both sides, and what comes of it.

    Attributes:
        final: what both folders are afterwards.
        to_source, to_target: what is done there.
        conflicts: both changed; nothing of it is lost.
        held: path to the reason why it is left alone on both sides.
    """

    final: dict[str, Fate]
    to_source: Steps
    to_target: Steps
    conflicts: tuple[Conflict, ...] = ()
    held: Mapping[str, str] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether both sides are one already."""
        return not (self.to_source or self.to_target)

    def base(self) -> Manifest:
        """What both sides are once it is done."""
        return {path: fate.entry for path, fate in self.final.items()}


def doubtful(source: Manifest, target: Manifest) -> list[str]:
    """Large files that only reading can tell apart: of one size, from different times."""
    return [
        path
        for path, ours in source.items()
        if (theirs := target.get(path)) is not None
        and ours.kind == theirs.kind == FILE
        and ours.size == theirs.size
        and (ours.digest is None or theirs.digest is None)
        and not ours.same(theirs)
    ]


def plan(
    base: Manifest,
    source: Manifest,
    target: Manifest,
    name: Name,
    *,
    left: Collection[str] = (),
    caseless: bool = False,
) -> Plan:
    """What makes one of two folders.

    Args:
        base: what both were after the last carry; empty when there was none.
        name: names the copy of a version that gives way; a suffix, see `copies`.
        left: paths that one side cannot or does not carry: they stay as they are on both.
        caseless: whether one of the disks does not tell upper from lower case.
    """
    held = dict.fromkeys(left, "one side cannot read it, or ignores it")
    if caseless:
        clashing = clashes({**source, **target})
        held |= dict.fromkeys(clashing, "it differs from another name in upper and lower case only")
    base, source, target = (_without(each, held) for each in (base, source, target))
    conflicts: list[Conflict] = []
    chosen: dict[str, Fate] = {}
    for path in sorted({**source, **target}):
        ours, theirs = source.get(path), target.get(path)
        if ours is not None and ours == theirs:
            chosen[path] = Fate(ours, Side.BOTH, path)
            continue
        fate = _choose(path, base.get(path), ours, theirs)
        if fate is not None:
            chosen[path] = fate
        if _both_changed(base.get(path), ours, theirs) and theirs and theirs.kind != FOLDER:
            copy = name(path, Side.TARGET)
            chosen[copy] = Fate(theirs, Side.TARGET, path)
            conflicts.append(Conflict(path, copy, Side.TARGET))
    final = _rooted(chosen, source, target, name, conflicts)
    return Plan(
        final,
        to_source=steps(source, final, Side.SOURCE.value, target),
        to_target=steps(target, final, Side.TARGET.value, source),
        conflicts=tuple(conflicts),
        held={path: why for path, why in held.items() if path not in final},
    )


def copies(machines: Mapping[Side, str], stamp: str, taken: Collection[str]) -> Name:
    """Names such as `train.py.studio-conflict-gpu-box-20260102T030405Z`, none given twice.

    Args:
        machines: the sides' names, as file names can have them.
        taken: paths that are in use.
    """
    given = set(taken)

    def name(path: str, side: Side) -> str:
        folder, slash, last = path.rpartition("/")
        number = 1
        while True:
            suffix = f".studio-conflict-{machines[side]}-{stamp}" + (
                f"-{number}" if number > 1 else ""
            )
            found = folder + slash + _cut(last, NAME_BYTES - len(suffix.encode())) + suffix
            if found not in given:
                given.add(found)
                return found
            number += 1

    return name


def _cut(name: str, size: int) -> str:
    data = name.encode("utf-8", "surrogateescape")
    return name if len(data) <= size else data[:size].decode("utf-8", "ignore")


def _without(entries: Manifest, held: Collection[str]) -> Manifest:
    """Without what is held, and what lies in it."""
    if not held:
        return entries
    return {
        path: entry
        for path, entry in entries.items()
        if path not in held and not any(each in held for each in above(path))
    }


def _both_changed(base: Entry | None, ours: Entry | None, theirs: Entry | None) -> bool:
    if ours is None or theirs is None or ours.same(theirs):
        return False
    return not ours.same(base) and not theirs.same(base)


def _choose(path: str, base: Entry | None, ours: Entry | None, theirs: Entry | None) -> Fate | None:
    if ours is None and theirs is None:
        return None
    if ours is None or theirs is None:
        left, side = (ours, Side.SOURCE) if theirs is None else (theirs, Side.TARGET)
        assert left is not None
        return None if left.same(base) else Fate(left, side, path)
    mode = _mode(base, ours, theirs)
    if ours.same(theirs):
        # Of two that are one, the one whose digest is known: the next look need not read it.
        known = theirs if ours.digest is None else ours
        return Fate(known.with_mode(mode), Side.BOTH, path)
    if ours.same(base):
        return Fate(theirs.with_mode(mode), Side.TARGET, path)
    return Fate(ours.with_mode(mode), Side.SOURCE, path)


def _mode(base: Entry | None, ours: Entry, theirs: Entry) -> int:
    """The mode goes its own way between entries of one kind: the side that changed it decides."""
    if ours.kind != theirs.kind:
        return theirs.mode if ours.same(base) else ours.mode
    return theirs.mode if base is not None and ours.mode == base.mode else ours.mode


def _rooted(
    chosen: Mapping[str, Fate],
    source: Manifest,
    target: Manifest,
    name: Name,
    conflicts: list[Conflict],
) -> dict[str, Fate]:
    """Every path with folders above it; what would lie in a file goes into a copy's folder."""
    final: dict[str, Fate] = {}
    moved: dict[tuple[str, Side], str] = {}
    within: dict[str, str | None] = {"": None}  # folder to the first above it that is none
    for path, fate in chosen.items():
        folder = path.rpartition("/")[0]
        if folder not in within:
            found = (each for each in (*above(folder), folder) if _blocks(chosen.get(each)))
            within[folder] = next(found, None)
        blocked = within[folder]
        if blocked is None:
            final[path] = fate
            continue
        side = Side.SOURCE if chosen[blocked].side is Side.TARGET else Side.TARGET
        if (blocked, side) not in moved:
            moved[blocked, side] = name(blocked, side)
            conflicts.append(Conflict(blocked, moved[blocked, side], side))
        final[moved[blocked, side] + path[len(blocked) :]] = fate
    for folder in {path.rpartition("/")[0] for path in final} - {""}:
        for each in (*above(folder), folder):
            if each not in final:
                final[each] = Fate(_folder(each, source, target), Side.BOTH, each)
    return final


def _blocks(fate: Fate | None) -> bool:
    return fate is not None and fate.entry.kind != FOLDER


def _folder(path: str, *sides: Manifest) -> Entry:
    found: Iterable[Entry | None] = (side.get(path) for side in sides)
    here = (entry for entry in found if entry is not None and entry.kind == FOLDER)
    return next(here, Entry(FOLDER, NEW_FOLDER_MODE))
