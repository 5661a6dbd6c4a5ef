"""Writes machines.toml, and leaves what a person wrote in it as it is."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from studio_tui.errors import NotFound, StudioError, UsageFault
from studio_tui.machines.catalogue import check_entry
from studio_tui.settings.private import write_private

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


def add(file: Path, name: str, entry: Mapping[str, Any]) -> None:
    """Adds a machine at the file's end.

    Raises:
        UsageFault: the name or the entry makes no sense, the file is not TOML, or the machine is
            in it already.
        StudioError: the file cannot be read or written.
    """
    if not _NAME.fullmatch(name):
        raise UsageFault(f"{name!r} is no name", "use letters, digits, dots and dashes")
    check_entry(name, entry, str(file))
    document = _read(file)
    machines = document.setdefault("machines", tomlkit.table(is_super_table=True))
    if name in machines:
        raise UsageFault(
            f"{file} has a machine {name} already", f"first: studio-tui machine rm {name}"
        )
    table = tomlkit.table()
    table.update(entry)
    machines[name] = table
    write_private(file, tomlkit.dumps(document).encode())


def remove(file: Path, name: str) -> None:
    """Removes a machine.

    Raises:
        NotFound: the file has no such machine.
        UsageFault: the file is not TOML.
        StudioError: it cannot be read or written.
    """
    document = _read(file)
    machines = document.get("machines", {})
    if name not in machines:
        raise NotFound(
            f"{file} has no machine {name!r}",
            f"it has {', '.join(machines) or 'none'}; hosts of ssh's configuration stay there",
        )
    text = tomlkit.dumps(document)
    del machines[name]
    if not machines:
        del document["machines"]
    # tomlkit counts a comment above the next machine to this one: it goes with the lines instead.
    shorter = _without(text, name)
    same = _parsed(shorter) == document.unwrap()
    write_private(file, (shorter if same else tomlkit.dumps(document)).encode())


def _without(text: str, name: str) -> str:
    """The text without the machine's table; comments after its last key stay."""
    lines = text.splitlines(keepends=True)
    headers = [number for number, line in enumerate(lines) if line.lstrip().startswith("[")]
    for start, end in zip(headers, [*headers[1:], len(lines)], strict=False):
        if _parsed(lines[start]) == {"machines": {name: {}}}:
            while not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#"):
                end -= 1
            return "".join(lines[:start] + lines[end:])
    return text


def _parsed(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {}


def _read(file: Path) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return tomlkit.document()
    except (TOMLKitError, UnicodeDecodeError) as problem:
        raise UsageFault(f"{file}: not TOML: {problem}", "correct the file") from problem
    except OSError as problem:
        raise StudioError(
            f"cannot read {file}: {problem.strerror}", "check the file's rights"
        ) from problem
