"""`token`, `invite`, `invites`, `revoke`, `role`: who may come in, and as what."""

from __future__ import annotations

from pathlib import Path

import click

from relay_server.cli.given import default_key, key_option, seconds
from relay_server.errors import BadSetting


@click.command()
@click.argument("studio")
@click.option("--role", required=True, help="owner, editor, viewer or host.")
@click.option("--expires", default="8h", show_default=True, help="90s, 30m, 8h, 7d.")
@click.option("--name", help="Pins the person's name; otherwise the client chooses it.")
@key_option
def token(studio: str, role: str, expires: str, name: str | None, key: Path | None) -> None:
    """Print a token for STUDIO and the rooms below it ("*": all rooms).

    It is what a Hocuspocus client sends as `token` and a y-websocket client as `?token=`.

    \b
    Example:
      studio-relay token calm-otter --role viewer --expires 2h --name ci
    """
    from relay_server.keys import Keys

    keys = Keys.load(key or default_key())
    made = keys.mint(room=studio, role=role, name=name, expires=seconds(expires))
    click.echo(made)
    click.echo(f"revoke it with: studio-relay revoke {keys.verify(made).jti}", err=True)


@click.command()
@click.argument("studio", required=False)
@click.option("--role", help="editor, viewer, owner or host.")
@click.option("--expires", default="8h", show_default=True, help="90s, 30m, 8h, 7d.")
@click.option("--name", help="Pins the guest's name; otherwise the guest chooses it.")
@click.option(
    "--relay",
    "url",
    envvar="STUDIO_RELAY_URL",
    default="ws://127.0.0.1:8484",
    show_default=True,
    help="Where the guest reaches the relay.",
)
@click.option("--revoke", metavar="ID", help="End an invite, and whoever came in by it.")
@key_option
@click.pass_context
def invite(
    context: click.Context,
    studio: str | None,
    role: str | None,
    expires: str,
    name: str | None,
    url: str,
    revoke: str | None,
    key: Path | None,
) -> None:
    """Print an invite to STUDIO, good for one guest until it expires.

    The guest's access ends with it. What follows # is the secret: programs do not send or log it.

    \b
    Example:
      studio-relay invite calm-otter --role viewer --expires 2h
      studio-relay invite --revoke 3f2a9c51b0de
    """
    from relay_server.invites import InviteBook, link
    from relay_server.keys import Keys
    from relay_server.member import display_name

    if revoke:
        context.invoke(revoke_command, id=revoke, key=key)
        return
    if not studio or not role:
        raise click.UsageError("an invite needs STUDIO and --role")
    if not url.startswith(("ws://", "wss://")):
        raise BadSetting(f"no relay's URL: {url}", "--relay wss://relay.example.com")
    Keys.load(key or default_key())
    made, code = InviteBook.beside(key or default_key()).make(
        room=studio,
        role=role,
        expires=seconds(expires),
        name=display_name(name or "") or None,
        by="studio-relay",
    )
    click.echo(link(url, made.room, code))
    click.echo(f"revoke it with: studio-relay revoke {made.id}", err=True)


@click.command()
@click.argument("studio", required=False)
@key_option
def invites(studio: str | None, key: Path | None) -> None:
    """List the invites, to STUDIO or to all, as JSON.

    \b
    Example:
      studio-relay invites calm-otter
    """
    import json

    from relay_server.audit import Audit
    from relay_server.invites import InviteBook
    from relay_server.keys import Keys
    from relay_server.registrar import Registrar

    book = InviteBook.beside(key or default_key())
    registrar = Registrar(Keys.load(key or default_key()), book, Audit(None))
    found = [
        {"studio": i.room, **registrar.told(i)} for i in book.all() if studio in (None, i.room)
    ]
    click.echo(json.dumps(found, indent=2))


@click.command("revoke")
@click.argument("id")
@key_option
def revoke_command(id: str, key: Path | None) -> None:
    """End the token or the invite with this ID; whoever came in by it is out within a second.

    \b
    Example:
      studio-relay revoke 3f2a9c51b0de
    """
    from relay_server.keys import Keys

    Keys.load(key or default_key()).revoke(id)
    click.echo(f"revoked {id}")


@click.command("role")
@click.argument("id")
@click.argument("role")
@key_option
def role_command(id: str, role: str, key: Path | None) -> None:
    """Give the token or the invite with this ID another ROLE, in force within a second.

    \b
    Example:
      studio-relay role 3f2a9c51b0de viewer
    """
    from relay_server.keys import Keys

    Keys.load(key or default_key()).change_role(id, role)
    click.echo(f"{id} is {role} now")
