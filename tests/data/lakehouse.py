"""A Databricks workspace over HTTP, as far as its REST API is used: catalogs, files, statements."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

TOKEN = "dapi-correct-horse"
STAMP = "Sun, 22 Nov 2026 00:00:00 GMT"
UNITY, FILES = "/api/2.1/unity-catalog/", "/api/2.0/fs/files"
FOLDERS, SQL = "/api/2.0/fs/directories", "/api/2.0/sql/statements"


class Lakehouse(ThreadingHTTPServer):
    """The workspace; `files` are those of its one volume, by path."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.files = {
            "/Volumes/main/ml/raw/a.csv": b"id,x\n1,2\n",
            "/Volumes/main/ml/raw/sub/b.bin": bytes(100),
        }
        self.rows: list[list[str | None]] = [["1", "ana", "0.5", "true"], ["2", None, "1", "false"]]
        self.statements: list[str] = []
        self.ranges: list[str] = []
        self.state = "SUCCEEDED"


COLUMNS = [("id", "BIGINT"), ("name", "STRING"), ("score", "DOUBLE"), ("good", "BOOLEAN")]
LISTS: dict[str, list[dict[str, Any]]] = {
    "catalogs": [{"name": "main"}],
    "schemas": [{"name": "ml", "catalog_name": "main"}],
    "volumes": [{"name": "raw", "catalog_name": "main", "schema_name": "ml"}],
    "tables": [{"name": "people", "table_type": "MANAGED", "updated_at": 1_800_000_000_000}],
}


class Request(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    server: Lakehouse

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _say(self, told: Any, code: int = 200, **headers: str) -> None:
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        path = unquote(parts.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._say({"error_code": "UNAUTHENTICATED", "message": "bad token"}, 401)
        elif path.startswith(UNITY):
            self._unity(path.removeprefix(UNITY), parse_qs(parts.query))
        elif path.startswith(FOLDERS):
            self._folder(path.removeprefix(FOLDERS).rstrip("/") + "/")
        elif path.startswith(FILES):
            self._file(path.removeprefix(FILES), body)
        elif path.startswith(SQL):
            self._statement(path, body)
        elif path == "/api/2.0/sql/warehouses":
            self._say({"warehouses": [{"id": "w1"}]})
        else:
            self._missing(path)

    def _missing(self, what: str) -> None:
        self._say({"error_code": "NOT_FOUND", "message": f"{what} does not exist"}, 404)

    def _unity(self, what: str, asked: dict[str, list[str]]) -> None:
        if what.startswith("tables/"):
            found = what == "tables/main.ml.people"
            self._say(LISTS["tables"][0]) if found else self._missing(what)
        elif asked.get("catalog_name", ["main"]) == ["main"]:
            self._say({what: LISTS[what]})
        else:
            self._missing(what)

    def _folder(self, path: str) -> None:
        found: dict[str, dict[str, Any]] = {}
        for name, data in self.server.files.items():
            if name.startswith(path):
                first, _, deeper = name.removeprefix(path).partition("/")
                size = {} if deeper else {"file_size": len(data)}
                told = {"name": first, "path": path + first, "is_directory": bool(deeper)}
                found[first] = told | size
        self._say({"contents": list(found.values())}) if found else self._missing(path)

    def _file(self, path: str, body: bytes) -> None:
        if self.command == "PUT":
            self.server.files[path] = body
            self._say(b"", 204)
        elif path not in self.server.files:
            self._missing(path)
        else:
            data = self.server.files[path]
            if asked := self.headers.get("Range"):
                self.server.ranges.append(asked)
                first, last = asked.removeprefix("bytes=").split("-")
                data = data[int(first) : int(last) + 1]
            self._say(data, 206 if asked else 200, Last_Modified=STAMP)

    def _statement(self, path: str, body: bytes) -> None:
        rows = self.server.rows
        if "/result/chunks/" in path:
            self._say({"data_array": rows[1:]})
            return
        text = json.loads(body)["statement"]
        self.server.statements.append(text)
        told: dict[str, Any] = {"statement_id": "s1", "status": {"state": self.server.state}}
        if self.server.state != "SUCCEEDED":
            told["status"]["error"] = {"message": "no such column"}
        elif text.startswith("SELECT count"):
            told["result"] = {"data_array": [[str(len(rows))]]}
        else:
            columns = [{"name": name, "type_text": kind} for name, kind in COLUMNS]
            told["manifest"] = {"schema": {"columns": columns}}
            told["result"] = {"data_array": rows[:1], "next_chunk_index": 1}
        self._say(told)

    do_GET = do_PUT = do_POST = do_HEAD = _answer  # noqa: N815


@pytest.fixture
def lakehouse(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lakehouse]:
    """A workspace that this test has alone; its token is the secret LAKEHOUSE_TOKEN."""
    monkeypatch.setenv("LAKEHOUSE_TOKEN", TOKEN)
    for name in ("HOST", "TOKEN", "CONFIG_PROFILE", "WAREHOUSE_ID"):
        monkeypatch.delenv(f"DATABRICKS_{name}", raising=False)
    server = Lakehouse()
    serving = threading.Thread(target=server.serve_forever, args=(0.01,))
    serving.start()
    yield server
    server.shutdown()
    server.server_close()
    serving.join()
