"""The machines a studio knows of, as people and scripts see them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from studio_tui.errors import NotFound, UsageFault
from studio_tui.machines.ssh_hosts import hosts
from studio_tui.settings import paths
from studio_tui.settings.load import read_toml
from studio_tui.settings.schema import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from studio_tui.machines.install import Facts

LOCAL = "local"
_ALL = {"kind": str, "root": str, "folder": str, "price_per_hour": float, "max_jobs": int}
_ALL |= {"job_budget": float}
_SSH = {"host": str, "port": int, "user": str, "identity_file": str, "known_hosts": str}
_RENTED = {"sleep_after": str, "max_runtime": str}
KINDS: dict[str, dict[str, type]] = {
    LOCAL: _ALL,
    "ssh": _ALL | _SSH,
    "ec2": _ALL | _SSH | _RENTED | {"instance": str, "type": str, "region": str, "profile": str},
    "slurm": _ALL
    | _SSH
    | _RENTED
    | {"partition": str, "account": str, "qos": str, "constraint": str, "reservation": str}
    | {"gpus": object, "cpus": int, "memory": str, "time": str, "options": list},
}
"""What an entry of each kind may say, and what kind of value that is."""
_UNTOLD = ("entry", "max_jobs", "job_budget")
_KINDS_OF_VALUES = {
    str: "text",
    int: "a whole number",
    float: "a number, such as 6.98",
    list: "a list of texts",
    object: "a number, or text",
}


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
        found: it is not in machines.toml, but in ssh's configuration.
        entry: its table in machines.toml.
        max_jobs: so many of a studio's jobs run there at once; None for no limit.
        job_budget: what a job there may cost that is not given a budget; None for no limit.
    """

    id: str
    kind: str = LOCAL
    state: str = "unknown"
    cpus: int | None = None
    memory_bytes: int | None = None
    gpus: tuple[MachineGPU, ...] = ()
    price_per_hour: float | None = None
    max_jobs: int | None = None
    job_budget: float | None = None
    found: bool = False
    entry: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """As documents and --json have it."""
        told = asdict(self) | {"gpus": [asdict(gpu) for gpu in self.gpus]}
        return {name: value for name, value in told.items() if name not in _UNTOLD}

    def described(self, facts: Facts, *, state: str = "up") -> Machine:
        """The same machine with what describe() found on it."""
        return replace(
            self,
            state=state,
            cpus=facts.cpus,
            memory_bytes=facts.memory_bytes,
            gpus=facts.gpus,
        )


class Catalogue:
    """The local machine, those of machines.toml, and those of ssh's configuration.

    Args:
        entries: the `[machines.NAME]` tables.
        found: hosts that ssh's configuration names; an entry of the same name goes first.
        source: where the entries are from, for messages.

    Raises:
        UsageFault: an entry is no table, of no known kind, or has a key or value that is none.
    """

    def __init__(
        self,
        entries: Mapping[str, Mapping[str, Any]] | None = None,
        found: Iterable[str] = (),
        source: str = "machines.toml",
    ) -> None:
        self._machines = {LOCAL: Machine(LOCAL, price_per_hour=0.0)}
        for name, entry in (entries or {}).items():
            self._machines[name] = _entered(name, entry, source)
        for name in found:
            entry = {"kind": "ssh", "host": name}
            self._machines.setdefault(name, Machine(name, "ssh", found=True, entry=entry))

    def __iter__(self) -> Iterator[Machine]:
        return iter(self._machines.values())

    def find(self, name: str) -> Machine:
        """Raises NotFound when there is no such machine."""
        try:
            return self._machines[name]
        except KeyError:
            raise NotFound(
                f"there is no machine {name!r}",
                unknown_hint(name, self._machines),
            ) from None


def unknown_hint(name: str, known: Iterable[str]) -> str:
    """What to do about a machine that is not among those that are known."""
    return f"known: {', '.join(known)}; to add it: studio-tui machine add {name}"


def load() -> Catalogue:
    """This user's catalogue, as it is now.

    Raises:
        UsageFault: machines.toml has a fault.
    """
    file = paths.machines_file()
    tables = read_toml(file)
    for key in tables:
        if key != "machines":
            raise UsageFault(f"{file}: unknown key {key!r}", "write [machines.NAME]")
    entries = tables.get("machines", {})
    if not isinstance(entries, dict):
        raise UsageFault(f"{file}: machines is no table", "write [machines.NAME]")
    return Catalogue(entries, hosts(paths.ssh_config()), str(file))


def check_entry(name: str, entry: Mapping[str, Any], source: str) -> None:
    """Raises UsageFault when an entry makes no sense; the message names file and key."""
    place = f"{source}: machines.{name}"
    kind = entry.get("kind") if hasattr(entry, "get") else None
    if kind not in KINDS:
        raise UsageFault(f"{place} has the unknown kind {kind!r}", f"use {' or '.join(KINDS)}")
    if name == LOCAL and kind != LOCAL:
        raise UsageFault(f"{place}: this name is the host's own machine's", "call it otherwise")
    known = KINDS[kind]
    for key, value in entry.items():
        if key not in known:
            raise UsageFault(f"{place}: unknown key {key!r}", nearest(key, tuple(known)))
        wanted = (int, float) if known[key] is float else known[key]
        if isinstance(value, bool) or not isinstance(value, wanted):
            raise UsageFault(
                f"{place}: {key} is {value!r}", f"write {_KINDS_OF_VALUES[known[key]]}"
            )
    if entry.get("price_per_hour", 0) < 0:
        raise UsageFault(f"{place}: price_per_hour is {entry['price_per_hour']}", "write 0 or more")
    if entry.get("job_budget", 1) <= 0:
        raise UsageFault(f"{place}: job_budget is {entry['job_budget']}", "write an amount above 0")
    if entry.get("max_jobs", 1) < 1:
        raise UsageFault(f"{place}: max_jobs is {entry['max_jobs']}", "write 1 or more")
    if not 0 < entry.get("port", 22) < 65536:
        raise UsageFault(f"{place}: port is {entry['port']}", "write a port, such as 22")


def _entered(name: str, entry: Mapping[str, Any], source: str) -> Machine:
    check_entry(name, entry, source)
    price = entry.get("price_per_hour", 0.0 if entry["kind"] == LOCAL else None)
    if price is None and entry["kind"] == "ec2":
        price = _listed(entry)
    return Machine(
        name,
        kind=entry["kind"],
        price_per_hour=None if price is None else float(price),
        max_jobs=entry.get("max_jobs"),
        job_budget=entry.get("job_budget"),
        entry=dict(entry),
    )


def _listed(entry: Mapping[str, Any]) -> float | None:
    """The price of an EC2 instance's type, from the user's table or the one that is shipped."""
    from studio_tui.machines.ec2.prices import Prices

    own = paths.config_folder() / "prices.yaml"
    return Prices(own).find(entry.get("type", ""), entry.get("region", ""))
