"""Environments are really built, by uv and by pip, of packages that lie beside them."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uv

from studio_tui.machines import ssh
from studio_tui.machines.environment.build import BuildFailed, Environment
from studio_tui.machines.environment.recipe import Torch
from studio_tui.machines.local import LocalConnection
from studio_tui.machines.ssh_login import Login
from tests.machines.sshd import Server

PROJECT = """\
[project]
name = "mine"
version = "1"
requires-python = ">=3.11"
dependencies = ["tiny"]

[tool.uv]
package = false
no-index = true
find-links = ["wheels"]
"""


def wheel(folder: Path, version: str) -> None:
    """A package `tiny` that knows its version."""
    folder.mkdir(exist_ok=True)
    info = f"tiny-{version}.dist-info"
    with zipfile.ZipFile(folder / f"tiny-{version}-py3-none-any.whl", "w") as archive:
        archive.writestr("tiny.py", f"version = {version!r}\n")
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\n"
        )
        archive.writestr(
            f"{info}/WHEEL",
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr(f"{info}/RECORD", "")


@pytest.fixture
async def connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[LocalConnection]:
    """A machine with uv, without a network."""
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    (bin_folder / "uv").symlink_to(uv.find_uv_bin())
    (bin_folder / "python3").symlink_to(os.path.realpath(sys.executable))
    monkeypatch.setenv("PATH", f"{bin_folder}:/usr/bin:/bin")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS", "never")
    monkeypatch.setenv("UV_PYTHON", os.path.realpath(sys.executable))
    for name in ("VIRTUAL_ENV", "PIP_INDEX_URL", "PIP_FIND_LINKS", "PIP_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    connection = LocalConnection(tmp_path / "root")
    yield connection
    await connection.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    wheel(folder / "wheels", "1.0")
    return folder


@pytest.fixture
def environment(connection: LocalConnection, folder: Path) -> Environment:
    return Environment(connection, str(folder), Torch())


def tiny(folder: Path) -> str:
    argv = [folder / ".venv/bin/python", "-c", "import tiny; print(tiny.version)"]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


async def built(environment: Environment) -> list[str]:
    """What was said."""
    said: list[str] = []
    await environment.build(said.append)
    return said


async def test_a_project_is_locked_and_built_and_the_second_time_is_free(
    environment: Environment, folder: Path
) -> None:
    (folder / "pyproject.toml").write_text(PROJECT)
    assert not (await environment.wanted()).ready
    said = await built(environment)
    assert [line.split("/")[-1] for line in said if line.startswith("$ ")] == [
        "uv lock",
        "uv sync --frozen",
    ]
    assert any("tiny==1.0" in line for line in said)
    assert tiny(folder) == "1.0"
    assert await built(environment) == []
    assert (await environment.wanted()).ready
    assert await environment.packages() == {"tiny": "1.0"}


async def test_a_new_lock_is_another_environment(environment: Environment, folder: Path) -> None:
    (folder / "pyproject.toml").write_text(PROJECT)
    await built(environment)
    wheel(folder / "wheels", "2.0")
    (folder / "pyproject.toml").write_text(PROJECT.replace('"tiny"', '"tiny>=2"'))
    (folder / "uv.lock").unlink()
    await built(environment)
    assert tiny(folder) == "2.0"


async def test_an_environment_that_is_deleted_is_built_again(
    environment: Environment, folder: Path
) -> None:
    (folder / "requirements.txt").write_text("--no-index\n--find-links wheels\ntiny==1.0\n")
    await built(environment)
    subprocess.run(["rm", "-rf", folder / ".venv"], check=True)
    said = await built(environment)
    assert any("uv pip install" in line for line in said)
    assert tiny(folder) == "1.0"


@pytest.mark.timeout(120)  # venv and pip take 5 s of a processor
async def test_without_uv_pip_builds_it(
    environment: Environment, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "bin/uv").unlink()
    (folder / "requirements.txt").write_text("--find-links wheels\ntiny==1.0\n")
    said = await built(environment)
    assert any("-m pip install" in line for line in said)
    assert tiny(folder) == "1.0"
    assert (await environment.packages())["tiny"] == "1.0"
    assert await built(environment) == []


async def test_on_a_machine_reached_by_ssh(sshd: Server, login: Login, folder: Path) -> None:
    (sshd.home / ".local/bin").mkdir(parents=True)
    (sshd.home / ".local/bin/uv").symlink_to(uv.find_uv_bin())
    (folder / "requirements.txt").write_text("--no-index\n--find-links wheels\ntiny==1.0\n")
    connection = await ssh.connect(login)
    environment = Environment(connection, str(folder), Torch())
    assert any("tiny==1.0" in line for line in await built(environment))
    assert await built(environment) == []
    assert await environment.packages() == {"tiny": "1.0"}
    await connection.close()
    assert tiny(folder) == "1.0"


async def test_a_folder_that_needs_nothing(environment: Environment) -> None:
    assert await built(environment) == []
    assert await environment.packages() == {}


async def test_a_tool_that_fails_is_heard_and_leaves_no_stamp(
    environment: Environment, folder: Path
) -> None:
    (folder / "requirements.txt").write_text("--no-index\n--find-links wheels\nabsent==9\n")
    said: list[str] = []
    with pytest.raises(
        BuildFailed, match=r"of requirements.txt cannot be built: .*uv pip"
    ) as raised:
        await environment.build(said.append)
    assert "absent" in raised.value.hint
    assert any("absent" in line for line in said)
    assert not (await environment.wanted()).ready
    (folder / "requirements.txt").write_text("--no-index\n--find-links wheels\ntiny\n")
    await built(environment)
    assert tiny(folder) == "1.0"


async def test_a_build_that_is_cancelled_ends_its_tool(
    environment: Environment, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "bin/uv").unlink()
    script = "printf 'one\\rtwo\\n'; head -c 9000 /dev/zero | tr '\\0' x; echo $$ >&2; sleep 60"
    (tmp_path / "bin/uv").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "bin/uv").chmod(0o755)
    (folder / "requirements.txt").write_text("tiny\n")
    said: list[str] = []
    heard = asyncio.Event()

    def say(line: str) -> None:
        said.append(line)
        if line.isdigit():
            heard.set()

    building = asyncio.ensure_future(environment.build(say))
    await heard.wait()
    building.cancel()
    with pytest.raises(asyncio.CancelledError):
        await building
    assert {"one", "two"} <= set(said)
    assert max(len(line) for line in said) <= 4000
    (pid,) = (line for line in said if line.isdigit())
    while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text():
        await asyncio.sleep(0.02)
    assert not (await environment.wanted()).ready
