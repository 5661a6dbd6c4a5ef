"""Snowflake: databases, schemas, tables and stages, by what every PEP-249 connector can do."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from studio_tui.data.source import PAGE, Checksum, Entry, Going, Page, Read, Rows, lacking, lacks
from studio_tui.errors import NotFound, Refused, StudioError, UsageFault
from studio_tui.settings.secrets import secret

LOGIN_SECONDS, ANSWER_SECONDS = 15, 25
FETCHED = 2000
"""Rows that are asked for at once."""
_LOGIN = "on the host's computer: ~/.snowflake/connections.toml, or user and password in data.toml"
_MISSING = 2003
_WRONG = (250001, 251006, 390100, 390144)
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
        if parts[2].startswith("@"):
            return self._staged(path, parts, deep)
        raise UsageFault(f"{self.name}://{path} is no folder", "look at it: studio-tui data head")

    def _staged(self, path: str, parts: Sequence[str], deep: bool) -> list[Entry]:
        stage = f"@{'.'.join(map(quoted, [*parts[:2], parts[2][1:]]))}"
        below, top = "/".join(parts[3:]), "/".join(parts[:3])
        found: dict[str, Entry] = {}
        for row in self._shown(path, f"LIST {stage}"):
            inside = str(row["name"]).partition("/")[2]
            rest = inside[len(below) :].lstrip("/") if inside.startswith(below) else ""
            if rest:
                first, _, deeper = rest.partition("/")
                at = f"{top}/{f'{below}/' if below else ''}{rest if deep else first}"
                entry = Entry(at, rest, "file", int(row["size"]), tag=str(row.get("md5") or ""))
                found.setdefault(at, entry if deep or not deeper else _folder(at))
        return list(found.values())

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
        """See `Source.stat`."""
        parts = _named(self.name, path)
        where = ".".join(map(quoted, parts[:2]))
        for row in self._shown(path, f"SHOW TABLES IN SCHEMA {where}"):
            if row["name"] == parts[2]:
                return _table(path, row)
        with self._cursor(path) as cursor:  # a view, or nothing
            cursor.execute(f"SELECT * FROM {'.'.join(map(quoted, parts))} LIMIT 0")
        return Entry(path, parts[2], "table", note="view")

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

    # -- what it has not ----------------------------------------------------------------------

    def read(self, entry: Entry, start: int, length: int) -> bytes:
        """A stage gives no ranges: UsageFault."""
        raise lacks(self.name, "files that are read by ranges: name a table")

    def checksum(self, entry: Entry) -> Checksum | None:
        """Snowflake keeps none of a table."""
        return None

    def write(self, path: str, size: int, read: Read, going: Going) -> Entry:
        """Nothing is written there: UsageFault."""
        raise lacks(self.name, "place for files: use COPY INTO in SQL")

    def link(self, path: str, seconds: int) -> str:
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
        table = self._table
        plain = ("account", "user", "role", "warehouse", "host", "port", "protocol")
        given = {key: table[key] for key in plain if key in table}
        given |= {key: secret(table[key]) for key in ("password", "token") if key in table}
        if "connection" in table:
            given["connection_name"] = table["connection"]
        return snowflake.connector.connect(
            **given, login_timeout=LOGIN_SECONDS, network_timeout=ANSWER_SECONDS
        )


def meant(source: str, path: str, problem: Any) -> StudioError:
    """What an error of the connector says about `path`."""
    what, number = f"{source}://{path}", problem.errno
    if number in _WRONG and "could not connect" not in str(problem).lower():
        return Refused(f"{source} does not accept the credentials", _LOGIN)
    if number == _MISSING:
        return NotFound(f"there is no {what}, or it may not be seen", "list what is around it")
    if type(problem).__name__ in ("OperationalError", "InterfaceError"):
        return unreached(source)
    said = " ".join(str(getattr(problem, "raw_msg", "") or problem).split())[:200]
    return StudioError(f"{source} refuses {what}: {said}", f"it calls this {number}")


def unreached(source: str) -> NotFound:
    """The error of an account that does not answer."""
    return NotFound(f"{source} cannot be reached", "check the network, and account in data.toml")


def quoted(name: str) -> str:
    """A name as SQL has it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


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
