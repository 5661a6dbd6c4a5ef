"""Ports of a studio's machines: what serves there, led to this computer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from studio_tui.cli.group import Group
from studio_tui.cli.output import emit, json_option, plain, say, table

if TYPE_CHECKING:
    from studio_tui.client.studio import Studio
    from studio_tui.document.entries import PortEntry


@click.group(cls=Group, epilog="Example: studio-tui port forward calm-otter 8000")
def port() -> None:
    """See what serves in a studio, and reach it from here.

    PORT is a number on a machine's loopback: that of a job started with --serve, or any other.
    """


machine_option = click.option(
    "-m", "--machine", metavar="M", help="Whose port; the studio's machine by default."
)


@port.command("ls", epilog="Example: studio-tui port ls calm-otter --json")
@click.argument("studio")
@json_option
def ls(studio: str, as_json: bool) -> None:
    """List the ports that are forwarded, and how the servers behind them are."""
    from studio_tui.cli.attached import attached

    async def load(joined: Studio) -> list[PortEntry]:
        return joined.ports.list()

    found = attached(studio, load)
    rows = [[p.port, p.machine, p.state, p.job or "-", p.note or "-"] for p in found]
    empty = f"nothing serves; start a server: studio-tui job run {studio} --serve -- serve.py"
    text = table(["PORT", "MACHINE", "STATE", "JOB", "NOTE"], rows, empty)
    emit([p.plain() for p in found], as_json, text)


@port.command("forward", epilog="Example: studio-tui port forward calm-otter 8000 --at 9000")
@click.argument("studio")
@click.argument("number", metavar="PORT", type=click.IntRange(1, 65535))
@machine_option
@click.option("--at", type=click.IntRange(0, 65535), default=0, help="The port wished for here.")
@json_option
def forward(studio: str, number: int, machine: str | None, at: int, as_json: bool) -> None:
    """Have PORT listen on this computer's loopback, until ctrl+c.

    It goes through the relay and the studio's host, encrypted as they are, and is open to this
    computer alone. Owners and editors may.
    """
    from studio_tui.cli.attached import attached

    async def lead(joined: Studio) -> None:
        async with await joined.ports.forward(number, machine=machine, at=at) as led:
            where = {"url": led.url, "port": led.port, "id": led.entry.id}
            emit(where, as_json, led.url)
            say(f"{plain(led.entry.id)} is here; ctrl+c ends that")
            await led.wait()

    try:
        attached(studio, lead, patient=True)
    except (KeyboardInterrupt, asyncio.CancelledError):
        say("forwarded no more")


@port.command("close", epilog="Example: studio-tui port close calm-otter 8000")
@click.argument("studio")
@click.argument("number", metavar="PORT", type=click.IntRange(1, 65535))
@machine_option
def close(studio: str, number: int, machine: str | None) -> None:
    """Give a forwarded port back, for everybody; that of a job ends with its job."""
    from studio_tui.cli.attached import attached

    attached(studio, lambda joined: joined.ports.close(number, machine))
    say(f"port {number} is forwarded no more")
