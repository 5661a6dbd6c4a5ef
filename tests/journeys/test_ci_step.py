"""The README's step of CI, as it stands there: real exit codes through a real studio."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from studio_tui.settings import studios
from tests.docs.pages import ROOT, SHELL, blocks

README = ROOT / "README.md"
SECONDS = 110
"""For six commands, each a process of its own, and a host, on a machine that is busy."""

TRAIN = """\
import json, os, sys
assert sys.argv[1:] == ["--steps", "200"]
with open(os.environ["STUDIO_METRICS"], "a") as metrics:
    print(json.dumps({"event": "step", "step": 200, "values": {"loss": 1.5}}), file=metrics)
print("trained")
sys.exit(EXIT)
"""
TEST = "import unittest\nclass Test(unittest.TestCase):\n    def test(self): pass\n"


def step() -> str:
    """The script in the README."""
    (found,) = (block.text for block in blocks(README) if block.kind == SHELL and block.whole)
    return found


@pytest.mark.timeout(120)
@pytest.mark.parametrize("code", [0, 7])
def test_the_step_ends_as_what_it_runs(tmp_path: Path, studio_home: Path, code: int) -> None:
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "train.py").write_text(TRAIN.replace("EXIT", str(code)))
    (folder / "test_it.py").write_text(TEST)
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["/bin/sh", "-c", step()], cwd=folder, env=environment, capture_output=True, text=True,
        timeout=SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert "trained" in done.stdout
    if code == 0:
        assert json.loads((folder / "metrics.json").read_text()) == {"loss": [[200, 1.5]]}
    (record,) = studios.records()
    assert not studios.alive(record)
