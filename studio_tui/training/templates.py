"""The templates: folders with a small, whole, commented training run to start from."""

from __future__ import annotations

import difflib
import shutil
from dataclasses import dataclass
from pathlib import Path

from studio_tui.errors import NotFound, StudioError

SOURCE = Path(__file__).with_name("templates")


@dataclass(frozen=True, slots=True)
class Template:
    """A folder that can be copied and run."""

    name: str
    """What it is called on the command line."""

    title: str
    """What it teaches, in one line."""

    script: str
    """The file to run."""

    @property
    def source(self) -> Path:
        """Where its files lie in the installed package."""
        return SOURCE / self.name

    @property
    def files(self) -> list[str]:
        """Names of its files, in order."""
        return sorted(path.name for path in self.source.iterdir() if path.is_file())


TEMPLATES = (
    Template(
        name="char-gpt",
        title="a small GPT that learns to write Python in a minute, on a CPU",
        script="train.py",
    ),
    Template(
        name="images",
        title="tell shapes apart in noisy pictures: convolutions, accuracy, data modules",
        script="train.py",
    ),
    Template(
        name="tabular",
        title="predict rents from a table: scaling, early stopping, against a straight line",
        script="train.py",
    ),
    Template(
        name="fine-tune",
        title="24 pictures are enough, with the checkpoint of a model that has seen thousands",
        script="train.py",
    ),
    Template(
        name="many-gpus",
        title="one script on one device, several, and several machines: what to mind",
        script="train.py",
    ),
    Template(
        name="precision",
        title="the same model in 32, mixed and 16 bits: loss, memory and time in a table",
        script="compare.py",
    ),
    Template(
        name="serve",
        title="answer questions over HTTP with a model's checkpoint, LitServe or not",
        script="serve.py",
    ),
    Template(
        name="s3-pipeline",
        title="data from a bucket, checked and cached; the checkpoint back into it",
        script="train.py",
    ),
)


def templates() -> list[Template]:
    """Return every template, the simplest first."""
    return list(TEMPLATES)


def create(name: str, folder: Path) -> Template:
    """Copy the files of a template into a folder that is new or empty.

    Raises:
        NotFound: no template has this name.
        StudioError: the folder has something in it, or cannot be written.
    """
    template = _named(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise StudioError(f"{folder} is not empty", "name a folder that does not exist yet")
        for file in template.files:
            shutil.copyfile(template.source / file, folder / file)
    except OSError as error:
        raise StudioError(
            f"cannot write to {folder}: {error.strerror}", "name a folder that you can write to"
        ) from error
    return template


def _named(name: str) -> Template:
    for template in TEMPLATES:
        if template.name == name:
            return template
    names = [template.name for template in TEMPLATES]
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]}?" if close else f"templates: {', '.join(names)}"
    raise NotFound(f"no template {name!r}", hint)
