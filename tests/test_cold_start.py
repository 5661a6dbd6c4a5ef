"""What a fresh interpreter loads: nothing heavy before it is needed.

A command must answer before a person notices, and a relay must run where no screen, no machine
and no training library is installed.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = {"torch", "lightning", "pytorch_lightning", "boto3", "botocore", "asyncssh", "textual"}
HEAVY |= {"pyarrow", "PIL", "databricks", "snowflake"}
LATER = {"pycrdt", "websockets", "cryptography", "jwt", "pyghostty", "rich"}
"""What the command line needs only once it knows the command."""

SHOW = "\nimport sys; print('loaded', *sorted({name.split('.')[0] for name in sys.modules}))"
HELP = """
import runpy, sys
sys.argv = ["studio-tui", "--help"]
try:
    runpy.run_module("studio_tui", run_name="__main__")
except SystemExit as end:
    assert not end.code, end.code
"""


def loaded(code: str) -> set[str]:
    """Top-level packages that a fresh interpreter has loaded after running `code`."""
    shown = subprocess.run(
        [sys.executable, "-c", code + SHOW], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert shown.returncode == 0, shown.stderr
    first, *names = shown.stdout.splitlines()[-1].split()
    assert first == "loaded"
    return set(names)


@pytest.mark.parametrize(
    "module",
    [
        "studio_tui.cli",
        "studio_tui.sdk",
        "studio_tui.client",
        "studio_tui.data.s3",
        "studio_tui.data.databricks",
        "studio_tui.data.snowflake",
        "studio_tui.data.preview",
        "studio_tui.document",
        "studio_tui.machines.ec2.instance",
        "studio_tui.machines.slurm",
        "studio_tui.meters",
        "studio_tui.settings.studios",
        "studio_tui.terminal",
        "studio_tui.training.templates",
        "relay_server",
        "relay_server.cli",
        "relay_server.serve",
    ],
)
def test_importing_it_loads_nothing_heavy(module: str) -> None:
    assert loaded(f"import {module}").isdisjoint(HEAVY)


@pytest.mark.parametrize("code", ["import studio_tui.cli", HELP], ids=["import", "--help"])
def test_the_command_line_answers_before_it_loads_the_rest(code: str) -> None:
    names = loaded(code)
    assert "click" in names
    assert names.isdisjoint(HEAVY | LATER)


def test_the_relay_runs_without_the_studio() -> None:
    names = loaded("import relay_server.cli, relay_server.serve")
    assert "studio_tui" not in names


def test_importing_the_package_wakes_no_room() -> None:
    code = "import studio_tui, sys; print(*[n for n in sys.modules if n.startswith('studio_tui.')])"
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert shown.stdout == "\n"
