"""An instance reached by a real OpenSSH server, which answers at every address that it gets."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from studio_tui.errors import Refused
from studio_tui.machines.connection import ConnectionLost
from studio_tui.machines.ec2.client import Client
from studio_tui.machines.ec2.connect import connect
from studio_tui.machines.ec2.instance import Instance
from studio_tui.machines.host_keys import HostKeyChanged, HostKeyUnknown, NewHostKey
from studio_tui.machines.ssh_login import Questions
from studio_tui.machines.ssh_options import Destination
from tests.machines.sshd import MakeServer, Server


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio_tui.machines.ec2.instance.LOOK", 0.01)


def console(server: Server) -> dict[str, str]:
    """What the server's machine has printed."""
    fingerprint = server.host_key.get_fingerprint()
    return {
        "console": "-----BEGIN SSH HOST KEY FINGERPRINTS-----\n"
        f"256 {fingerprint} root@ip-10-0-0-1 (ED25519)\n"
        "-----END SSH HOST KEY FINGERPRINTS-----\n"
    }


@dataclass
class Person:
    """Somebody who answers for host keys."""

    answer: bool
    asked: list[NewHostKey] = field(default_factory=list)

    async def __call__(self, question: NewHostKey) -> bool:
        self.asked.append(question)
        return self.answer


class Box:
    """An instance whose sshd is on this machine."""

    def __init__(self, instance: Instance, server: Server, folder: Path) -> None:
        self.instance = instance
        self.known = folder / "own_known_hosts"
        self._root = str(folder / "root")
        self.serve(server)

    def serve(self, server: Server) -> None:
        config = server.folder / "any_config"
        config.write_text(server.client_lines("*", "UserKnownHostsFile none"))
        self._destination = Destination("", config=str(config))

    async def visit(self, person: Person | None = None) -> None:
        questions = Questions(host_key=person) if person else Questions()
        connection = await connect(
            self.instance, self._destination, self.known, questions, self._root
        )
        assert (await connection.run(["echo", "hello"])).stdout == b"hello\n"
        await connection.close()


@pytest.fixture
def box(aws: Any, sshd: Server, tmp_path: Path) -> Box:
    return Box(Instance(Client("us-east-1"), aws.launch()), sshd, tmp_path)


async def test_the_console_vouches_for_its_first_key_and_its_id_pins_it(
    aws: Any, box: Box, sshd: Server, make_sshd: MakeServer
) -> None:
    aws.rules(console(sshd))
    await box.visit()
    kind, key = sshd.host_key.export_public_key().decode().split()[:2]
    assert box.known.read_text() == f"{box.instance.id} {kind} {key}\n"

    aws.rules({"console": ""})
    before = (await box.instance.look()).address
    seen = await box.instance.change_type("t3.large", lambda _: None, stop=True)
    assert seen.address != before
    await box.visit()

    other = make_sshd()
    aws.rules(console(other))
    box.serve(other)
    with pytest.raises(HostKeyChanged, match="HAS CHANGED"):
        await box.visit(Person(True))


async def test_a_key_that_the_console_does_not_know_is_refused(aws: Any, box: Box) -> None:
    person = Person(True)
    with pytest.raises(Refused, match="has printed another one on its console"):
        await box.visit(person)
    assert person.asked == []
    assert not box.known.exists()


@pytest.mark.parametrize("forbidden", [False, True], ids=["a silent console", "a forbidden one"])
async def test_a_person_is_asked_where_the_console_tells_nothing(
    aws: Any, box: Box, forbidden: bool
) -> None:
    rule = {"action": "GetConsoleOutput", "code": "UnauthorizedOperation", "message": "no"}
    aws.rules(rule | {"times": 4} if forbidden else {"console": "booting\n"})
    with pytest.raises(HostKeyUnknown):
        await box.visit(Person(False))
    person = Person(True)
    await box.visit(person)
    assert [question.host for question in person.asked] == [box.instance.id]
    await box.visit()


async def test_one_that_does_not_run(aws: Any, box: Box) -> None:
    await box.instance.stop(lambda _: None)
    with pytest.raises(ConnectionLost, match="is stopped"):
        await box.visit()
