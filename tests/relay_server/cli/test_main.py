"""How the command line answers, and what it does not load."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.relay_server.cli.conftest import ROOT, run


@pytest.mark.parametrize("arguments", [["--help"], ["serve", "--help"], ["token", "--help"]])
def test_help_is_quick_and_has_an_example(arguments: list[str]) -> None:
    code = (
        "import sys; from relay_server.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "heavy = {'websockets', 'pycrdt', 'cryptography', 'jwt', 'asyncio', 'sqlite3', 'ssl'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Example:" in done.stdout


def test_without_a_command_there_is_help(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys)
    assert code == 0
    assert "Commands:" in out


@pytest.mark.parametrize(
    "arguments",
    [
        ["fly"],
        ["serve", "--port", "many"],
        ["serve", "--metrics-port", "70000"],
        ["serve", "--per-address", "0"],
        ["serve", "--host", "256.1.1.1", "--insecure", "--store", "memory:"],
        ["serve", "--store", "mysql://x"],
        ["serve", "--store", "redis://localhost"],
        ["serve", "--host", "0.0.0.0"],
        ["serve", "--tls-cert", "c.pem"],
        ["token", "r"],
        ["token", "r", "--role", "root"],
        ["token", "r", "--role", "editor", "--expires", "soon"],
    ],
)
def test_what_makes_no_sense_ends_with_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert re.fullmatch(r"error: .+\nhint: .+\n", err)
