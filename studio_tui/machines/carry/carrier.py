"""Makes one of two folders on two machines, so that an end at any moment leaves both whole."""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
import time
from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from studio_tui.errors import NotFound
from studio_tui.machines.carry.manifest import Entry, Manifest, manifest, rows
from studio_tui.machines.carry.plan import Plan, Side, copies, doubtful, plan
from studio_tui.machines.carry.rsync import rsync, usable
from studio_tui.machines.carry.rules import DEFAULTS, rules
from studio_tui.machines.carry.tree import DiskFull, Place, Tree, disk_full, stream

if TYPE_CHECKING:
    from collections.abc import Mapping

    from studio_tui.machines.carry.plan import Conflict
    from studio_tui.machines.carry.steps import Steps

ROUNDS = 3
"""How often files that change while they are carried are carried again."""
RSYNC_FROM = 8 << 20
"""Bytes of one way that rsync is started for; less comes faster through the open channel."""


@dataclass(slots=True)
class Progress:
    """How far a carry is; both ways together.

    Attributes:
        bytes: may end below all_bytes: what is there already does not travel.
    """

    files: int = 0
    bytes: int = 0
    all_files: int = 0
    all_bytes: int = 0


Report = Callable[[Progress], None]


@dataclass(frozen=True)
class Outcome:
    """What a carry did.

    Attributes:
        carried: files that came, both ways.
        conflicts: both versions are on both sides now.
        left: path to the reason why it is not one on both sides; nothing of it is lost.
        trash: the folder, relative, that took what was displaced, where anything was.
    """

    carried: int
    conflicts: tuple[Conflict, ...] = ()
    left: Mapping[str, str] = field(default_factory=dict)
    trash: str = ""


class Carrier:
    """Two folders, looked at and carried as often as one likes; `opened` makes one.

    After a failure it is closed: open another.
    """

    def __init__(self, source: Tree, target: Tree) -> None:
        self._source = source
        self._target = target
        self._base: Manifest = {}  # what both sides remember as what they were
        self._name = ""  # under this name
        self._last = False  # and whether it is the last that both of them remember

    @classmethod
    @contextlib.asynccontextmanager
    async def opened(cls, source: Place, target: Place) -> AsyncIterator[Carrier]:
        """Reaches both folders, for as long as the block runs.

        Raises:
            NotFound: there is no Python, or no git where it is needed.
            ConnectionLost: a machine is gone.
            StudioError: a folder cannot be used, or is being carried.
        """
        opening = [asyncio.ensure_future(Tree.opened(place)) for place in (source, target)]
        try:
            trees = await asyncio.gather(*opening)
            _check_git(*trees)
            yield cls(*trees)
        finally:
            for each in opening:
                each.cancel()
            for tree in await asyncio.gather(*opening, return_exceptions=True):
                if isinstance(tree, Tree):
                    tree.close()

    async def plan(self) -> Plan:
        """Looks at both sides; changes nothing.

        Raises:
            UsageFault: .studioignore makes no sense.
            StudioError: a side cannot be looked at.
        """
        texts = await self._source.ask("ignore")
        asked = {
            "rules": [rule for text in texts for rule in rules(text)],
            "defaults": rules("\n".join(DEFAULTS)),
        }
        await self._recall()
        ours, theirs = await self._both("survey", name=self._name, **asked)
        source, target = (_applied(self._base, told) for told in (ours, theirs))
        if paths := doubtful(source, target):
            for tree, entries in ((self._source, source), (self._target, target)):
                entries.update(manifest(await tree.ask("digests", paths=paths)))
        machines = {
            Side.SOURCE: _in_a_name(self._source.place.name),
            Side.TARGET: _in_a_name(self._target.place.name),
        }
        return plan(
            self._base,
            source,
            target,
            copies(machines, _stamp(), {**source, **target}),
            left=[*ours["left"], *ours["hidden"], *theirs["left"], *theirs["hidden"]],
            caseless=any(tree.facts["caseless"] for tree in (self._source, self._target)),
        )

    async def carry(self, first: Plan | None = None, report: Report | None = None) -> Outcome:
        """Makes both folders one.

        Whatever ends it, both are as whole as they were: files come into a stage first, and take
        their places one by one, each whole, when all have come. The next carry goes on from there.

        Args:
            first: what plan() returned, when it is to be done as it was shown.

        Raises:
            DiskFull: there is no room; nothing has changed.
            ConnectionLost: a machine is gone.
            StudioError: files cannot be carried.
        """
        stamp, carried, displaced = _stamp(), 0, False
        conflicts: list[Conflict] = []
        now = first or await self.plan()
        left: dict[str, str] = {}
        for number in range(ROUNDS):
            if number:
                now = await self.plan()
            left = await self._round(now, stamp, report or (lambda progress: None))
            carried += len(now.to_source.wanted) + len(now.to_target.wanted)
            conflicts += now.conflicts
            displaced |= now.to_source.displaces or now.to_target.displaces
            if not left:
                break
        await self._remember(now, left)
        done = {path: why for path, why in left.items() if path not in now.held}
        return Outcome(
            carried,
            tuple(conflicts),
            {**now.held, **done},
            f".studio-trash/{stamp}" if displaced else "",
        )

    async def _round(self, now: Plan, stamp: str, report: Report) -> dict[str, str]:
        """Everything once; path to reason of what has to be looked at again."""
        ways = [
            (self._source, self._target, now.to_target),
            (self._target, self._source, now.to_source),
        ]
        progress = Progress(
            all_files=sum(len(steps.wanted) for _, _, steps in ways),
            all_bytes=sum(steps.bytes for _, _, steps in ways),
        )

        def moved(files: int, size: int) -> None:
            progress.files += files
            progress.bytes += size
            report(progress)

        changed: set[str] = set()
        for source, target, steps in ways:
            changed |= set(await _stage(source, target, steps, moved))
        left = dict.fromkeys(changed, "it changed while it was carried")
        for _, target, steps in ways:
            if steps:
                message = steps.message()
                message["places"] = [each for each in message["places"] if each[0] not in changed]
                left |= dict(await target.ask("settle", steps=message, stamp=stamp))
        return left

    async def _both(self, do: str, **arguments: Any) -> tuple[Any, Any]:
        """One question about the other side to both at once."""
        return await asyncio.gather(
            self._source.ask(do, peer=self._target.place.name, **arguments),
            self._target.ask(do, peer=self._source.place.name, **arguments),
        )

    async def _recall(self) -> None:
        """The newest that both sides remember; nothing when there is none."""
        ours, theirs = await self._both("known")
        name = next((each for each in ours if each in theirs), "")
        self._last = bool(name) and name == ours[0] == theirs[0]
        if name != self._name:
            peer = self._target.place.name
            told = await self._source.ask("base", peer=peer, name=name) if name else []
            self._base, self._name = manifest(told), name

    async def _remember(self, now: Plan, left: Collection[str]) -> None:
        if now.empty and self._last:
            return
        base = {path: entry for path, entry in now.base().items() if path not in left}
        for path in (*now.held, *left):
            if path in self._base:
                base[path] = self._base[path]
        name, old = secrets.token_hex(8), self._base
        changed = {path: entry for path, entry in base.items() if old.get(path) != entry}
        gone = sorted(old.keys() - base.keys())
        await self._both("keep", name=name, since=self._name, rows=rows(changed), gone=gone)
        self._base, self._name, self._last = base, name, True


async def carry(source: Place, target: Place) -> Outcome:
    """Makes two folders one; raises as Carrier.opened and Carrier.carry do."""
    async with Carrier.opened(source, target) as carrier:
        return await carrier.carry()


async def _stage(
    source: Tree, target: Tree, steps: Steps, moved: Callable[[int, int], None]
) -> list[str]:
    """Brings what is wanted into the target's stage; returns what changed meanwhile."""
    if not steps.wanted:
        return []
    entries = steps.wanted
    told = await target.ask("make_stage", wanted=_wanted(entries))
    whole = set(told["whole"])
    missing = {path: entry for path, entry in entries.items() if path not in whole}
    moved(len(whole), sum(entries[path].size for path in whole))
    dense = {path: entry for path, entry in missing.items() if not entry.sparse}
    needed = sum(entry.size for entry in dense.values())
    if needed > told["free"]:
        raise disk_full(target.place, needed, told["free"])
    try:
        if needed >= RSYNC_FROM and await usable(source, target):
            await rsync(source, list(dense), target, moved)
            missing = {path: entry for path, entry in missing.items() if entry.sparse}
        if missing:
            await stream(source, _wanted(missing), target, moved)
    except DiskFull:
        await target.ask("drop_stage")
        raise
    changed: list[str] = await source.ask("changed", wanted=_wanted(entries))
    return changed


def _wanted(entries: Mapping[str, Entry]) -> list[Any]:
    return [[path, entry.mode, entry.size, entry.mtime] for path, entry in entries.items()]


def _applied(base: Manifest, told: Mapping[str, Any]) -> Manifest:
    """What a side is, of what it was and what it says is other than that."""
    found = dict(base)
    for path in told["gone"]:
        found.pop(path, None)
    found.update(manifest(told["rows"]))
    return found


def _check_git(source: Tree, target: Tree) -> None:
    for tree in (source, target):
        if not tree.facts["git"] and any(each.facts["repository"] for each in (source, target)):
            raise NotFound(
                f"there is no git on {tree.place.name}, and the folder is a git repository",
                "install git there: it says which files are ignored",
            )


def _stamp() -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())


def _in_a_name(machine: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", machine).strip(".-")[:40] or "machine"
