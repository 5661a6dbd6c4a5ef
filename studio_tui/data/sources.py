"""The sources that this computer knows of: those of data.toml, and the usual ones without it.

A project's studio.toml cannot name any: it is anybody's, and a source says where credentials go.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from studio_tui.data.source import Source
from studio_tui.errors import NotFound, UsageFault
from studio_tui.settings import paths
from studio_tui.settings.load import read_toml
from studio_tui.settings.schema import nearest
from studio_tui.settings.secrets import may_be_named

KINDS: dict[str, dict[str, type]] = {
    "s3": {
        "endpoint_url": str,
        "region": str,
        "profile": str,
        "key_id": str,
        "secret_key": str,
        "session_token": str,
        "anonymous": bool,
        "addressing": str,
        "role": str,
    },
    "databricks": {"host": str, "profile": str, "token": str, "warehouse": str},
    "snowflake": {
        "connection": str,
        "account": str,
        "user": str,
        "password": str,
        "token": str,
        "role": str,
        "warehouse": str,
        "host": str,
        "port": int,
        "protocol": str,
    },
}
"""What the table of each kind may say, and what kind of value that is."""

SECRET = ("key_id", "secret_key", "session_token", "token", "password")
"""Keys whose value is the name of a secret, never the secret."""


class Sources:
    """Every source by name, each made when it is first used and kept from then on."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[Mapping[str, Any], Source]] = {}
        self._making = threading.Lock()

    def names(self) -> dict[str, str]:
        """Name to kind."""
        return {name: str(table.get("kind", name)) for name, table in tables().items()}

    def find(self, name: str) -> Source:
        """The source of this name.

        Raises:
            NotFound: there is none.
            UsageFault: its table makes no sense.
        """
        known = tables()
        if name not in known:
            hint = f"there are {', '.join(known)}; data.toml names more"
            raise NotFound(f"there is no source of data {name!r:.80}", hint)
        with self._making:
            table, source = self._made.get(name, (None, None))
            if source is None or table != known[name]:
                source = _make(name, known[name])
                self._made[name] = known[name], source
            return source


def tables() -> dict[str, dict[str, Any]]:
    """The table of each source, checked; every kind is a source of its own name without one.

    Raises:
        UsageFault: data.toml is not TOML, or says what makes no sense.
    """
    file = paths.data_file()
    found: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS}
    for name, table in read_toml(file).items():
        where = f"{file}: [{name}]"
        if not isinstance(table, dict):
            raise UsageFault(f"{file}: {name} is no table", f"write [{name}]")
        kind = table.get("kind", name)
        if kind not in KINDS:
            raise UsageFault(
                f"{where} has no kind that is known", f"kind is one of {', '.join(KINDS)}"
            )
        _check(kind, table, where)
        found[name] = table
    return found


def _check(kind: str, table: Mapping[str, Any], where: str) -> None:
    known = KINDS[kind]
    for key, value in table.items():
        if key == "kind":
            continue
        if key not in known:
            raise UsageFault(f"{where}: unknown key {key!r}", nearest(key, tuple(known)))
        if not isinstance(value, known[key]) or value == "":
            raise UsageFault(f"{where}: {key} has no value of its kind", "see docs/data.md")
        if key in SECRET and not may_be_named(str(value)):
            # The value itself may be the secret: it is not repeated.
            raise UsageFault(
                f"{where}: {key} must be the name of a secret",
                "keep it: studio-tui secret set NAME; then write the name",
            )
    url = urlsplit(str(table.get("endpoint_url") or "https://s3"))
    if url.scheme not in ("http", "https") or not url.hostname or url.username or url.query:
        raise UsageFault(
            f"{where}: endpoint_url must be an http(s) URL without a user", "write https://HOST"
        )


def _make(name: str, table: Mapping[str, Any]) -> Source:
    kind = table.get("kind", name)
    if kind == "s3":
        from studio_tui.data.s3 import S3

        return S3(name, table)
    if kind == "databricks":
        from studio_tui.data.databricks import Databricks

        return Databricks(name, table)
    from studio_tui.data.snowflake import Snowflake

    return Snowflake(name, table)
