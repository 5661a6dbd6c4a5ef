"""What a data step copies: out of a source of data into the studio's folder, or the other way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from studio_tui.data.source import Address, parse
from studio_tui.errors import UsageFault
from studio_tui.pipelines import values
from studio_tui.pipelines.values import Wrong

LONGEST = 2000


@dataclass(frozen=True)
class Transfer:
    """One copy.

    Attributes:
        url: where in a source of data; that of a folder ends with "/", also when one is sent.
        path: where in the studio's folder.
        out: whether it goes from the studio's folder to the source.
    """

    url: str
    path: str
    out: bool

    @property
    def key(self) -> str:
        """The key of the step that has the URL."""
        return "to" if self.out else "from"


def read_transfer(step: str, told: Mapping[str, Any]) -> Transfer:
    """What the `from` and `to` of a step are.

    Raises:
        Wrong: they make no sense.
    """
    start, end = (values.text(step, key, told, LONGEST) for key in ("from", "to"))
    for key, value in (("from", start), ("to", end)):
        if not value:
            raise Wrong(step, key, f"{key} is missing", 'from = "s3://BUCKET/a.csv", to = "a.csv"')
    out = "://" in end
    if out and "://" in start:
        hint = "take two steps, by a file in the studio's folder"
        raise Wrong(step, "to", "both ends are in sources of data", hint)
    if not out and "://" not in start:
        raise Wrong(step, "from", "neither end is in a source of data", "one of them is a URL")
    return _sent(step, start, end) if out else _fetched(step, start, end)


def _fetched(step: str, start: str, end: str) -> Transfer:
    address = _address(step, "from", start)
    whole = address.path.endswith("/")
    into = end.endswith("/") and not whole
    path = f"{end}{_name(address.path)}" if into else end.rstrip("/")
    return Transfer(start, _path(step, "to", path), False)


def _sent(step: str, start: str, end: str) -> Transfer:
    path = _path(step, "from", start)
    address = _address(step, "to", end)
    into = address.path.endswith("/")
    if not path.endswith("/"):
        return Transfer(f"{end}{_name(path)}" if into else end, path, True)
    if not into:
        raise Wrong(step, "to", f"{path} is a folder, and {end} is none", f'to = "{end}/"')
    return Transfer(end, path.rstrip("/"), True)


def _address(step: str, key: str, url: str) -> Address:
    try:
        address = parse(url)
    except UsageFault as problem:
        raise Wrong(step, key, problem.message, problem.hint) from None
    if "/" not in address.path.lstrip("/"):
        hint = f"write {address.source}://BUCKET/KEY, or a folder with / at its end"
        raise Wrong(step, key, f"{url} names no file and no folder", hint)
    return address


def _path(step: str, key: str, path: str) -> str:
    values.check_inside(step, key, path)
    if not path.strip("/."):
        raise Wrong(
            step, key, f"{key} = {path!r} names no file", "write a path in the studio's folder"
        )
    return path


def _name(path: str) -> str:
    return path.rpartition("/")[2]
