"""The templates: what is in them, and that what they promise happens."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

from studio_tui.errors import NotFound, StudioError
from studio_tui.training.templates import create, templates


def test_every_template_has_its_script_and_a_lesson() -> None:
    for template in templates():
        assert {template.script, "README.md"} <= set(template.files)
        assert template.title


def test_a_template_is_copied_into_a_new_folder(tmp_path: Path) -> None:
    template = create("char-gpt", tmp_path / "new" / "folder")
    copied = sorted(path.name for path in (tmp_path / "new" / "folder").iterdir())
    assert copied == template.files
    assert copied == ["README.md", "data.py", "train.py"]


def test_an_empty_folder_will_do(tmp_path: Path) -> None:
    create("char-gpt", tmp_path)
    assert (tmp_path / "train.py").stat().st_size


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(StudioError, match="is not empty") as caught:
        create("char-gpt", tmp_path)
    assert caught.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_in_the_way_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StudioError, match="cannot write to"):
        create("char-gpt", tmp_path / "file")


def test_a_missing_template_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no template 'chargpt'") as caught:
        create("chargpt", tmp_path)
    assert caught.value.hint == "did you mean char-gpt?"
    with pytest.raises(NotFound) as caught:
        create("zzz", tmp_path)
    assert caught.value.hint == "templates: char-gpt"


def test_the_templates_can_be_listed_without_torch() -> None:
    code = (
        "import studio_tui.training.templates, sys; print({'torch', 'lightning'} & {*sys.modules})"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "set()\n"


def losses(folder: Path, column: str) -> list[float]:
    with next(folder.glob("runs/*/metrics.csv")).open() as file:
        return [float(row[column]) for row in csv.DictReader(file) if row[column]]


@pytest.mark.timeout(120)
def test_char_gpt_learns_and_takes_its_precision_from_the_environment(tmp_path: Path) -> None:
    pytest.importorskip("lightning", reason="the train extra is not installed")
    template = create("char-gpt", tmp_path)
    shown = subprocess.run(
        [sys.executable, template.script, "--steps", "60"],
        cwd=tmp_path,
        env={**os.environ, "PL_TRAINER_PRECISION": "bf16-mixed", "PL_TRAINER_ACCELERATOR": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    assert "1 x cpu, bf16-mixed" in shown.stdout
    assert "\x1b" not in shown.stdout
    assert shown.stderr == ""
    train = losses(tmp_path, "train_loss")
    assert len(train) == 60
    assert train[0] > 4
    assert sum(train[-10:]) / 10 < 3
    assert len(losses(tmp_path, "lr")) == 60
    assert (tmp_path / "checkpoints" / "char-gpt.ckpt").is_file()
