"""What is carried to a machine: everything, found without running any of it."""

from __future__ import annotations

import ast
import configparser
import importlib.util
import subprocess
import sys

import pytest

from studio_tui import payload
from studio_tui.payload.lightning.studio_probe import OWN as OWN_POINTS

OWN = sorted(name for name in payload.files() if name.endswith(".py") and name != "pynvml.py")


def test_the_files_that_a_machine_needs() -> None:
    assert {
        "supervise.sh",
        "folder/service.py",
        "probe.py",
        "pynvml.py",
        "lightning/studio_hold.py",
        "lightning/studio_leave.py",
        "lightning/studio_lines.py",
        "lightning/studio_probe.py",
        "lightning/studio_ranks.py",
        "lightning/studio_resume.py",
        "lightning/studio_probe-1.dist-info/METADATA",
        "lightning/studio_probe-1.dist-info/entry_points.txt",
    } <= set(payload.files())


def test_pynvml_is_the_installed_one() -> None:
    spec = importlib.util.find_spec("pynvml")
    assert spec is not None
    assert spec.loader is not None
    assert payload.files()["pynvml.py"] == spec.loader.get_data(spec.origin)  # type: ignore[attr-defined]


def test_the_version_is_of_the_content(monkeypatch: pytest.MonkeyPatch) -> None:
    before = payload.version()
    assert before == payload.version()
    changed = {**payload.files(), "probe.py": b"another"}
    monkeypatch.setattr(payload, "files", lambda: changed)
    payload.version.cache_clear()
    try:
        assert payload.version() != before
    finally:
        payload.version.cache_clear()


@pytest.mark.parametrize("name", OWN)
def test_what_runs_on_a_machine_is_old_enough_python(name: str) -> None:
    ast.parse(payload.files()[name], feature_version=(3, 8))


def entry_points() -> configparser.ConfigParser:
    points = configparser.ConfigParser()
    points.read_string(
        payload.files()["lightning/studio_probe-1.dist-info/entry_points.txt"].decode()
    )
    return points


def test_the_probe_is_loaded_first_and_quiets_the_naming_of_all() -> None:
    points = entry_points()
    groups = [list(points[section]) for section in points.sections()]
    assert {names[0] for names in groups} == {"studio"}
    assert {name for names in groups for name in names} == set(OWN_POINTS)


def test_every_entry_point_leads_to_a_function() -> None:
    points = entry_points()
    targets = [value for section in points.sections() for value in points[section].values()]
    assert len(targets) == 20
    for target in targets:
        module, _, function = target.partition(":")
        body = ast.parse(payload.files()[f"lightning/{module}.py"]).body
        assert function in {node.name for node in body if isinstance(node, ast.FunctionDef)}


def test_nothing_is_imported_to_find_it() -> None:
    code = (
        "import sys; from studio_tui import payload; payload.files(); payload.version()\n"
        "assert not {'pynvml', 'torch', 'lightning'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
