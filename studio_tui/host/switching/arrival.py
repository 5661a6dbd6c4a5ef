"""What comes with the studio's folder to another machine, and what people should look at there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from studio_tui.host.machines.sites import Site
from studio_tui.machines.carry.carrier import Outcome
from studio_tui.machines.carry.tree import Place
from studio_tui.machines.catalogue import LOCAL
from studio_tui.machines.environment.build import Environment
from studio_tui.machines.environment.drift import drift
from studio_tui.machines.environment.look import look
from studio_tui.machines.environment.recipe import Torch, accelerator, recipe
from studio_tui.machines.install import describe

NAMED = 3
"""How many paths, and packages, a note names."""


async def prepare(source: Site, target: Site, tell: Callable[[str], None]) -> list[str]:
    """Build the environment on the target; returns how it differs from the source's.

    What is on the host's own computer is left to whoever works there.

    Args:
        tell: given each line that the building prints.
    """
    if target.machine.kind == LOCAL:
        return []
    environment = await _environment(target)
    await environment.build(tell)
    ours = await Environment(source.connection, source.folder, Torch()).packages()
    theirs = await environment.packages()
    if not ours or not theirs:
        return []
    return drift(source.machine.id, ours, target.machine.id, theirs)[:NAMED]


def place(site: Site) -> Place:
    """The studio's folder on a machine, to be carried."""
    return Place(site.machine.id, site.connection, site.folder)


async def _environment(site: Site) -> Environment:
    facts = await describe(site.connection, site.payload)
    return Environment(site.connection, site.folder, Torch(accelerator(facts)))


async def environment_planned(source: Site, target: Site) -> str:
    """What decides the environment on the target, in words; the files are not there yet."""
    if target.machine.kind == LOCAL:
        return ""
    facts = await describe(target.connection, target.payload)
    seen = await look(source.connection, source.folder)
    found = recipe(seen, Torch(accelerator(facts)))
    return f"built from {found.source}" if found else ""


def to_look_at(outcomes: Sequence[Outcome]) -> list[str]:
    """What people should look at after files were carried, in words."""
    conflicts = [conflict for outcome in outcomes for conflict in outcome.conflicts]
    told = [f"{each.path} changed on both, see {each.copy}" for each in conflicts[:NAMED]]
    if len(conflicts) > NAMED:
        told.append(f"{len(conflicts) - NAMED} more changed on both")
    left = outcomes[-1].left
    told += [f"{path}: {why}" for path, why in list(left.items())[:NAMED]]
    trash = sorted({outcome.trash for outcome in outcomes if outcome.trash})
    return told + [f"what was displaced is in {folder}" for folder in trash]
