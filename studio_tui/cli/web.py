"""The app in a browser."""

from __future__ import annotations

import asyncio
import socket
from types import ModuleType

import click

from studio_tui.cli.output import say, this_program
from studio_tui.errors import StudioError


@click.command(
    short_help="Show a studio in a browser on this machine.",
    epilog="Example: studio-tui web calm-otter --port 8000 --as alice",
)
@click.argument("studio")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Where; a free one by default."
)
@click.option("--as", "person", metavar="NAME", help="How the others see you.")
def web(studio: str, port: int, person: str | None) -> None:
    """Show STUDIO in a browser, by the link that is printed; ctrl+c ends it, not the studio.

    The link lets in whoever has it, as you: keep it to yourself, and invite others with `share`.
    It works on this machine alone, and has no TLS of its own: from another machine let ssh carry
    it, ssh -L 8000:127.0.0.1:8000 BOX, with --port 8000 over there.
    """
    from studio_tui.client import invite, locate

    pages = _pages()
    attached = locate.attach(studio, person)
    if invite.is_invite(studio):
        # Good once, so it is used here, where its refusal is told; windows come by the id.
        asyncio.run(attached.find())
    listening = _listening(port)
    door = pages.Door(listening.getsockname()[1])
    click.echo(door.link)
    say(f"{attached.id} in a browser, until ctrl+c")
    command = pages.command_for(attached.id, person)
    asyncio.run(pages.serve(pages.Pages(command, door, f"studio {attached.id}"), listening))
    say(f"the studio goes on: {this_program()} attach {attached.id}")


def _pages() -> ModuleType:
    try:
        from studio_tui.cli import pages
    except ModuleNotFoundError as missing:
        raise StudioError(
            f"{missing.name} is not installed", "pip install 'studio-tui[web]'"
        ) from None
    return pages


def _listening(port: int) -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
        listening.listen()  # whoever is quick with the link waits for the page
    except OSError as problem:
        listening.close()
        raise StudioError(
            f"port {port} cannot be had: {problem.strerror}", "leave --port out for a free one"
        ) from None
    return listening
