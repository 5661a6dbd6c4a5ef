"""What a studio's host does when it is asked, beside the things that are followed live."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from studio_tui.client.sharing import Guests
from studio_tui.client.tree import Tree
from studio_tui.document.entries import read_as
from studio_tui.meters.sample import Sample


@dataclass(frozen=True)
class Stopped:
    """What became of a studio that was stopped: terminals that ended, jobs that go on."""

    terminals: int = 0
    jobs: int = 0


class Services:
    """The part of a studio that is nothing but calls; `Studio` says how they are made."""

    meters: dict[str, Sample]

    async def query(self, method: str, **params: Any) -> dict[str, Any]:
        """Ask the host something that changes nothing."""
        raise NotImplementedError

    async def command(self, method: str, **params: Any) -> dict[str, Any]:
        """Have the host do something."""
        raise NotImplementedError

    @cached_property
    def guests(self) -> Guests:
        """Invites to the studio, for its owner."""
        return Guests(self)

    @cached_property
    def tree(self) -> Tree:
        """The studio's folder: what is in it is found, made, moved and deleted."""
        return Tree(self)

    async def load_meters(self) -> dict[str, Sample]:
        """Fetch the newest sample of each machine at once; `meters` keeps them, and goes on."""
        told = await self.query("meters.latest")
        found = {id: value for id, value in told.items() if isinstance(value, dict)}
        samples = {id: Sample.from_dict(value) for id, value in found.items()}
        self.meters.update(samples)
        return samples

    async def stop(self) -> Stopped:
        """Stop the studio for everybody: its terminals end, its jobs go on.

        Raises:
            Refused: a viewer.
        """
        return read_as(Stopped, await self.command("studio.stop"))
