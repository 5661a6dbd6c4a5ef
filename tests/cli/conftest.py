"""Commands as they are typed, in this process and in one of their own, and a studio for them."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from studio_tui.cli.main import main
from studio_tui.client import start
from studio_tui.settings import studios

COMMAND = [sys.executable, "-m", "studio_tui"]
SECONDS = 20


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The message of the one error there is; its hint is there, too."""
        lines = self.err.splitlines()
        assert lines[-2].startswith("error: "), self.err
        assert lines[-1].startswith("hint: "), self.err
        return lines[-2].removeprefix("error: ")

    @property
    def hint(self) -> str:
        return self.err.splitlines()[-1].removeprefix("hint: ")


Typed = Callable[..., Done]


@pytest.fixture
def typed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Typed:
    """Run a command in this process: `typed("ls", "--json")`; `input` is its stdin."""

    def run(*arguments: str, input: bytes = b"") -> Done:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(input), encoding="utf-8"))
        with pytest.raises(SystemExit) as end:
            main(arguments)
        sys.stdout.flush()
        out, err = capsys.readouterr()
        code = end.value.code or 0
        assert isinstance(code, int)
        assert "Traceback" not in err
        return Done(code, out, err)

    return run


@pytest.fixture
def spawned() -> Typed:
    """Run a command in a process of its own, without a terminal."""

    def run(*arguments: str, input: bytes = b"", **options: Any) -> Done:
        done = subprocess.run(
            [*COMMAND, *arguments], input=input, capture_output=True, timeout=SECONDS, check=False,
            **options,
        )  # fmt: skip
        out, err = done.stdout.decode(), done.stderr.decode()
        assert "Traceback" not in err, err
        return Done(done.returncode, out, err)

    return run


@dataclass(frozen=True)
class Hosted:
    """A running studio."""

    home: Path
    folder: Path
    id: str


@contextlib.contextmanager
def at_home(home: Path) -> Iterator[None]:
    """What the product keeps is in `home` meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("STUDIO_")]:
            patch.delenv(name)
        patch.setenv("STUDIO_HOME", str(home))
        yield


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosted]:
    """One studio for all tests of a module; they leave it as they found it."""
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("project")
    with at_home(home):
        studio = start.ensure(folder, name="work").id
    yield Hosted(home, folder, studio)
    with at_home(home):
        start.stop(studios.find(studio))


@pytest.fixture
def hosted(running: Hosted, studio_home: Path, monkeypatch: pytest.MonkeyPatch) -> Hosted:
    """The module's studio, as its own user sees it."""
    monkeypatch.setenv("STUDIO_HOME", str(running.home))
    return running
