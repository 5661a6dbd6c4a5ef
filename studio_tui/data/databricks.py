"""Databricks: Unity Catalog as a tree, tables by the statement API, files of volumes."""

from __future__ import annotations

import contextlib
import io
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import Any

from studio_tui.data.source import (
    PAGE,
    Checksum,
    Entry,
    Going,
    Page,
    Read,
    Rows,
    lacks,
)
from studio_tui.errors import NotFound, Refused, StudioError, UsageFault
from studio_tui.settings.secrets import secret

HTTP_SECONDS = 20
RETRY_SECONDS = 15
STATEMENT_SECONDS = "20s"
"""How long a statement is waited for; the service takes 50 s at most."""
LISTINGS = 16
"""So many listings that are not at their end are kept open."""
_LOGIN = "on the host's computer: databricks auth login, or host and token in data.toml"


class Databricks:
    """One workspace.

    A path is `CATALOG/SCHEMA/NAME`; below a volume of that name come its folders and files.

    Args:
        name: the source's name.
        table: of data.toml; empty for what the SDK finds by itself.
    """

    def __init__(self, name: str, table: Mapping[str, Any]) -> None:
        self.name = name
        self._table = table
        self._making = threading.Lock()
        self._made: Any = None
        self._ahead: dict[tuple[str, bool, str], Iterator[Entry]] = {}

    # -- looking ------------------------------------------------------------------------------

    def page(
        self, path: str, token: str = "", *, most: int = PAGE, deep: bool = False,
        versions: bool = False,
    ) -> Page:  # fmt: skip
        """See `Source.page`; the token is how many entries came before."""
        parts = [part for part in path.split("/") if part]
        with self._told(path):
            found = self._ahead.pop((path, deep, token), None)
            if found is None:
                found = iter(self._files_below(parts) if deep else self._entries(parts))
                found = islice(found, int(token or 0), None)
            entries = list(islice(found, most))
            following = next(found, None)
        if following is None:
            return Page(entries)
        token = str(int(token or 0) + len(entries))
        # Whoever asks for the next page finds the listing where it stopped; else it begins anew.
        while len(self._ahead) >= LISTINGS:
            self._ahead.pop(next(iter(self._ahead)), None)
        self._ahead[path, deep, token] = chain([following], found)
        return Page(entries, token)

    def _entries(self, parts: Sequence[str]) -> Iterator[Entry]:
        client, above = self._client, "/".join(parts)
        if not parts:
            yield from (_folder(one.name) for one in client.catalogs.list())
        elif len(parts) == 1:
            yield from (_folder(f"{above}/{one.name}") for one in client.schemas.list(parts[0]))
        elif len(parts) == 2:
            for volume in client.volumes.list(*parts):
                yield _folder(f"{above}/{volume.name}", "volume")
            for table in client.tables.list(*parts, omit_columns=True):
                yield _table(f"{above}/{table.name}", table)
        else:
            for one in client.files.list_directory_contents(f"/Volumes/{above}"):
                at = f"{above}/{one.name}"
                yield _folder(at) if one.is_directory else _file(at, one)

    def _files_below(self, parts: Sequence[str]) -> Iterator[Entry]:
        if len(parts) < 3:
            raise UsageFault(
                f"{self.name}://{'/'.join(parts)} is no volume", "name CATALOG/SCHEMA/VOLUME/"
            )
        ahead, top = [list(parts)], "/".join(parts)
        while ahead:
            for entry in self._entries(ahead.pop()):
                if entry.kind == "folder":
                    ahead.append(entry.path.strip("/").split("/"))
                else:
                    yield replace(entry, name=entry.path[len(top) + 1 :])

    def stat(self, path: str, version: str = "") -> Entry:
        """See `Source.stat`."""
        parts = path.split("/")
        if len(parts) < 3 or not all(parts):
            raise UsageFault(f"{self.name}://{path} is no file and no table", "list what is in it")
        with self._told(path):
            if len(parts) == 3:
                return _table(path, self._client.tables.get(".".join(parts)))
            told = self._client.files.get_metadata(_volume_path(path))
        modified = _moment(told.last_modified)
        tag = str(told.last_modified or "")
        return Entry(path, parts[-1], "file", told.content_length, modified, tag)

    def read(self, entry: Entry, start: int, length: int) -> bytes:
        """See `Source.read`: by ranges, which the SDK's own download does not ask for."""
        if length <= 0 or start >= (entry.size or 0):
            return b""
        end = min(start + length, entry.size or 0) - 1
        headers = {"Range": f"bytes={start}-{end}", "Accept": "application/octet-stream"}
        with self._told(entry.path):
            answer = self._client.api_client.do(
                "GET", _files_api(entry.path), headers=headers, raw=True,
                response_headers=["last-modified"],
            )  # fmt: skip
            with contextlib.closing(answer["contents"]) as body:
                data = body.read()
        if len(data) == entry.size and end + 1 - start != entry.size:
            data = data[start : end + 1]  # the range was passed over
        if len(data) != end + 1 - start or _other(entry, answer.get("last-modified")):
            what = f"{self.name}://{entry.path}"
            raise StudioError(f"{what} has changed while it was read", "ask for it again")
        return bytes(data)

    def checksum(self, entry: Entry) -> Checksum | None:
        """Databricks keeps none."""
        return None

    def rows(self, path: str, most: int | None) -> Rows:
        """See `Source.rows`."""
        parts = path.split("/")
        if len(parts) != 3:
            raise UsageFault(f"{self.name}://{path} is no table", "write CATALOG/SCHEMA/TABLE")
        name = ".".join(f"`{part.replace('`', '``')}`" for part in parts)
        limit = "" if most is None else f" LIMIT {max(most, 0)}"
        with self._told(path):
            counted = self._statement(f"SELECT count(*) FROM {name}").result.data_array
            told = self._statement(f"SELECT * FROM {name}{limit}")
            known = told.manifest.schema.columns or ()
            columns = [(one.name, (one.type_text or "").lower()) for one in known]
        return Rows(columns, self._all(path, told), int(counted[0][0]))

    def _statement(self, text: str) -> Any:
        told = self._client.statement_execution.execute_statement(
            statement=text, warehouse_id=self._warehouse, wait_timeout=STATEMENT_SECONDS
        )
        state = told.status.state.value if told.status and told.status.state else "UNKNOWN"
        if state != "SUCCEEDED":
            error = told.status.error.message if told.status and told.status.error else ""
            said = f"{self.name}: the query is {state.lower()} {error}".strip()[:300]
            raise StudioError(said, "the warehouse may be starting: try again in a minute")
        return told

    def _all(self, path: str, told: Any) -> Iterator[Sequence[object]]:
        kinds = [(one.type_text or "").lower() for one in told.manifest.schema.columns or ()]
        with self._told(path):
            for row in self._chunks(told):
                yield [value_of(text, kind) for text, kind in zip(row, kinds, strict=True)]

    def _chunks(self, told: Any) -> Iterator[Sequence[str | None]]:
        """Rows, chunk by chunk."""
        result = told.result
        while result is not None:
            yield from result.data_array or ()
            following = result.next_chunk_index
            if following is None:
                return
            ask = self._client.statement_execution.get_statement_result_chunk_n
            result = ask(told.statement_id, following)

    @property
    def _warehouse(self) -> str:
        named = self._table.get("warehouse") or self._client.config.warehouse_id
        if named:
            return str(named)
        for one in self._client.warehouses.list():
            return str(one.id)
        raise NotFound(f"{self.name} has no SQL warehouse", "name one: warehouse in data.toml")

    # -- changing -----------------------------------------------------------------------------

    def write(self, path: str, size: int, read: Read, going: Going) -> Entry:
        """See `Source.write`; it is sent anew after a break."""
        where = _volume_path(path)
        with self._told(path):
            self._client.files.upload(where, _Sent(size, read, going), overwrite=True)
        return self.stat(path)

    def link(self, path: str, seconds: int) -> str:
        """Databricks gives none: UsageFault."""
        raise lacks(self.name, "links")

    def lend(self, path: str, seconds: int) -> dict[str, str]:
        """Databricks lends nothing: what a job needs of it is copied beforehand."""
        return {}

    # -- the client ---------------------------------------------------------------------------

    @property
    def _client(self) -> Any:
        with self._making:
            if self._made is None:
                self._made = self._make()
            return self._made

    def _make(self) -> Any:
        try:
            from databricks.sdk import WorkspaceClient
            from databricks.sdk.core import Config
        except ImportError:
            raise lacking("databricks") from None
        given = {key: self._table[key] for key in ("host", "profile") if key in self._table}
        if "token" in self._table:
            given["token"] = secret(self._table["token"])
        limits: dict[str, Any] = {"http_timeout_seconds": HTTP_SECONDS}
        limits["retry_timeout_seconds"] = RETRY_SECONDS
        return WorkspaceClient(config=Config(**given, **limits))

    @contextlib.contextmanager
    def _told(self, path: str) -> Iterator[None]:
        """What the SDK raises, as a StudioError without anything secret in it."""
        try:
            yield
        except StudioError:
            raise
        except (OSError, ValueError, TimeoutError) as problem:
            raise self._meant(path, problem) from None

    def _meant(self, path: str, problem: Exception) -> StudioError:
        kind, what = type(problem).__name__, f"{self.name}://{path}"
        if kind in ("NotFound", "ResourceDoesNotExist"):
            return NotFound(f"there is no {what}", "list what is around it: studio-tui data ls")
        if kind in ("Unauthenticated", "PermissionDenied"):
            said = "does not accept" if kind == "Unauthenticated" else "does not allow that with"
            return Refused(f"{self.name} {said} the credentials", _LOGIN)
        if isinstance(problem, ValueError):
            return Refused(f"there are no usable credentials for {self.name}", _LOGIN)
        said = " ".join(str(problem).split())[:200]
        if kind in ("BadRequest", "InvalidParameterValue"):
            return UsageFault(f"{self.name} refuses {what}: {said}", "check its spelling")
        if isinstance(problem, TimeoutError) or "requests" in type(problem).__module__:
            return NotFound(f"{self.name} cannot be reached", "check host in data.toml")
        return StudioError(f"{self.name} refuses {what}: {said}", f"it calls this {kind}")


class _Sent(io.RawIOBase):
    """What is uploaded, as a file object that tells how far it was read."""

    def __init__(self, size: int, read: Read, going: Going) -> None:
        super().__init__()
        self._size, self._fetch, self._going = size, read, going
        self._at = self._furthest = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        self._going.check()
        left = max(0, self._size - self._at)
        data = self._fetch(self._at, left if size is None or size < 0 else min(size, left))
        self._at += len(data)
        if self._at > self._furthest:
            self._going.step(self._at - self._furthest)
            self._furthest = self._at
        return data


def value_of(text: str | None, kind: str) -> object:
    """A value that a statement's answer spells out, by its column's type."""
    if text is None:
        return None
    if kind in ("tinyint", "smallint", "int", "bigint"):
        return int(text)
    if kind in ("float", "double"):
        return float(text)
    return text == "true" if kind == "boolean" else text


def lacking(extra: str) -> UsageFault:
    """The error of a package that is not installed."""
    return UsageFault(
        f"{extra} needs a package that is not installed", f"pip install 'studio-tui[{extra}]'"
    )


def _volume_path(path: str) -> str:
    parts = path.split("/")
    if len(parts) < 4 or not all(parts) or ".." in parts:
        raise UsageFault(f"{path} is no file of a volume", "write CATALOG/SCHEMA/VOLUME/FILE")
    return f"/Volumes/{path}"


def _files_api(path: str) -> str:
    from urllib.parse import quote

    return f"/api/2.0/fs/files{quote(_volume_path(path))}"


def _folder(path: str, note: str = "") -> Entry:
    return Entry(f"{path}/", path.rpartition("/")[2], "folder", note=note)


def _table(path: str, told: Any) -> Entry:
    moment = told.updated_at / 1000 if told.updated_at else None
    kind = told.table_type.value.lower().replace("_", " ") if told.table_type else ""
    tag = str(told.updated_at or "")
    return Entry(path, path.rpartition("/")[2], "table", modified=moment, tag=tag, note=kind)


def _file(path: str, told: Any) -> Entry:
    moment = told.last_modified / 1000 if told.last_modified else None
    return Entry(path, path.rpartition("/")[2], "file", told.file_size, moment)


def _moment(text: str | None) -> float | None:
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except ValueError:
        return None


def _other(entry: Entry, modified: object) -> bool:
    return bool(entry.tag and modified) and entry.tag != modified
