"""What a machine and a folder say about an environment."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from studio_tui.errors import NotFound
from studio_tui.machines.environment.look import look, parse
from studio_tui.machines.local import LocalConnection


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[LocalConnection]:
    connection = LocalConnection(tmp_path / "root")
    yield connection
    await connection.close()


async def test_a_folder_and_its_machine(connection: LocalConnection, tmp_path: Path) -> None:
    content = {
        "pyproject.toml": b"[project]\nname = 'x'",
        "requirements with space.txt": b"file 3 x\ntool uv /fake\n\n",
        "requirements.txt": b"",
        "uv.lock": b"\xff\n",
        "environment.yml": b"name: x\n",
    }
    folder = tmp_path / "it's a folder"
    folder.mkdir()
    for name, data in content.items():
        (folder / name).write_bytes(data)
    (folder / ".venv").mkdir()
    (folder / ".venv/.studio-env").write_text("abc")
    seen = await look(connection, str(folder))
    assert dict(seen.files) == content
    assert seen.stamp == "abc"
    assert seen.python.startswith("Python 3.")
    assert seen.system == f"{os.uname().sysname} {os.uname().machine}"
    assert seen.tools["python3"].endswith("python3")
    assert seen.digest(("uv.lock",)) == {"uv.lock": hashlib.sha256(b"\xff\n").hexdigest()}


async def test_an_empty_folder(connection: LocalConnection, tmp_path: Path) -> None:
    seen = await look(connection, str(tmp_path))
    assert (dict(seen.files), seen.stamp) == ({}, "")


async def test_a_folder_that_is_not_there(connection: LocalConnection) -> None:
    with pytest.raises(NotFound, match="no folder /no/such there"):
        await look(connection, "/no/such")


async def test_uv_where_its_installer_puts_it(
    connection: LocalConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    (tmp_path / ".local/bin").mkdir(parents=True)
    (tmp_path / ".local/bin/uv").symlink_to(sys.executable)
    seen = await look(connection, str(tmp_path))
    assert seen.tools["uv"] == str(tmp_path / ".local/bin/uv")


def test_nothing_was_printed() -> None:
    assert parse(b"").tools == {}
