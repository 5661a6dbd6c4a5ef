"""Snowflake: databases, schemas, tables and stages, by what every PEP-249 connector can do."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from studio_tui.data import stage
from studio_tui.data.source import PAGE, Checksum, Entry, Going, Page, Read, Rows, lacking, lacks
from studio_tui.data.stage import Place, Staged, quoted
from studio_tui.data.staging import Staging
from studio_tui.errors import NotFound, Refused, StudioError, UsageFault
from studio_tui.settings.secrets import secret

LOGIN_SECONDS, ANSWER_SECONDS = 15, 25
FETCHED = 2000
"""Rows that are asked for at once."""
_LOGIN = (
    "~/.snowflake/connections.toml, or account, user and password in data.toml; a studio uses its "
    "host's"
)
_MISSING = 2003
_WRONG = (250001, 390100, 390144)
_ABSENT = (251001, 251005, 251006)
_STORAGE = (253002, 253003, 253006)
_TYPES = ("number", "real", "text", "date", "timestamp", "variant", "timestamp_ltz", "timestamp_tz",
          "timestamp_ntz", "object", "array", "binary", "time", "boolean")  # fmt: skip
"""The connector's numbers of types, in their order."""


class Snowflake:
    """One account. A path is `DATABASE/SCHEMA/NAME`; a stage is a folder whose name begins with @.

    Args:
        name: the source's name.
        table: of data.toml; empty for the default of connections.toml.
    """

    def __init__(self, name: str, table: Mapping[str, Any]) -> None:
        self.name = name
        self._table = table
        self._asking = threading.RLock()
        self._made: Any = None
        self._staging = Staging(self._given, lambda path, e: meant(name, path, e))

    # -- looking ------------------------------------------------------------------------------

    def page(
        self, path: str, token: str = "", *, most: int = PAGE, deep: bool = False,
        versions: bool = False,
    ) -> Page:  # fmt: skip
        """See `Source.page`; the token is how many entries came before."""
        entries = self._entries(path, [part for part in path.split("/") if part], deep)
        before = int(token or 0)
        more = len(entries) > before + most
        return Page(entries[before : before + most], str(before + most) if more else "")

    def _entries(self, path: str, parts: Sequence[str], deep: bool) -> list[Entry]:
        above = "/".join(parts)
        if not parts:
            return [_folder(name) for name in self._names(path, "SHOW DATABASES")]
        if len(parts) == 1:
            asked = f"SHOW SCHEMAS IN DATABASE {quoted(parts[0])}"
            return [_folder(f"{above}/{name}") for name in self._names(path, asked)]
        where = ".".join(map(quoted, parts[:2]))
        if len(parts) == 2:
            tables = self._shown(path, f"SHOW TABLES IN SCHEMA {where}")
            stages = self._shown(path, f"SHOW STAGES IN SCHEMA {where}", may_fail=True)
            found = [_table(f"{above}/{row['name']}", row) for row in tables]
            return [*(_folder(f"{above}/@{row['name']}") for row in stages), *found]
        if (place := stage.place(path)) is not None:
            return stage.level(self._files(path, place), place, deep=deep)
        raise UsageFault(f"{self.name}://{path} is no folder", "look at it: studio-tui data head")

    def _files(self, path: str, where: Place) -> Iterator[Entry]:
        """Every file at a place in a stage and below it."""
        rows = self._shown(path, f"LIST {where.named(where.inside)}")
        url = self._url(path, where) if rows and "://" in str(rows[0]["name"]) else ""
        return stage.files(rows, where, url)

    def _url(self, path: str, where: Place) -> str:
        """The bucket that a stage stands for; "" of one that keeps its files itself."""
        schema = ".".join(map(quoted, where[:2]))
        shown = self._shown(path, f"SHOW STAGES IN SCHEMA {schema}")
        return next((str(row["url"] or "") for row in shown if row["name"] == where.stage), "")

    def _names(self, path: str, asked: str) -> list[str]:
        return [str(row["name"]) for row in self._shown(path, asked)]

    def _shown(self, path: str, asked: str, *, may_fail: bool = False) -> list[dict[str, Any]]:
        """The rows of a SHOW, by the names of their columns.

        Args:
            may_fail: a server that does not know it shows nothing.
        """
        try:
            with self._cursor(path) as cursor:
                cursor.execute(asked)
                names = [column[0].lower() for column in cursor.description]
                return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        except StudioError:
            if may_fail:
                return []
            raise

    def stat(self, path: str, version: str = "") -> Entry:
        """See `Source.stat`; of a file in a stage, as it is kept there."""
        if (place := stage.place(path)) is not None and place.inside:
            return self._stat_file(path, place)
        parts = _named(self.name, path)
        where = ".".join(map(quoted, parts[:2]))
        for row in self._shown(path, f"SHOW TABLES IN SCHEMA {where}"):
            if row["name"] == parts[2]:
                return _table(path, row)
        with self._cursor(path) as cursor:  # a view, or nothing
            cursor.execute(f"SELECT * FROM {'.'.join(map(quoted, parts))} LIMIT 0")
        return Entry(path, parts[2], "table", note="view")

    def _stat_file(self, path: str, where: Place) -> Entry:
        for entry in self._files(path, where):
            if entry.name == where.inside:
                return replace(entry, name=entry.name.rpartition("/")[2])
        raise NotFound(f"there is no {self.name}://{path}", "list what is around it")

    def rows(self, path: str, most: int | None) -> Rows:
        """See `Source.rows`."""
        name = ".".join(map(quoted, _named(self.name, path)))
        with self._cursor(path) as cursor:
            cursor.execute(f"SELECT count(*) FROM {name}")
            (total,) = cursor.fetchone()
            cursor.execute(f"SELECT * FROM {name} LIMIT 0")
            columns = [(column[0], _type(column[1])) for column in cursor.description]
        limit = "" if most is None else f" LIMIT {max(most, 0)}"
        return Rows(columns, self._fetched(path, f"SELECT * FROM {name}{limit}"), int(total))

    def _fetched(self, path: str, asked: str) -> Iterator[Sequence[object]]:
        with self._cursor(path) as cursor:
            cursor.execute(asked)
            while rows := cursor.fetchmany(FETCHED):
                yield from rows

    # -- files of stages ----------------------------------------------------------------------

    @contextlib.contextmanager
    def opened(self, entry: Entry, going: Going, most: int | None = None) -> Iterator[Entry]:
        """See `Source.opened`: it is fetched into a folder of this computer meanwhile."""
        if (where := stage.place(entry.path)) is None:
            raise lacks(self.name, f"file {entry.path}")
        if most is not None and (entry.size or 0) > most:
            raise UsageFault(
                f"{self.name} gives files only whole, and {entry.name} has {entry.size} bytes",
                "copy it: studio-tui data get",
            )
        if url := self._url(entry.path, where):
            raise _elsewhere(entry.path, f"{url.rstrip('/')}/{where.inside}")
        with self._staging.fetched(entry, where, going) as staged:
            yield staged

    def read(self, entry: Entry, start: int, length: int) -> bytes:
        """See `Source.read`; of what is opened."""
        if not isinstance(entry, Staged):
            raise lacks(self.name, "files that are read by ranges: name a table")
        with open(entry.at, "rb") as file:
            return os.pread(file.fileno(), length, start)

    def checksum(self, entry: Entry) -> Checksum | None:
        """See `Source.checksum`; none of a table, nor of what is encrypted before it is sent."""
        return stage.sum_of(entry)

    def write(self, path: str, size: int, read: Read, going: Going) -> Entry:
        """See `Source.write`; it is sent anew after a break."""
        if (where := stage.place(path)) is None:
            raise UsageFault(f"{path} is in no stage", "write DATABASE/SCHEMA/@STAGE/FILE")
        stage.check_name(where)
        if url := self._url(path, where):
            raise _elsewhere(path, f"{url.rstrip('/')}/{where.inside}")
        sent = self._staging.send(where, size, read, going)
        return stage.arrived(self._stat_file(path, where), size, sent)

    def link(self, path: str, seconds: int, version: str = "") -> str:
        """Snowflake gives none: UsageFault."""
        raise lacks(self.name, "links")

    def lend(self, path: str, seconds: int) -> dict[str, str]:
        """Snowflake lends nothing: what a job needs of it is copied beforehand."""
        return {}

    # -- the connection -----------------------------------------------------------------------

    @contextlib.contextmanager
    def _cursor(self, path: str) -> Iterator[Any]:
        """A cursor of the one connection, one at a time, and its errors in words."""
        with self._asking:
            try:
                if self._made is None:
                    self._made = self._connect()
                cursor = self._made.cursor()
                try:
                    yield cursor
                finally:
                    cursor.close()
            except StudioError:
                raise
            except (OSError, ValueError, RuntimeError) as problem:
                raise unreached(self.name) from problem
            except Exception as problem:
                # The connector's errors have no root that could be named without loading it.
                if not hasattr(problem, "errno"):
                    raise
                if isinstance(problem, self._interface):
                    self._made = None
                raise meant(self.name, path, problem) from None

    @property
    def _interface(self) -> tuple[type[Exception], ...]:
        from snowflake.connector import errors

        return (errors.InterfaceError, errors.OperationalError)

    def _connect(self) -> Any:
        try:
            import snowflake.connector
        except ImportError:
            raise lacking("snowflake") from None
        return snowflake.connector.connect(**self._given())

    def _given(self) -> dict[str, Any]:
        """What a connection is made with; it may hold secrets."""
        table = self._table
        plain = ("account", "user", "role", "warehouse", "host", "port", "protocol")
        given = {key: table[key] for key in plain if key in table}
        given |= {key: secret(table[key]) for key in ("password", "token") if key in table}
        if "connection" in table:
            given["connection_name"] = table["connection"]
        return given | {"login_timeout": LOGIN_SECONDS, "network_timeout": ANSWER_SECONDS}


def meant(source: str, path: str, problem: Any) -> StudioError:
    """What an error of the connector says about `path`."""
    what, number = f"{source}://{path}", problem.errno
    if number in _WRONG and "could not connect" not in str(problem).lower():
        return Refused(f"{source} does not accept the credentials", _LOGIN)
    if number in _ABSENT:
        return Refused(f"there are no usable credentials for {source}", _LOGIN)
    if number == _MISSING:
        return NotFound(f"there is no {what}, or it may not be seen", "list what is around it")
    if number in _STORAGE:
        # What the connector says of it may hold the link that it used: it is not repeated.
        return StudioError(
            f"{what} could not be carried from or to the storage of {source}",
            "is it open to this network? SELECT SYSTEM$ALLOWLIST() names its addresses",
        )
    if getattr(problem, "kind", type(problem).__name__) in ("OperationalError", "InterfaceError"):
        return unreached(source)
    said = " ".join(str(getattr(problem, "raw_msg", "") or problem).split())[:200]
    return StudioError(f"{source} refuses {what}: {said}", f"it calls this {number}")


def unreached(source: str) -> NotFound:
    """The error of an account that does not answer."""
    return NotFound(f"{source} cannot be reached", "check the network, and account in data.toml")


def _named(source: str, path: str) -> list[str]:
    parts = path.split("/")
    if len(parts) != 3 or not all(parts) or parts[2].startswith("@"):
        raise UsageFault(f"{source}://{path} is no table", "write DATABASE/SCHEMA/TABLE")
    return parts


def _folder(path: str) -> Entry:
    return Entry(f"{path}/", path.rpartition("/")[2], "folder")


def _table(path: str, row: Mapping[str, Any]) -> Entry:
    rows, size = row.get("rows"), row.get("bytes")
    note = "" if rows is None else f"{rows} rows"
    known = None if size is None else int(size)
    return Entry(path, path.rpartition("/")[2], "table", known, note=note)


def _type(code: object) -> str:
    return _TYPES[code] if isinstance(code, int) and 0 <= code < len(_TYPES) else str(code)


def _elsewhere(path: str, url: str) -> UsageFault:
    """The error of a stage that stands for a bucket, which GET and PUT know nothing of."""
    return UsageFault(f"{path} lies in a bucket, not in Snowflake", f"name it there: {url}")
