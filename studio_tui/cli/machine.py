"""Machines that a studio can run on."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from studio_tui.cli.group import Group
from studio_tui.cli.output import emit, json_option, plain, say, table
from studio_tui.cli.switch import stay, switch

if TYPE_CHECKING:
    from studio_tui.machines.catalogue import Catalogue, Machine
    from studio_tui.machines.host_keys import NewHostKey
    from studio_tui.machines.power import Power
    from studio_tui.machines.ssh_login import Questions


@click.group(
    short_help="Manage machines, and take a studio to one.",
    cls=Group,
    epilog="Example: studio-tui machine ls --json",
)
def machine() -> None:
    """Show, add, check, start the machines that a studio can run on, and take one there."""


@machine.command("ls", epilog="Example: studio-tui machine ls --json")
@click.option("--timeout", default=5.0, show_default=True, help="Seconds that a machine may take.")
@click.option("--all", "everything", is_flag=True, help="Try ssh's configured hosts, too.")
@json_option
def ls(timeout: float, everything: bool, as_json: bool) -> None:
    """List the machines of machines.toml and the hosts of ssh's configuration."""
    import asyncio

    from studio_tui.machines import catalogue

    found = asyncio.run(machines(catalogue.load(), timeout, everything))
    rows = [
        [m.id, m.kind, m.state, m.cpus, _gib(m.memory_bytes), _gpus(m), m.price_per_hour, _note(m)]
        for m in found
    ]
    header = ["ID", "KIND", "STATE", "CPUS", "MEMORY", "GPUS", "PER HOUR", ""]
    emit([m.to_dict() for m in found], as_json, table(header, rows, "no machine"))


async def machines(known: Catalogue, timeout: float, everything: bool) -> list[Machine]:
    """The machines, those that can be reached in time described; all are tried at once.

    Args:
        timeout: seconds for each.
        everything: hosts that were only found are tried, too.
    """
    import asyncio

    return await asyncio.gather(
        *(probed(m, timeout) if everything or not m.found else _as_it_is(m) for m in known)
    )


async def _as_it_is(machine: Machine) -> Machine:
    return machine


async def probed(machine: Machine, timeout: float) -> Machine:
    """The machine described, or down; why goes to stderr.

    Args:
        timeout: seconds.
    """
    import asyncio
    from dataclasses import replace

    from studio_tui.errors import StudioError
    from studio_tui.machines.dial import dial_for
    from studio_tui.machines.install import describe, install

    try:
        async with asyncio.timeout(timeout):
            connection = await dial_for(machine)()
            try:
                return machine.described(await describe(connection, await install(connection)))
            finally:
                await connection.close()
    except TimeoutError:
        say(f"{machine.id} does not answer within {timeout:g} seconds")
    except StudioError as problem:
        say(plain(f"{machine.id}: {problem.message}"))
        say(plain(f"  hint: {problem.hint}"))
    return replace(machine, state="down")


@machine.command("add", epilog="Example: studio-tui machine add gpu-box --host 10.0.0.7 --user ann")
@click.argument("name")
@click.option(
    "--kind", type=click.Choice(["ssh", "ec2", "slurm"]), default="ssh", show_default=True,
    help="How it is reached; ec2 and slurm need more keys, see docs/machines.md.",
)  # fmt: skip
@click.option("--host", help="Any name that ssh understands; NAME itself when left out.")
@click.option("--user", help="The login name there.")
@click.option("--port", type=int, help="The port of its ssh server.")
@click.option("--identity-file", help="The private key to log in with.")
@click.option("--folder", help="Where studios' files go there.")
@click.option("--price", "price_per_hour", type=float, help="What an hour of it costs.")
def add(name: str, **given: Any) -> None:
    """Add a machine to machines.toml; nothing is connected to yet."""
    from studio_tui.machines.machines_file import add
    from studio_tui.settings import paths

    entry = {key: value for key, value in given.items() if value is not None}
    if entry["kind"] == "ssh":
        entry.setdefault("host", name)
    add(paths.machines_file(), name, entry)
    say(
        f"added {name} to {paths.machines_file()}; look at it with: studio-tui machine check {name}"
    )


@machine.command("rm", epilog="Example: studio-tui machine rm gpu-box")
@click.argument("name")
def rm(name: str) -> None:
    """Remove a machine from machines.toml; on the machine nothing changes."""
    from studio_tui.machines.machines_file import remove
    from studio_tui.settings import paths

    remove(paths.machines_file(), name)
    say(f"removed {name} from {paths.machines_file()}")


@machine.command("check", epilog="Example: studio-tui machine check gpu-box")
@click.argument("name")
@json_option
def check(name: str, as_json: bool) -> None:
    """Connect to a machine, and say what is there, what is missing and what to do about it."""
    import asyncio
    from dataclasses import asdict

    from studio_tui.machines import catalogue
    from studio_tui.machines.check import check
    from studio_tui.machines.dial import dial_for

    found, code = asyncio.run(check(dial_for(catalogue.load().find(name), _questions())))
    width = max(len(finding.what) for finding in found)
    lines = []
    for finding in found:
        lines.append(plain(f"{finding.state:4}  {finding.what:{width}}  {finding.detail}"))
        if finding.hint:
            lines.append(plain(f"      {'':{width}}  {finding.hint}"))
    emit([asdict(finding) for finding in found], as_json, "\n".join(lines))
    sys.exit(code)


@machine.command("start", epilog="Example: studio-tui machine start cluster")
@click.argument("name")
@click.option("--restart", is_flag=True, help="Stop it first where it is to have another type.")
def start(name: str, restart: bool) -> None:
    """Start an EC2 instance, or ask Slurm for an allocation, and wait until it is there."""
    import asyncio

    asyncio.run(_power(name).start(lambda words: say(plain(words)), restart=restart))
    say(f"{name} is up")


@machine.command("stop", epilog="Example: studio-tui machine stop cluster")
@click.argument("name")
def stop(name: str) -> None:
    """Stop an EC2 instance, or give a Slurm allocation back; what runs there ends."""
    import asyncio

    asyncio.run(_power(name).stop(lambda words: say(plain(words))))
    say(f"{name} is stopped")


def _power(name: str) -> Power:
    from studio_tui.errors import UsageFault
    from studio_tui.machines import catalogue
    from studio_tui.machines.power import power_for

    machine = catalogue.load().find(name)
    power = power_for(machine, _questions())
    if power is None:
        raise UsageFault(
            f"{name} is of kind {machine.kind}, and simply there",
            "machines of kind ec2 and slurm are started and stopped",
        )
    return power


def _questions() -> Questions | None:
    """The person at the terminal answers; without a terminal, nobody."""
    from studio_tui.machines.ssh_login import Questions

    return Questions(_secret, _trusted) if sys.stdin.isatty() and sys.stderr.isatty() else None


async def _secret(prompt: str) -> str | None:
    import asyncio
    import getpass

    try:
        return await asyncio.to_thread(getpass.getpass, plain(f"{prompt}: "))
    except EOFError:
        return None


async def _trusted(question: NewHostKey) -> bool:
    import asyncio

    say(plain(f"{question.label} was never seen before. Its {question.kind} key is"))
    say(f"  {question.fingerprint}")
    say("Compare it with the host's own: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub")
    return await asyncio.to_thread(click.confirm, "Trust it from now on?", err=True)


def _gpus(machine: Machine) -> str:
    return ", ".join(gpu.name for gpu in machine.gpus)


def _note(machine: Machine) -> str:
    return "in ssh's configuration" if machine.found else ""


def _gib(size: int | None) -> str:
    return "-" if size is None else f"{size / 1024**3:.0f} GiB"


machine.add_command(switch)
machine.add_command(stay)
