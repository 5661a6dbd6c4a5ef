"""`rooms`, `check`, `backup`: what is in a store, and whether it is whole."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from relay_server.cli.given import default_store, store_option
from relay_server.errors import BadSetting, StoreFailed

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator


@click.command()
@store_option
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


@click.command()
@store_option
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


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@store_option
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

    path = sqlite_path(store or default_store())
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
