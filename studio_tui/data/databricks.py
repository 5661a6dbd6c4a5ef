"""Databricks: Unity Catalog as a tree, tables by the statement API, files of volumes."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import Any

from studio_tui.data.outgoing import Outgoing
from studio_tui.data.source import (
    PAGE,
    Checksum,
    Entry,
    Going,
    Page,
    Read,
    ReadInPlace,
    Rows,
    lacking,
    lacks,
)
from studio_tui.data.unity import (
    file_of,
    files_api,
    folder_of,
    is_other,
    moment_of,
    table_of,
    value_of,
    volume_path,
)
from studio_tui.errors import NotFound, Refused, StudioError, UsageFault
from studio_tui.settings.secrets import secret

HTTP_SECONDS = 20
RETRY_SECONDS = 15
STATEMENT_SECONDS = "20s"
"""How long a statement is waited for; the service takes 50 s at most."""
LISTINGS = 16
"""So many listings that are not at their end are kept open."""
_LOGIN = "databricks auth login, or host and token in data.toml; a studio uses its host's"


class Databricks(ReadInPlace):
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
            yield from (folder_of(one.name) for one in client.catalogs.list())
        elif len(parts) == 1:
            yield from (folder_of(f"{above}/{one.name}") for one in client.schemas.list(parts[0]))
        elif len(parts) == 2:
            for volume in client.volumes.list(*parts):
                yield folder_of(f"{above}/{volume.name}", "volume")
            for table in client.tables.list(*parts, omit_columns=True):
                yield table_of(f"{above}/{table.name}", table)
        else:
            for one in client.files.list_directory_contents(f"/Volumes/{above}"):
                at = f"{above}/{one.name}"
                yield folder_of(at) if one.is_directory else file_of(at, one)

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
                return table_of(path, self._client.tables.get(".".join(parts)))
            told = self._client.files.get_metadata(volume_path(path))
        modified = moment_of(told.last_modified)
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
                "GET", files_api(entry.path), headers=headers, raw=True,
                response_headers=["last-modified"],
            )  # fmt: skip
            with contextlib.closing(answer["contents"]) as body:
                data = body.read()
        if len(data) == entry.size and end + 1 - start != entry.size:
            data = data[start : end + 1]  # the range was passed over
        if len(data) != end + 1 - start or is_other(entry, answer.get("last-modified")):
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
        where = volume_path(path)
        with self._told(path):
            self._client.files.upload(where, Outgoing(size, read, going), overwrite=True)
        return self.stat(path)

    def link(self, path: str, seconds: int, version: str = "") -> str:
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
