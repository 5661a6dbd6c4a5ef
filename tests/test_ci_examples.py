"""The examples for CI, their steps run as plain shell against a studio on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from studio_tui.client import start
from studio_tui.settings import studios

EXAMPLES = Path(__file__).parents[1] / "docs" / "ci"
GOOD = "def test_data():\n    rows = 3\n    assert rows == 3\n"
BAD = GOOD.replace("== 3", "== 4")
TRAIN = """
import json, os, sys
with open(os.environ["STUDIO_METRICS"], "a") as metrics:
    metrics.write(json.dumps({"event": "step", "step": 1, "values": {"loss": 0.5}}) + "\\n")
print("trained", *sys.argv[1:])
"""


@dataclass(frozen=True)
class Example:
    """The shell of an example: what runs always, then what runs after a failure."""

    steps: list[str]
    afterwards: str
    variables: dict[str, str]


def github() -> Example:
    (job,) = read("github.yml")["jobs"].values()
    assert job["defaults"]["run"]["shell"] == "bash"  # which has -eo pipefail there
    install, *steps, last = job["steps"]
    assert install["run"].startswith("pip install")
    assert last["if"] == "failure()"
    return Example([step["run"] for step in steps], last["run"], {"RUN": "ci-7"})


def gitlab() -> Example:
    job = read("gitlab.yml")["studio"]
    steps = ["\n".join(job["script"])]
    variables = {"CI_PIPELINE_IID": "8", "CI_JOB_STATUS": "failed"}
    return Example(steps, "\n".join(job["after_script"]), variables)


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((EXAMPLES / name).read_text())
    return found


@pytest.fixture
def studio(studio_home: Path, tmp_path: Path) -> Iterator[str]:
    """A studio whose folder is a project with a test and a script; its .venv is ours."""
    project = tmp_path / "project"
    project.mkdir()
    (project / ".venv").symlink_to(sys.prefix)
    (project / "train.py").write_text(TRAIN)
    record = start.ensure(project)
    yield record.id
    start.stop(studios.find(record.id))


def run(example: Example, studio: str, runner: Path) -> tuple[bool, str]:
    """Whether the example's job passes, and what it printed."""
    printed = ""
    for step in example.steps:
        done = shell(step, example, studio, runner)
        printed += done.stdout
        if done.returncode:
            return False, printed + shell(example.afterwards, example, studio, runner).stdout
    return True, printed


def shell(
    step: str, example: Example, studio: str, runner: Path
) -> subprocess.CompletedProcess[str]:
    path = {"STUDIO": studio, "PATH": f"{sys.prefix}/bin:{os.environ['PATH']}"}
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", step], env={**os.environ, **path, **example.variables},
        cwd=runner, text=True, timeout=25, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def test_a_red_run_points_at_its_line_and_a_green_one_keeps_its_curves(
    studio: str, tmp_path: Path
) -> None:
    runner, test = tmp_path / "runner", tmp_path / "project" / "test_rows.py"
    runner.mkdir()
    test.write_text(BAD)
    passed, printed = run(github(), studio, runner)
    assert not passed, printed
    assert "1 failed" in printed
    assert "pointed at test_rows.py:3" in printed
    # GitLab's last step is another shell, which finds the same log.
    pointed = shell(gitlab().afterwards, gitlab(), studio, runner)
    assert "pointed at test_rows.py:3" in pointed.stdout

    test.write_text(GOOD)
    passed, printed = run(github(), studio, runner)
    assert passed, printed
    assert "trained --steps 50" in printed
    assert json.loads((runner / "metrics.json").read_text()) == {"loss": [[1, 0.5]]}


def test_both_say_the_same() -> None:
    """So that what was run of the one holds for the other."""
    (steps,) = gitlab().steps
    named = steps.replace("ci-$CI_PIPELINE_IID", "$RUN").splitlines()
    assert named == ["set -o pipefail", *github().steps]
