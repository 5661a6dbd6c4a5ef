"""Lessons from the command line: listed, shown, and one taken in a real studio to its end."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import urllib.request
from typing import TYPE_CHECKING

import pytest

from studio_tui.training import lessons

if TYPE_CHECKING:
    from .conftest import Hosted, Typed

# Stands for the template's train.py, which needs torch; serve.py is the lesson's own.
TRAIN = """
from pathlib import Path
CHECKPOINT = Path("checkpoints/char-gpt.ckpt")
class CharGPT:
    @classmethod
    def load_from_checkpoint(cls, path):
        assert path.read_text() == "weights"
        return cls()
    def eval(self):
        return self
    def write(self, start, length):
        return start + "x" * length
"""


def test_the_lessons_are_listed_and_shown(typed: Typed) -> None:
    listed = typed("learn", "--json").json
    assert [each["name"] for each in listed] == [each.name for each in lessons.lessons()]
    assert "first-run" in typed("learn").out
    shown = typed("learn", "precision")
    assert "2. Switch it to bf16-mixed" in shown.out
    assert "studio-tui new char-gpt" in shown.err


def test_a_name_that_is_none(typed: Typed) -> None:
    done = typed("learn", "precison")
    assert (done.code, done.hint) == (3, "did you mean precision?")


def test_a_lesson_is_taken_to_its_end(hosted: Hosted, typed: Typed) -> None:
    id, folder = hosted.id, hosted.folder
    assert not typed("learn", "deploying", id, "--json").json["steps"][0]["done"]
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints/char-gpt.ckpt").write_text("weights")
    (folder / "train.py").write_text(TRAIN)
    code = typed("learn", "deploying", "--code").out
    (folder / "serve.py").write_text(code)
    taking = subprocess.Popen(
        [sys.executable, "-m", "studio_tui", "learn", "deploying", id],
        stdout=subprocess.PIPE,
        text=True,
    )
    watch = threading.Timer(50, taking.kill)
    watch.start()
    assert taking.stdout is not None
    said: list[str] = []
    try:
        for line in taking.stdout:
            said.append(line)
            if " 3 of 5" in line:
                made = typed("job", "run", id, "--serve", "--name", "serve", "--json",
                             "--", "serve.py")  # fmt: skip
                assert made.code == 0
            if " 4 of 5" in line:
                log = typed("job", "logs", id, "serve").out
                port = re.findall(r"serving on port (\d+)", log)[0]
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as page:
                    assert page.read().startswith(b"\ndef xxx")
            if " 5 of 5" in line:
                assert typed("job", "stop", id, "serve").code == 0
        assert taking.wait() == 0
    finally:
        watch.cancel()
        taking.kill()
        taking.wait()
        taking.stdout.close()
    assert said[-1] == "✓✓✓✓✓ deploying is done\n"
    assert typed("learn", "deploying", id, "--json").json["done"]
    assert not typed("learn", "deploying", id, "--again", "--json").json["done"]


@pytest.mark.parametrize("studio", ["no-such"])
def test_a_studio_that_is_not_there(typed: Typed, studio: str) -> None:
    assert typed("learn", "first-run", studio).code == 3
