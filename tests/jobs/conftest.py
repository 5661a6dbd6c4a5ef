"""A machine with the payload on it, and its supervisor."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from studio_tui.jobs.launch import Supervisor
from studio_tui.machines.install import install
from studio_tui.machines.local import LocalConnection


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "train: runs a real training; needs torch and lightning")


class Machine(LocalConnection):
    """A local machine that remembers the process ids of its channels."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.opened: list[int] = []

    async def open(self, *args: object, **kwargs: object) -> object:  # type: ignore[override]
        channel = await super().open(*args, **kwargs)  # type: ignore[arg-type]
        self.opened.append(channel.pid)
        return channel


@pytest.fixture
async def supervisor(tmp_path: Path) -> AsyncIterator[Supervisor]:
    connection = Machine(tmp_path / "root")
    payload = await install(connection)
    yield Supervisor(connection, payload)
    await connection.close()
    afterwards = Supervisor(LocalConnection(tmp_path / "root"), payload)
    for job in await afterwards.list():
        await afterwards.stop(job.id, grace=0)


@pytest.fixture
def studio(tmp_path: Path) -> Path:
    """The studio's folder."""
    folder = tmp_path / "studio"
    folder.mkdir()
    return folder
