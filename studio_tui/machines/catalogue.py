"""The machines a studio knows of, as people and scripts see them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from studio_tui.errors import NotFound, UsageFault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from studio_tui.machines.install import Facts

LOCAL = "local"
KINDS = (LOCAL,)  # those that can be connected to


@dataclass(frozen=True, slots=True)
class MachineGPU:
    """A GPU that a machine has; memory in bytes, None when it does not tell."""

    name: str
    memory_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine.

    Attributes:
        id: its name in machines.toml, or "local".
        kind: how it is reached.
        state: "up", "down" or "unknown".
        cpus: processors that a job may use.
        price_per_hour: in the currency of whoever wrote machines.toml; 0 for one's own.
        max_jobs: so many of a studio's jobs run there at once; None for no limit.
    """

    id: str
    kind: str = LOCAL
    state: str = "unknown"
    cpus: int | None = None
    memory_bytes: int | None = None
    gpus: tuple[MachineGPU, ...] = ()
    price_per_hour: float | None = None
    max_jobs: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """As documents and --json have it."""
        told = asdict(self) | {"gpus": [asdict(gpu) for gpu in self.gpus]}
        del told["max_jobs"]
        return told

    def described(self, facts: Facts, *, state: str = "up") -> Machine:
        """The same machine with what describe() found on it."""
        return Machine(
            id=self.id,
            kind=self.kind,
            state=state,
            cpus=facts.cpus,
            memory_bytes=facts.memory_bytes,
            gpus=facts.gpus,
            price_per_hour=self.price_per_hour,
            max_jobs=self.max_jobs,
        )


class Catalogue:
    """The local machine, and those of machines.toml.

    Args:
        entries: its `[machines.NAME]` tables.

    Raises:
        UsageFault: an entry is no table, of no known kind, or has no sound price.
    """

    def __init__(self, entries: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self._machines = {LOCAL: Machine(LOCAL, price_per_hour=0.0)}
        for name, entry in (entries or {}).items():
            self._machines[name] = _entered(name, entry)

    def __iter__(self) -> Any:
        return iter(self._machines.values())

    def find(self, name: str) -> Machine:
        """Raises NotFound when there is no such machine."""
        try:
            return self._machines[name]
        except KeyError:
            raise NotFound(
                f"there is no machine {name!r}", f"there are {', '.join(self._machines)}"
            ) from None


def _entered(name: str, entry: Mapping[str, Any]) -> Machine:
    kind = entry.get("kind") if hasattr(entry, "get") else None
    if kind not in KINDS:
        raise UsageFault(
            f"machine {name!r} has the unknown kind {kind!r}", f"use {' or '.join(KINDS)}"
        )
    price = entry.get("price_per_hour", 0.0)
    if isinstance(price, bool) or not isinstance(price, (int, float)) or price < 0:
        raise UsageFault(
            f"machine {name!r} has the price {price!r}", "write a number, such as 6.98"
        )
    most = entry.get("max_jobs")
    if most is not None and (isinstance(most, bool) or not isinstance(most, int) or most < 1):
        raise UsageFault(
            f"machine {name!r} has the max_jobs {most!r}", "write a whole number from 1 on"
        )
    return Machine(name, kind=kind, price_per_hour=float(price), max_jobs=most)
