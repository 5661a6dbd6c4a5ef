"""A dry run, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from studio_tui.cli.probe import loss_of, reading
from studio_tui.client.compare import Metric, RunSummary

if TYPE_CHECKING:
    from .conftest import Hosted, Typed


@pytest.fixture(autouse=True)
def scripts(hosted: Hosted) -> None:
    (hosted.folder / "ok.py").write_text("print('ok')\n")
    (hosted.folder / "bad.py").write_text("import sys; sys.exit(3)\n")


def test_a_probe_runs_each_precision(hosted: Hosted, typed: Typed) -> None:
    both = ("--probe", "-p", "32-true", "-p", "bf16-mixed")
    done = typed("job", "run", hosted.id, *both, "--", "ok.py")
    assert done.code == 0
    assert [line.split()[:3] for line in done.out.splitlines()[1:]] == [
        ["32-true", "succeeded", "-"], ["bf16-mixed", "succeeded", "-"],
    ]  # fmt: skip
    failed = typed("job", "run", hosted.id, "--probe", "--max-steps", "2", "--json", "--", "bad.py")
    assert failed.code == 1
    assert [(run["name"], run["state"]) for run in failed.json] == [("bad.py", "failed")]
    assert typed("job", "run", hosted.id, "--probe", "-p", "12-odd", "--", "ok.py").code == 2
    several = typed("job", "run", hosted.id, *both[1:], "--", "ok.py")
    assert (several.code, several.error) == (2, "a job runs in one precision")
    for job in typed("job", "ls", hosted.id, "--json").json:
        assert typed("job", "rm", hosted.id, job["id"]).code == 0


def test_figures() -> None:
    assert [reading(value) for value in (1.23456, 3, None, "x")] == ["1.235", 3, None, "x"]
    loss = Metric(0.5, 0.4, 3, 3)
    assert loss_of(RunSummary("a", metrics={"acc": Metric(1, 1, 1, 1), "val_loss": loss})) == 0.5
    assert loss_of(RunSummary("a")) is None
