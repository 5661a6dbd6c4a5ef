"""An account of Snowflake that this computer reaches over HTTP, see servers/snow.py."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio_tui.data.snowflake import Snowflake

SERVER = Path(__file__).parents[1] / "servers" / "snow.py"


@pytest.fixture(scope="session")
def snow_account() -> Iterator[dict[str, Any]]:
    command = [sys.executable, str(SERVER)]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture
def snowflake(snow_account: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Snowflake:
    """It, as a source."""
    monkeypatch.setenv("SNOW_PASSWORD", "correct-horse")
    return Snowflake("snow", {**snow_account, "user": "ana", "password": "SNOW_PASSWORD"})
