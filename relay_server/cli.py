"""The command line, `studio-relay`. What a command needs is imported inside it."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from relay_server.errors import BadSetting, RelayError, StoreFailed

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    from relay_server.settings import RelaySettings

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def state_dir() -> Path:
    """Where the relay keeps its key and its store unless told otherwise."""
    home = os.environ.get("STUDIO_HOME")
    if home:
        return Path(home).expanduser() / "state" / "relay"
    import platformdirs

    return Path(platformdirs.user_state_path("studio-tui")) / "relay"


def seconds(text: str) -> float:
    """A duration like `90s`, `30m`, `8h`, `7d`, in seconds.

    Raises:
        BadSetting: not such a duration.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw])", text)
    if not found:
        raise BadSetting(f"no such duration: {text}", "a number and a unit: 90s, 30m, 8h, 7d")
    return float(found[1]) * _UNITS[found[2]]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def relay() -> None:
    """The relay of studio-tui: rooms, roles, presence and a durable log.

    Any Yjs client can join: Hocuspocus on /, y-websocket on /<room>.

    \b
    Example:
      studio-relay serve
      studio-relay token calm-otter --role editor --expires 8h
    """


_key_option = click.option(
    "--key", type=click.Path(path_type=Path), help="File of the signing key, made when missing."
)
_store_option = click.option(
    "--store", help="sqlite:///PATH or memory:  [default: sqlite in the state folder]"
)


@relay.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8484, show_default=True, help="Port; 0 takes a free one.")
@_store_option
@_key_option
@click.option("--tls-cert", type=click.Path(path_type=Path), help="Certificate, PEM.")
@click.option("--tls-key", type=click.Path(path_type=Path), help="Its key, PEM.")
@click.option("--insecure", is_flag=True, help="Listen beyond this machine without TLS.")
@click.option("--origin", multiple=True, help="Origin header to accept, for browsers; repeatable.")
@click.option("--metrics-port", type=int, help="Serve /metrics on a port of its own, too.")
@click.option("--public-url", help="Where clients reach it, for invites: wss://relay.example.com")
@click.option("--audit", type=click.Path(path_type=Path), help="Append who did what to this file.")
@click.option(
    "--per-address",
    type=click.IntRange(1),
    metavar="N",
    help="Connections at once from one address; all clients of a proxy are one.  [default: 2500]",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
    help="What is told on stderr.",
)
@click.option("--log-json", is_flag=True, help="JSON lines on stderr.")
def serve(
    host: str,
    port: int,
    store: str | None,
    key: Path | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    insecure: bool,
    origin: tuple[str, ...],
    metrics_port: int | None,
    public_url: str | None,
    audit: Path | None,
    per_address: int | None,
    log_level: str,
    log_json: bool,
) -> None:
    """Run the relay in the foreground until SIGTERM or ctrl+c.

    \b
    Example:
      studio-relay serve --host 0.0.0.0 --tls-cert relay.pem --tls-key relay.key
    """
    import asyncio

    from relay_server.limits import Limits
    from relay_server.logs import log_to
    from relay_server.places import raise_limit
    from relay_server.settings import RelaySettings

    log_to(sys.stderr, log_level, log_json)
    raise_limit()
    settings = RelaySettings(
        host=host,
        port=port,
        store=store or _default_store(),
        key_path=key or _default_key(),
        tls_cert=tls_cert,
        tls_key=tls_key,
        insecure=insecure,
        origins=origin,
        metrics_port=metrics_port,
        public_url=public_url,
        audit=audit,
        limits=Limits(per_address=per_address) if per_address else Limits(),
    )
    asyncio.run(_serve(settings))


async def _serve(settings: RelaySettings) -> None:
    import asyncio
    import signal

    from relay_server.serve import calm_collector, serve

    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, over.set)
    async with serve(settings) as running:
        calm_collector()
        click.echo(f"relay at {running.url}, key in {settings.key_path}")
        sys.stdout.flush()
        await over.wait()


@relay.command()
@click.argument("studio")
@click.option("--role", required=True, help="owner, editor, viewer or host.")
@click.option("--expires", default="8h", show_default=True, help="90s, 30m, 8h, 7d.")
@click.option("--name", help="Pins the person's name; otherwise the client chooses it.")
@_key_option
def token(studio: str, role: str, expires: str, name: str | None, key: Path | None) -> None:
    """Print a token for STUDIO and the rooms below it ("*": all rooms).

    It is what a Hocuspocus client sends as `token` and a y-websocket client as `?token=`.

    \b
    Example:
      studio-relay token calm-otter --role viewer --expires 2h --name ci
    """
    from relay_server.keys import Keys

    keys = Keys.load(key or _default_key())
    made = keys.mint(room=studio, role=role, name=name, expires=seconds(expires))
    click.echo(made)
    click.echo(f"revoke it with: studio-relay revoke {keys.verify(made).jti}", err=True)


@relay.command()
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
@_key_option
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
    Keys.load(key or _default_key())
    made, code = InviteBook.beside(key or _default_key()).make(
        room=studio,
        role=role,
        expires=seconds(expires),
        name=display_name(name or "") or None,
        by="studio-relay",
    )
    click.echo(link(url, made.room, code))
    click.echo(f"revoke it with: studio-relay revoke {made.id}", err=True)


@relay.command()
@click.argument("studio", required=False)
@_key_option
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

    book = InviteBook.beside(key or _default_key())
    registrar = Registrar(Keys.load(key or _default_key()), book, Audit(None))
    found = [
        {"studio": i.room, **registrar.told(i)} for i in book.all() if studio in (None, i.room)
    ]
    click.echo(json.dumps(found, indent=2))


@relay.command("revoke")
@click.argument("id")
@_key_option
def revoke_command(id: str, key: Path | None) -> None:
    """End the token or the invite with this ID; whoever came in by it is out within a second.

    \b
    Example:
      studio-relay revoke 3f2a9c51b0de
    """
    from relay_server.keys import Keys

    Keys.load(key or _default_key()).revoke(id)
    click.echo(f"revoked {id}")


@relay.command("role")
@click.argument("id")
@click.argument("role")
@_key_option
def role_command(id: str, role: str, key: Path | None) -> None:
    """Give the token or the invite with this ID another ROLE, in force within a second.

    \b
    Example:
      studio-relay role 3f2a9c51b0de viewer
    """
    from relay_server.keys import Keys

    Keys.load(key or _default_key()).change_role(id, role)
    click.echo(f"{id} is {role} now")


@relay.command()
@_store_option
@click.option("--json", is_flag=True, expose_value=False, help="As JSON, which it always is.")
def rooms(store: str | None) -> None:
    """List the rooms of a store, as JSON.

    \b
    Example:
      studio-relay rooms --json --store sqlite:////var/lib/relay/journal.db
    """
    import json

    found = "SELECT room FROM log UNION SELECT room FROM snapshot ORDER BY room"
    with _reading(store) as db:
        out = [_room(db, name) for (name,) in db.execute(found).fetchall()]
    click.echo(json.dumps(out, indent=2))


@relay.command()
@_store_option
def check(store: str | None) -> None:
    """Check a store: the file itself, and every update in it.

    \b
    Example:
      studio-relay check --store sqlite:////var/lib/relay/journal.db
    """
    from relay_server.journal.sqlite import read_rows
    from relay_server.lobby import salvage

    bad = 0
    with _reading(store) as db:
        verdict = str(db.execute("PRAGMA integrity_check").fetchone()[0])
        names = db.execute("SELECT room FROM log UNION SELECT room FROM snapshot").fetchall()
        for (name,) in names:
            broken = salvage(read_rows(db, name)).bad
            bad += len(broken)
            for row in broken:
                click.echo(f"{name}: row {row.seq} cannot be applied")
        aside = int(db.execute("SELECT count(*) FROM quarantine").fetchone()[0])
        found = "SELECT room, count(*) FROM quarantine GROUP BY room ORDER BY room"
        for name, count in db.execute(found).fetchall():
            click.echo(f"{name}: {count} updates set aside")
    if verdict != "ok" or bad:
        raise StoreFailed(
            f"store is damaged: file {verdict}, {bad} bad updates",
            "bad updates are set aside when their room is loaded; restore a damaged file",
        )
    click.echo(f"ok: {len(names)} rooms, {aside} updates set aside")


@relay.command()
@click.argument("file", type=click.Path(path_type=Path))
@_store_option
def backup(file: Path, store: str | None) -> None:
    """Copy a store to FILE, also while a relay uses it.

    \b
    Example:
      studio-relay backup /backups/relay-monday.db
    """
    import sqlite3

    if file.exists():
        raise BadSetting(f"{file} exists already", "give a new file")
    with _reading(store) as db:
        try:
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        except OSError as error:
            raise BadSetting(
                f"{file} cannot be written: {error.strerror}", "give another"
            ) from error
        copy = sqlite3.connect(file)
        try:
            db.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # so that a medium to read is enough
        except BaseException:
            file.unlink()  # half a copy is none
            raise
        finally:
            copy.close()
    click.echo(f"copied to {file}")


@contextlib.contextmanager
def _reading(store: str | None) -> Iterator[sqlite3.Connection]:
    """The SQLite file of a store URL, for a command that changes nothing in it."""
    import sqlite3

    from relay_server.journal import sqlite_path

    path = sqlite_path(store or _default_store())
    if not path.exists():
        raise StoreFailed(f"no store at {path}", "give another with --store")
    try:
        with contextlib.closing(
            sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=10)
        ) as db:
            yield db
    except sqlite3.Error as error:
        raise StoreFailed(
            f"store {path} cannot be read: {error}", "is it a relay's, and whole? see its backups"
        ) from error


def _room(db: sqlite3.Connection, name: str) -> dict[str, object]:
    count, size = db.execute(
        "SELECT count(*), coalesce(sum(length(body)), 0) FROM log WHERE room=?", (name,)
    ).fetchone()
    state = db.execute("SELECT length(body) FROM snapshot WHERE room=?", (name,)).fetchone()
    (aside,) = db.execute("SELECT count(*) FROM quarantine WHERE room=?", (name,)).fetchone()
    return {
        "room": name,
        "updates": count,
        "bytes": size + (state[0] if state else 0),
        "set_aside": aside,
    }


def _default_key() -> Path:
    return state_dir() / "key.pem"


def _default_store() -> str:
    folder = state_dir()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreFailed(
            f"folder {folder} cannot be made: {error}", "give --store and --key, or STUDIO_HOME"
        ) from error
    return f"sqlite:///{folder / 'journal.db'}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs a command and ends the process; errors are two lines on stderr."""
    try:
        relay.main(arguments, prog_name="studio-relay", standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "studio-relay"
        _fail(error.format_message(), f"{where} --help", 2)
    except click.exceptions.Exit as leaving:
        sys.exit(leaving.exit_code)
    except click.ClickException as error:
        _fail(error.format_message(), "", error.exit_code)
    except RelayError as error:
        _fail(error.message, error.hint, error.exit_code)


def _fail(message: str, hint: str, code: int) -> None:
    click.echo(f"error: {message}", err=True)
    if hint:
        click.echo(f"hint: {hint}", err=True)
    sys.exit(code)
