"""The templates: what is in them, and that what they promise happens."""

from __future__ import annotations

import csv
import os
import re
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
    assert caught.value.hint == (
        "templates: char-gpt, images, tabular, fine-tune, many-gpus, precision, serve, s3-pipeline"
    )


def test_the_templates_can_be_listed_without_torch() -> None:
    code = (
        "import studio_tui.training.templates, sys; print({'torch', 'lightning'} & {*sys.modules})"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "set()\n"


def losses(folder: Path, column: str) -> list[float]:
    with next(folder.glob("runs/*/metrics.csv")).open() as file:
        return [float(row[column]) for row in csv.DictReader(file) if row[column]]


def run(name: str, folder: Path, *arguments: str, **env: str) -> str:
    """What a template's script prints; it says nothing on stderr, and draws nothing."""
    pytest.importorskip("lightning", reason="the train extra is not installed")
    template = create(name, folder)
    done = subprocess.run(
        [sys.executable, template.script, *arguments],
        cwd=folder,
        env={**os.environ, "PL_TRAINER_ACCELERATOR": "cpu", **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    return done.stdout


def share(line: str) -> float:
    """The percentage in a line of text, as a share."""
    found = re.search(r"([\d.]+)%", line)
    assert found, line
    return float(found[1]) / 100


@pytest.mark.timeout(120)
def test_char_gpt_learns_and_takes_its_precision_from_the_environment(tmp_path: Path) -> None:
    said = run("char-gpt", tmp_path, "--steps", "60", PL_TRAINER_PRECISION="bf16-mixed")
    assert "1 x cpu, bf16-mixed" in said
    train = losses(tmp_path, "train_loss")
    assert len(train) == 60
    assert train[0] > 4
    assert sum(train[-10:]) / 10 < 3
    assert len(losses(tmp_path, "lr")) == 60
    assert (tmp_path / "checkpoints" / "char-gpt.ckpt").is_file()


@pytest.mark.timeout(120)
def test_images_are_told_apart(tmp_path: Path) -> None:
    lines = run("images", tmp_path, "--epochs", "4").splitlines()
    assert [line.split()[:2] for line in lines] == [["epoch", str(n)] for n in (1, 2, 3, 4)]
    assert share(lines[-1]) > 0.6  # one third is guessing
    assert losses(tmp_path, "val_loss")
    assert (tmp_path / "checkpoints" / "best.ckpt").is_file()


@pytest.mark.timeout(120)
def test_a_table_is_predicted_better_than_by_a_straight_line(tmp_path: Path) -> None:
    last = run("tabular", tmp_path).splitlines()[-1]
    line, model = (int(number) for number in re.findall(r"by (\d+)", last))
    assert model < line
    assert (tmp_path / "flats.csv").read_text().startswith("area,rooms,floor,year,district,rent\n")
    assert (tmp_path / "checkpoints" / "best.ckpt").is_file()


@pytest.mark.timeout(120)
def test_a_checkpoint_is_worth_something(tmp_path: Path) -> None:
    base, tuned = run("fine-tune", tmp_path / "with").splitlines()
    (alone,) = run("fine-tune", tmp_path / "without", "--scratch").splitlines()
    assert "kept in checkpoints/base.ckpt" in base
    assert share(tuned) > share(alone) > 1 / 6
    assert (tmp_path / "with/checkpoints/tuned.ckpt").is_file()


@pytest.mark.timeout(120)
def test_two_processes_end_with_the_same_weights(tmp_path: Path) -> None:
    said = run("many-gpus", tmp_path, PL_TRAINER_DEVICES="2", PL_TRAINER_STRATEGY="ddp")
    # Two processes may write into one line.
    ends = re.findall(r"process (\d) of 2: weights ([0-9a-f]{12})", said)
    assert sorted(who for who, _ in ends) == ["0", "1"]
    assert len({weights for _, weights in ends}) == 1
    assert said.count("64 steps") == 3  # half of 128: each has its own half of the rows


@pytest.mark.timeout(120)
def test_precisions_are_compared(tmp_path: Path) -> None:
    run("precision", tmp_path, "--steps", "12")
    with (tmp_path / "precisions.csv").open() as file:
        rows = {row["precision"]: row for row in csv.DictReader(file)}
    kept = {name: float(row["kept_mb"]) for name, row in rows.items()}
    assert kept["32-true"] == kept["bf16-mixed"] == pytest.approx(2 * kept["bf16-true"])
    assert float(rows["bf16-mixed"]["loss"]) == pytest.approx(
        float(rows["32-true"]["loss"]), rel=0.1
    )
