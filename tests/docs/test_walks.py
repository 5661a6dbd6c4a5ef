"""Each page of the documentation, typed from top to bottom: `make test-docs`."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.data.stores import Servers
from tests.docs.computer import Computer
from tests.docs.pages import ROOT
from tests.docs.walks import WALKS, Walk, World
from tests.machines.sshd import MakeServer


@pytest.mark.docs
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", WALKS)
def test_page(
    page: str,
    tmp_path: Path,
    make_sshd: MakeServer,
    servers: Servers,
    certificate: tuple[Path, Path],
) -> None:
    computer = Computer(tmp_path / "ana", STUDIO_RELAY_CA=str(certificate[0]))
    with ExitStack() as leaving:
        walk = Walk(World(tmp_path, make_sshd, servers.moto, certificate, leaving), computer)
        leaving.callback(computer.stop_studios)
        WALKS[page](walk)
        walk.go(ROOT / page)
