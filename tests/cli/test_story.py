"""The headless demo's story, told with a script that learns faster than a model does."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio_tui.cli import story
from studio_tui.errors import StudioError
from studio_tui.settings import studios

LEARNS = """
import json, os, sys, time

steps = int(sys.argv[sys.argv.index("--steps") + 1])
with open(os.environ["STUDIO_METRICS"], "a", buffering=1) as metrics:
    for step in range(1, steps + 1):
        loss = 4.0 * 0.99**step
        values = {"event": "step", "step": step, "values": {"train_loss": loss}}
        metrics.write(json.dumps(values) + "\\n")
        print(f"step {step}/{steps} loss {loss:.2f}", flush=True)
        time.sleep(0.01)
"""


@pytest.mark.timeout(90)
async def test_every_step_happens(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "train.py").write_text(LEARNS)
    assert await story.tell(tmp_path, None) == 0
    told = capsys.readouterr().out
    assert told.count("  ok ") == told.count("  ... ") > 5
    assert told.endswith("done: every step above happened\n")
    assert (tmp_path / "train.py").read_text() == LEARNS
    assert not studios.alive(studios.for_folder(tmp_path) or pytest.fail("no studio"))


@pytest.mark.timeout(90)
async def test_a_step_that_does_not_happen_is_an_error_and_the_studio_is_stopped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "train.py").write_text("import sys; sys.exit(3)\n")
    with pytest.raises(StudioError):
        await story.tell(tmp_path, None)
    assert "done" not in capsys.readouterr().out
    assert not studios.alive(studios.for_folder(tmp_path) or pytest.fail("no studio"))
