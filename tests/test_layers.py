"""Who may import whom: every import of the source, held against the table of the house.

Absolute, relative and deferred imports count alike, and so do imports that only the type checker
sees: an arrow in the reader's head is an arrow. A third-party package has owners; one that is not
in the table has none.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
OURS = ("relay_server", "studio_tui")
NOT_IMPORTED = ("studio_tui/training/templates/",)
"""Folders whose files are copied and run elsewhere: no part of the product imports them."""

ANYTHING = frozenset({"*"})

ROOMS: dict[str, frozenset[str]] = {
    "relay_server": frozenset(),
    "studio_tui.errors": frozenset(),
    "studio_tui.__main__": frozenset({"studio_tui.cli"}),
    "studio_tui.settings": frozenset(),
    "studio_tui.terminal": frozenset(),
    "studio_tui.meters": frozenset(),
    "studio_tui.payload": frozenset(),
    "studio_tui.training": frozenset(),
    # The two ends share the wire's words, the bounds of an update, and the errors of both. What
    # devices a job has is written, and read, in one way.
    "studio_tui.document": frozenset(
        {"relay_server.validate", "relay_server.errors", "studio_tui.jobs.devices"}
    ),
    "studio_tui.sync": frozenset(
        {"relay_server.wire", "relay_server.errors", "studio_tui.document"}
    ),
    "studio_tui.machines": frozenset(
        {"studio_tui.settings", "studio_tui.payload", "studio_tui.meters"}
    ),
    "studio_tui.jobs": frozenset(
        {"studio_tui.machines", "studio_tui.settings", "studio_tui.payload"}
    ),
    # A step asks for a job, and is held against what a job takes; or it copies from an address.
    "studio_tui.pipelines": frozenset({"studio_tui.jobs.spec", "studio_tui.data.source"}),
    "studio_tui.data": frozenset({"studio_tui.settings"}),
    # A lesson is taken in a studio; what it says is data, and imports nothing.
    "studio_tui.client": frozenset(
        {
            "studio_tui.training.lessons",
            "studio_tui.sync",
            "studio_tui.document",
            "studio_tui.terminal",
            "studio_tui.meters",
            "studio_tui.settings",
        }
    ),
    "studio_tui.app": frozenset(
        {
            "studio_tui.client",
            "studio_tui.document",
            "studio_tui.terminal",
            "studio_tui.meters",
            "studio_tui.settings",
        }
    ),
    # The types of `sdk.sync` name what the objects of `client` give.
    "studio_tui.sdk": frozenset(
        {
            "studio_tui.client",
            "studio_tui.settings",
            "studio_tui.document",
            "studio_tui.meters",
            "studio_tui.terminal",
        }
    ),
    "studio_tui.host": frozenset(
        {
            "relay_server",
            "studio_tui.settings",
            "studio_tui.terminal",
            "studio_tui.meters",
            "studio_tui.payload",
            "studio_tui.document",
            "studio_tui.sync",
            "studio_tui.machines",
            "studio_tui.jobs",
            "studio_tui.pipelines",
            "studio_tui.data",
            "studio_tui.training",
        }
    ),
    "studio_tui.cli": ANYTHING,
}
"""Room to the rooms, or single modules, of ours that it may import."""

HOST: dict[str, frozenset[str]] = {
    "machines": frozenset(),
    "files": frozenset({"machines"}),
    "terminals": frozenset({"machines"}),
    "pipelines": frozenset({"machines"}),
    "data": frozenset({"files"}),
    "switching": frozenset({"files", "machines"}),
    "jobs": frozenset({"switching", "machines"}),
}
"""Room inside `studio_tui.host` to its neighbours that it may import."""

PART_OF = dict.fromkeys(("studio_tui.blocking", "studio_tui.blocking_types"), "studio_tui.sdk")
"""A module that stands beside the room it is a part of."""

EVERYWHERE = {"studio_tui.errors": "studio_tui"}
"""Modules that a whole package may import."""

OWNERS: dict[str, frozenset[str]] = {
    "PIL": frozenset({"studio_tui.data"}),
    "aiohttp": frozenset({"studio_tui.cli.pages"}),
    "asyncssh": frozenset({"studio_tui.machines"}),
    "boto3": frozenset({"studio_tui.machines.ec2", "studio_tui.data"}),
    "botocore": frozenset({"studio_tui.machines.ec2", "studio_tui.data"}),
    "click": frozenset({"studio_tui.cli", "relay_server.cli"}),
    "cryptography": frozenset({"relay_server.keys"}),
    "databricks": frozenset({"studio_tui.data"}),
    "jwt": frozenset({"relay_server.keys"}),
    "lightning": frozenset({"studio_tui.training", "studio_tui.payload.lightning"}),
    "keyring": frozenset({"studio_tui.settings.secrets"}),
    "pathspec": frozenset({"studio_tui.machines"}),
    "platformdirs": frozenset({"studio_tui.settings", "relay_server.cli"}),
    "psutil": frozenset({"studio_tui.settings", "studio_tui.host"}),
    "pyarrow": frozenset({"studio_tui.data"}),
    "pycrdt": frozenset({"studio_tui.document", "relay_server"}),
    "pyghostty": frozenset({"studio_tui.terminal"}),
    "pynvml": frozenset({"studio_tui.payload"}),
    "rapidfuzz": frozenset({"studio_tui.document", "studio_tui.app", "studio_tui.host"}),
    "redis": frozenset({"relay_server.journal"}),
    "regex": frozenset({"studio_tui.document.pattern"}),
    "rich": frozenset({"studio_tui.app"}),
    # Our own payload/smi.py, as the probe finds it where both were copied to.
    "smi": frozenset({"studio_tui.payload"}),
    "snowflake": frozenset({"studio_tui.data"}),
    "textual": frozenset({"studio_tui.app"}),
    "textual_serve": frozenset({"studio_tui.cli.pages"}),
    "tomlkit": frozenset({"studio_tui.machines.machines_file"}),
    "torch": frozenset({"studio_tui.training", "studio_tui.payload.lightning"}),
    "tree_sitter": frozenset({"studio_tui.app"}),
    "websockets": frozenset({"studio_tui.sync", "relay_server"}),
    "yaml": frozenset({"studio_tui.machines.ec2"}),
}
"""Third-party package to the rooms, or single modules, that may import it."""


class Import(NamedTuple):
    """A name that a module imports, made absolute, and the line it stands on."""

    name: str
    line: int


def imports(source: str, module: str, *, package: bool) -> Iterator[Import]:
    """Every name that the source of `module` imports; `package` is true of an `__init__`.

    `from a import b` gives `a` and `a.b`, since `b` may be a module.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = module.split(".")
            here = parts if package else parts[:-1]
            parent = here[: len(here) - node.level + 1] if node.level else []
            base = ".".join([*parent, *([node.module] if node.module else [])])
            yield Import(base, node.lineno)
            yield from (Import(f"{base}.{alias.name}", node.lineno) for alias in node.names)
        elif isinstance(node, ast.Call) and _is_import_call(node.func):
            yield from (
                Import(argument.value, node.lineno)
                for argument in node.args[:1]
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
            )


def _is_import_call(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in {"import_module", "__import__"}


def within(module: str, rooms: frozenset[str]) -> bool:
    """Whether the module is one of `rooms` or lies inside one."""
    return rooms == ANYTHING or any(
        module == room or module.startswith(f"{room}.") for room in rooms
    )


def room_of(module: str) -> str | None:
    """The room a module of ours lies in; None for the bare top package."""
    module = PART_OF.get(".".join(module.split(".")[:2]), module)
    return next((room for room in ROOMS if within(module, frozenset({room}))), None)


def forbidden(module: str, name: str) -> str | None:
    """Why `module` may not import `name`; None when it may."""
    top = name.split(".")[0]
    here = room_of(module)
    if top not in OURS:
        if top in sys.stdlib_module_names or within(module, OWNERS.get(top, frozenset())):
            return None
        return f"{top} belongs to {', '.join(sorted(OWNERS.get(top, {'nobody: add an owner'})))}"
    there = room_of(name)
    if there is None or there == here:
        return None
    if EVERYWHERE.get(there) == module.split(".")[0]:
        return None
    if here and (within(name, ROOMS[here]) or _parent_of_allowed(name, ROOMS[here])):
        return None
    return f"{here or module} may not import {name}"


def _parent_of_allowed(name: str, rooms: frozenset[str]) -> bool:
    # `from relay_server import wire` names relay_server too; the name after it decides.
    return any(room.startswith(f"{name}.") for room in rooms)


def source_files() -> Iterator[tuple[Path, str]]:
    """Every file of the product with its module's name."""
    for top in OURS:
        for path in sorted((ROOT / top).rglob("*.py")):
            relative = path.relative_to(ROOT)
            if not relative.as_posix().startswith(NOT_IMPORTED):
                yield path, ".".join(relative.with_suffix("").parts).removesuffix(".__init__")


def test_every_arrow_is_in_the_table() -> None:
    found = {
        f"{path.relative_to(ROOT)}:{line}: {why}"
        for path, module in source_files()
        for name, line in imports(
            path.read_text(encoding="utf-8"), module, package=path.name == "__init__.py"
        )
        if (why := forbidden(module, name))
    }
    assert not found, "\n".join(sorted(found))


def test_the_rooms_of_the_host_stand_on_each_other_in_one_order() -> None:
    found = set()
    for path, module in source_files():
        here = module.removeprefix("studio_tui.host.").split(".")[0]
        if here in HOST and module.startswith("studio_tui.host."):
            source = path.read_text(encoding="utf-8")
            for name, line in imports(source, module, package=path.name == "__init__.py"):
                there = name.removeprefix("studio_tui.host.").split(".")[0]
                if name.startswith("studio_tui.host.") and there in HOST.keys() - HOST[here] - {
                    here
                }:
                    found.add(f"{path.relative_to(ROOT)}:{line}: {here} may not import {there}")
    assert not found, "\n".join(sorted(found))


def test_every_folder_of_the_host_is_in_the_table() -> None:
    folders = {path.parent.name for path in (ROOT / "studio_tui" / "host").glob("*/__init__.py")}
    assert folders == set(HOST)


def test_every_room_is_in_the_table() -> None:
    rooms = {
        f"studio_tui.{path.stem}"
        for path in (ROOT / "studio_tui").iterdir()
        if (path.is_dir() and any(path.rglob("*.py"))) or path.suffix == ".py"
    }
    assert rooms - {"studio_tui.__init__"} <= set(ROOMS) | set(PART_OF)


def reached(room: str) -> set[str]:
    """Every room that can be reached from `room` along arrows of the table."""
    seen: set[str] = set()
    ahead = [room]
    while ahead:
        for target in ROOMS[ahead.pop()]:
            there = room_of(target)
            if there and there not in seen:
                seen.add(there)
                ahead.append(there)
    return seen


def test_the_law_app_and_host_never_meet_not_even_through_a_third() -> None:
    assert "studio_tui.host" not in reached("studio_tui.app")
    assert "studio_tui.app" not in reached("studio_tui.host")


def test_a_script_can_do_without_the_screen_and_the_hands() -> None:
    assert reached("studio_tui.sdk").isdisjoint({"studio_tui.app", "studio_tui.host"})


def test_the_relay_knows_nothing_of_the_studio() -> None:
    assert reached("relay_server") == set()


def test_the_table_has_no_circle() -> None:
    for room in ROOMS:
        assert room not in reached(room), room


SOURCE = """
import os, textual.app
from . import keys
from .. import errors
from ..host import files as hands
def later():
    import torch
    from studio_tui.app.panes import editor
    import importlib
    importlib.import_module("boto3.session")
    __import__("asyncssh")
if TYPE_CHECKING:
    from relay_server.wire import Message
"""


def names(module: str, *, package: bool) -> set[str]:
    return {found.name for found in imports(SOURCE, module, package=package)}


def test_the_walker_sees_absolute_deferred_and_computed_imports() -> None:
    assert {
        "os",
        "textual.app",
        "torch",
        "studio_tui.app.panes",
        "studio_tui.app.panes.editor",
        "boto3.session",
        "asyncssh",
        "relay_server.wire.Message",
    } <= names("studio_tui.terminal.screen", package=False)


def test_the_walker_resolves_relative_imports_of_a_module() -> None:
    assert {
        "studio_tui.terminal.keys",
        "studio_tui.errors",
        "studio_tui.host.files",
    } <= names("studio_tui.terminal.screen", package=False)


def test_the_walker_resolves_relative_imports_of_a_package() -> None:
    assert {
        "studio_tui.terminal.screen.keys",
        "studio_tui.terminal.errors",
        "studio_tui.terminal.host.files",
    } <= names("studio_tui.terminal.screen", package=True)


def test_the_walker_counts_lines() -> None:
    assert Import("torch", 7) in imports(SOURCE, "studio_tui.terminal.screen", package=False)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("studio_tui.app.app", "studio_tui.host"),
        ("studio_tui.app.app", "studio_tui.host.files"),
        ("studio_tui.host.files", "studio_tui.app.screens"),
        ("studio_tui.document.text", "relay_server.room"),
        ("studio_tui.sync.link", "relay_server.serve"),
        ("relay_server.room", "studio_tui.errors"),
        ("relay_server.wire", "studio_tui.document"),
        ("studio_tui.terminal.screen", "textual.app"),
        ("studio_tui.machines.ssh", "boto3"),
        ("studio_tui.settings.load", "studio_tui.cli"),
        ("studio_tui.meters.sample", "psutil"),
        ("studio_tui.app.app", "numpy"),
        ("studio_tui.blocking", "studio_tui.app"),
    ],
)
def test_an_arrow_that_is_not_in_the_table_is_forbidden(module: str, name: str) -> None:
    assert forbidden(module, name)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("studio_tui.app.app", "studio_tui.client.studio"),
        ("studio_tui.app.app", "studio_tui.app.panes"),
        ("studio_tui.app.app", "textual.widgets"),
        ("studio_tui.host.host", "relay_server.serve"),
        ("studio_tui.document.text", "relay_server.validate.check_update"),
        ("studio_tui.document.text", "relay_server"),
        ("studio_tui.machines.ec2", "boto3"),
        ("studio_tui.machines.ec2.catalogue", "botocore.exceptions"),
        ("studio_tui.terminal.screen", "studio_tui.errors"),
        ("studio_tui.terminal.screen", "collections.abc"),
        ("studio_tui.cli.main", "studio_tui.__version__"),
        ("studio_tui.cli.open", "studio_tui.host.host"),
        ("studio_tui.cli.open", "relay_server.cli"),
        ("studio_tui.blocking", "studio_tui.sdk"),
    ],
)
def test_an_arrow_of_the_table_is_allowed(module: str, name: str) -> None:
    assert forbidden(module, name) is None
