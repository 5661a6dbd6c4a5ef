"""Machines that a studio can run on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from studio_tui.cli.group import Group
from studio_tui.cli.output import emit, json_option, table
from studio_tui.cli.switch import switch

if TYPE_CHECKING:
    from studio_tui.machines.catalogue import Machine


@click.group(cls=Group, epilog="Example: studio-tui machine ls --json")
def machine() -> None:
    """Show the machines that a studio can run on."""


@machine.command("ls", epilog="Example: studio-tui machine ls --json")
@json_option
def ls(as_json: bool) -> None:
    """List the machines: this one, so far."""
    import asyncio

    found = asyncio.run(machines())
    rows = [
        [m.id, m.kind, m.state, m.cpus, _gib(m.memory_bytes), ", ".join(g.name for g in m.gpus)]
        for m in found
    ]
    text = table(["ID", "KIND", "STATE", "CPUS", "MEMORY", "GPUS"], rows, "no machine")
    emit([m.to_dict() for m in found], as_json, text)


async def machines() -> list[Machine]:
    """The machines of the catalogue, those that can be reached described."""
    from studio_tui.machines.catalogue import LOCAL, Catalogue
    from studio_tui.machines.install import describe, install
    from studio_tui.machines.local import LocalConnection
    from studio_tui.settings import paths

    connection = LocalConnection(paths.machine_root())
    try:
        facts = await describe(connection, await install(connection))
    finally:
        await connection.close()
    return [m.described(facts) if m.id == LOCAL else m for m in Catalogue()]


def _gib(size: int | None) -> str:
    return "-" if size is None else f"{size / 1024**3:.0f} GiB"


machine.add_command(switch)
