"""Where the nodes of a job meet: whose address, which port, over which interfaces."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio_tui.errors import StudioError

if TYPE_CHECKING:
    from studio_tui.machines.connection import Connection

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Address:
    """An IPv4 address of a machine, on an interface ("" when its name is not known)."""

    interface: str
    ip: str
    prefix: int

    @property
    def network(self) -> ipaddress.IPv4Network:
        """The network that it is in."""
        return ipaddress.IPv4Network(f"{self.ip}/{self.prefix}", strict=False)


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """What a machine says of itself; see payload/meet.py."""

    machine: str
    boot: str
    addresses: tuple[Address, ...]
    port: int


@dataclass(frozen=True, slots=True)
class Post:
    """The place of one node in a job of several.

    Attributes:
        node: its number, from 0, of `nodes`.
        host, port: where they meet, on node 0.
        local, interface: the address and the interface by which this node is reached.
    """

    node: int
    nodes: int
    host: str
    port: int
    local: str
    interface: str


async def ask(machine: str, connection: Connection, python: str, payload: str) -> Whereabouts:
    """Asks a machine where it can be met.

    Raises:
        StudioError: its answer makes no sense.
    """
    done = (await connection.run([python, f"{payload}/meet.py"])).check(
        f"asking {machine} for its address"
    )
    try:
        told = json.loads(done.stdout)
        found = tuple(Address(str(i), str(a), int(p)) for i, a, p in told["addresses"])
        for address in found:
            ipaddress.IPv4Address(address.ip)
        return Whereabouts(machine, str(told["boot"]), found, int(told["port"]))
    except (ValueError, KeyError, TypeError) as problem:
        raise StudioError(
            f"{machine} does not say where it can be met: {done.stdout[:80]!r}",
            f"run {python} {payload}/meet.py there to see why",
        ) from problem


def posts(nodes: Sequence[Whereabouts]) -> list[Post]:
    """The post of each node.

    On one computer they meet on the loopback; else in the first network that all are in; else each
    by its first address.

    Raises:
        StudioError: a machine has no address.
    """
    if len({node.boot for node in nodes}) == 1:
        chosen = [Address("lo", LOOPBACK, 8)] * len(nodes)
    else:
        chosen = _in_one_network(nodes) or [_first(node) for node in nodes]
    host, port = chosen[0].ip, nodes[0].port
    return [
        Post(number, len(nodes), host, port, address.ip, address.interface)
        for number, address in enumerate(chosen)
    ]


def _in_one_network(nodes: Sequence[Whereabouts]) -> list[Address]:
    for first in nodes[0].addresses:
        same = [
            next((a for a in node.addresses if a.network == first.network), None) for node in nodes
        ]
        # Equal addresses on two computers, a container bridge's say, lead nowhere.
        found = [address for address in same if address is not None]
        if len({address.ip for address in found}) == len(nodes):
            return found
    return []


def _first(node: Whereabouts) -> Address:
    if not node.addresses:
        raise StudioError(
            f"{node.machine} has no address that other machines could reach",
            "give it a network that the job's other machines are in",
        )
    return node.addresses[0]
