"""What every test gets: a home of its own, no user's variables, and `require` for programs."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

pytest_plugins = ["tests.machines.sshd"]

Require = Callable[[str], str]

# A shell that starts the tests in the background has them ignore ctrl+c, and so would every
# program that they start, for good.
signal.signal(signal.SIGINT, signal.default_int_handler)


def find_program(program: str) -> str:
    """Return the path of a program that a test needs.

    Without it the test is skipped with the reason, except with CI=true: there everything that
    `scripts/test-servers.sh` installs must be present, so a missing program is a failure.
    """
    path = shutil.which(program)
    if path:
        return path
    reason = f"{program} is not installed; scripts/test-servers.sh installs it"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def require() -> Require:
    """Return `find_program`: `require("tmux")` gives its path or skips the test."""
    return find_program


@pytest.fixture(autouse=True)
def studio_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Move everything the product keeps into a folder of this test alone."""
    for name in [name for name in os.environ if name.startswith(("STUDIO_", "PL_TRAINER_"))]:
        monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("STUDIO_HOME", str(home))
    monkeypatch.setenv("STUDIO_SSH_CONFIG", str(home / "ssh_config"))
    return home
