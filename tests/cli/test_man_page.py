"""The manual page: every command is in it, and nothing in it is taken for roff."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from studio_tui.cli.main import COMMANDS

ROOT = Path(__file__).parents[2]
REQUESTS = {".TH", ".SH", ".SS", ".B", ".PP", ".TP"}


def test_every_command_is_in_it_and_it_is_well_formed(tmp_path: Path) -> None:
    target = tmp_path / "man" / "studio-tui.1"
    subprocess.run(
        [sys.executable, ROOT / "scripts" / "man_page.py", target], check=True, cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)}, capture_output=True,
    )  # fmt: skip
    lines = target.read_text().splitlines()
    assert lines[0].startswith(".TH STUDIO\\-TUI 1")
    for name in COMMANDS:
        assert f'.SS "studio\\-tui {name}"' in lines
    assert '.SS "studio\\-tui job run"' in lines
    assert any("\\-\\-precision" in line for line in lines)
    assert {line.split()[0] for line in lines if line.startswith((".", "'"))} <= REQUESTS
