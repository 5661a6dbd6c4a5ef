"""Sources for tests of what is above them: one in memory, and one that data.toml names."""

from __future__ import annotations

from studio_tui.data.s3 import S3
from studio_tui.data.source import Entry
from studio_tui.errors import NotFound
from studio_tui.settings import paths
from tests.data.lakehouse import Lakehouse


class Shelf(S3):
    """Files by path; everything else is as it is with a bucket that nobody can reach."""

    def __init__(self, **files: bytes) -> None:
        super().__init__("shelf", {"endpoint_url": "http://127.0.0.1:9"})
        self.files = files
        self.fetched = 0

    def stat(self, path: str, version: str = "") -> Entry:
        if path not in self.files:
            raise NotFound(f"there is no {path}")
        return Entry(path, path, "file", size=len(self.files[path]))

    def read(self, entry: Entry, start: int, length: int) -> bytes:
        data = self.files[entry.path][start : start + length]
        self.fetched += len(data)
        return data


def name_lakehouse(server: Lakehouse) -> None:
    """Name a workspace in data.toml, as the source "dbx"."""
    text = f'[dbx]\nkind = "databricks"\nhost = "{server.url}"\ntoken = "LAKEHOUSE_TOKEN"\n'
    paths.data_file().write_text(text)
