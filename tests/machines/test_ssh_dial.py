"""An entry of kind ssh in machines.toml, as a destination and as a connection."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from studio_tui.machines.catalogue import Machine
from studio_tui.machines.host_keys import HostKeyUnknown, NewHostKey
from studio_tui.machines.ssh_dial import destination, dial_for
from studio_tui.machines.ssh_login import Questions
from studio_tui.machines.ssh_options import Destination
from studio_tui.settings import paths
from tests.machines.sshd import Server


def machine(**entry: Any) -> Machine:
    return Machine("gpu-box", "ssh", entry={"kind": "ssh", **entry})


def test_an_entry_is_a_destination(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STUDIO_SSH_CONFIG")
    assert destination(machine()) == Destination("gpu-box")
    monkeypatch.setenv("STUDIO_SSH_CONFIG", "/c")
    full = machine(host="h", port=1, user="u", identity_file="~/id", known_hosts="/k")
    expected = Destination("h", 1, "u", str(Path.home() / "id"), "/k", "/c")
    assert destination(full) == expected


async def test_everything_from_the_entry(
    sshd: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").touch()
    monkeypatch.setenv("STUDIO_SSH_CONFIG", str(tmp_path / "empty"))
    (tmp_path / "known hosts").write_text(sshd.known_hosts())
    entry = machine(
        host="127.0.0.1",
        port=sshd.port,
        user=sshd.user,
        identity_file=f"{sshd.folder}/id",
        known_hosts=f"{tmp_path}/known hosts",
        root="~/elsewhere",
    )
    connection = await dial_for(entry)()
    assert connection.root == f"{sshd.home}/elsewhere"
    await connection.close()


async def test_a_new_host_names_the_command_that_asks(
    sshd: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUDIO_SSH_CONFIG", str(sshd.client_config))
    (sshd.folder / "known_hosts").unlink()
    with pytest.raises(HostKeyUnknown) as raised:
        await dial_for(machine(host="box"))()
    assert "studio-tui machine check gpu-box" in raised.value.hint

    async def trusting(question: NewHostKey) -> bool:
        return True

    connection = await dial_for(machine(host="box"), Questions(host_key=trusting))()
    await connection.close()
    assert sshd.host_key.export_public_key().decode().split()[1] in (
        paths.known_hosts_file().read_text()
    )
    connection = await dial_for(machine(host="box"))()
    await connection.close()
