from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import psutil
import pytest

from studio_tui import payload
from studio_tui.errors import Refused, StudioError, UsageFault
from studio_tui.host.files import envoy as envoy_module
from studio_tui.host.files.disk import ChangedOnDisk, NotEditable
from studio_tui.host.files.envoy import Envoy, NotThere
from studio_tui.machines import local
from studio_tui.machines.connection import ConnectionLost
from studio_tui.machines.local import LocalConnection
from studio_tui.payload.folder import service as served
from tests.host.conftest import eventually

PAYLOAD = str(Path(payload.__file__).parent)
HEAD = """
import json, os, struct, sys
def receive():
    head, body = struct.unpack(">II", sys.stdin.buffer.read(8))
    return json.loads(sys.stdin.buffer.read(head)), sys.stdin.buffer.read(body)
def say(head, body=b""):
    told = json.dumps(head).encode()
    sys.stdout.buffer.write(struct.pack(">II", len(told), len(body)) + told + body)
    sys.stdout.flush()
"""
HELLO = "print('studio-tui folder', flush=True)\n"


class Machine:
    """A machine, and the envoys that were sent to it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.connection = LocalConnection(home / "machine")
        self._envoys: list[Envoy] = []
        self._others = set(psutil.Process().children())  # of tests before this one

    def envoy(self, code: str) -> Envoy:
        """One whose program is this code."""
        return self.started([sys.executable, "-c", HEAD + code])

    def started(self, argv: Sequence[str]) -> Envoy:
        self._envoys.append(Envoy(lambda: self.connection.open(argv)))
        return self._envoys[-1]

    def folder(self) -> Envoy:
        """The product's own program."""
        (self.home / "project").mkdir()
        (self.home / "project" / "a").write_bytes(b"old")
        return self.started(self.command(sys.executable))

    def command(self, python: str) -> list[str]:
        """What starts it."""
        return payload.program(python, PAYLOAD, "folder.service", str(self.home / "project"))

    def programs(self) -> list[psutil.Process]:
        """Those that run."""
        return [child for child in psutil.Process().children() if child not in self._others]

    def kill(self) -> None:
        for program in self.programs():
            program.kill()

    async def close(self) -> None:
        for envoy in self._envoys:
            await envoy.close()
        await self.connection.close()


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[Machine]:
    made = Machine(tmp_path)
    yield made
    await made.close()


# -- asking -----------------------------------------------------------------------------------


async def test_a_program_is_started_once_and_asked(machine: Machine) -> None:
    envoy = machine.folder()
    assert machine.programs() == []
    replies = await asyncio.gather(*(envoy.look("load", path="a", most=9) for _ in range(100)))
    assert {reply.body for reply in replies} == {b"old"}
    assert len(machine.programs()) == 1


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("missing", NotThere),
        ("refused", Refused),
        ("usage", UsageFault),
        ("uneditable", NotEditable),
        ("changed", ChangedOnDisk),
        ("other", StudioError),
        (["?"], StudioError),
    ],
)
async def test_every_error_comes_back_as_what_it_is(
    machine: Machine, kind: object, error: type[StudioError]
) -> None:
    told = {"error": kind, "message": "said", "hint": "do"}
    envoy = machine.envoy(HELLO + f"say({{'id': receive()[0]['id'], **{told!r}}}); receive()")
    with pytest.raises(StudioError) as raised:
        await envoy.change("fly")
    assert type(raised.value) is error
    assert (raised.value.message, raised.value.hint) == ("said", "do")


async def test_what_is_too_large_is_not_sent(machine: Machine) -> None:
    envoy = machine.folder()
    with pytest.raises(StudioError, match="more than can be sent"):
        await envoy.change("write", bytes(served.BODY_LIMIT + 1), path="a", before=None)
    with pytest.raises(StudioError, match="more than can be sent"):
        await envoy.look("name", path="x" * served.HEAD_LIMIT)
    assert (await envoy.look("load", path="a", most=9)).body == b"old"


async def test_both_ends_agree() -> None:
    for name in ("HELLO", "HEAD_LIMIT", "BODY_LIMIT"):
        assert getattr(envoy_module, name) == getattr(served, name)
    assert envoy_module.MOST < served.MOST


async def test_an_answer_that_nobody_waits_for_any_more(machine: Machine) -> None:
    code = "first = receive()[0]['id']; open('got', 'w').close(); second = receive()[0]['id']\n"
    envoy = machine.envoy(
        HELLO + code + "say({'id': first}); say({'id': second, 'n': 2}); receive()"
    )
    asking = asyncio.create_task(envoy.change("first"))
    await eventually((machine.home / "machine" / "got").exists)
    asking.cancel()
    await asyncio.wait([asking])
    assert (await envoy.change("second")).told("n", int) == 2


# -- lost and found ---------------------------------------------------------------------------


async def test_a_program_that_was_killed_is_started_again(machine: Machine) -> None:
    envoy = machine.folder()
    for _ in range(3):
        assert (await envoy.look("load", path="a", most=9)).body == b"old"
        machine.kill()
        assert (await envoy.look("load", path="a", most=9)).body == b"old"


DIES_ONCE = """
if receive() and not os.path.exists("died"):
    open("died", "w").close()
    os._exit(1)
"""


async def test_a_look_whose_answer_was_lost_is_repeated(machine: Machine) -> None:
    envoy = machine.envoy(HELLO + DIES_ONCE + "say({'id': 1, 'n': 7}); receive()")
    assert (await envoy.look("look")).told("n", int) == 7


async def test_a_change_whose_answer_was_lost_is_told_and_not_repeated(machine: Machine) -> None:
    envoy = machine.envoy(HELLO + DIES_ONCE + "open('twice', 'w'); say({'id': 1}); receive()")
    with pytest.raises(ConnectionLost, match="and with it the answer") as raised:
        await envoy.change("delete")
    assert raised.value.hint
    assert not (machine.home / "machine" / "twice").exists()
    await envoy.change("delete")
    assert (machine.home / "machine" / "twice").exists()


async def test_everybody_who_waits_is_told(machine: Machine) -> None:
    envoy = machine.envoy(HELLO + "for _ in range(3): receive()")
    asked = await asyncio.gather(*(envoy.change("x") for _ in range(3)), return_exceptions=True)
    assert [type(problem) for problem in asked] == [ConnectionLost] * 3


async def test_a_closed_connection_is_told(machine: Machine) -> None:
    envoy = machine.folder()
    await envoy.look("load", path="a", most=9)
    await machine.connection.close()
    with pytest.raises(ConnectionLost):
        await envoy.look("load", path="a", most=9)
    with pytest.raises(ConnectionLost):
        await envoy.change("delete", path="a")
    assert (machine.home / "project" / "a").exists()


async def test_closing_ends_the_program_for_good(machine: Machine) -> None:
    envoy = machine.folder()
    await envoy.look("load", path="a", most=9)
    (program,) = machine.programs()
    await envoy.close()
    await machine.connection.close()
    assert not program.is_running()
    with pytest.raises(ConnectionLost, match="has left this machine"):
        await envoy.look("load", path="a", most=9)
    await envoy.close()


# -- what is no such program ------------------------------------------------------------------


@pytest.mark.parametrize(
    "argv",
    [
        ["/no/python3", "-m"],
        ["/bin/sh", "-c", "echo 'sh: python3: not found' >&2; exit 127"],
        ["/bin/sh", "-c", "echo 'SyntaxError: future feature' >&2; exit 1"],
        ["/bin/sh", "-c", "exit 1"],
        ["/bin/sh", "-c", "while echo noise; do :; done"],
        ["/bin/sh", "-c", "head -c 3000000 /dev/zero; sleep 60"],
    ],
)
async def test_a_machine_where_it_cannot_be_started(machine: Machine, argv: list[str]) -> None:
    envoy = machine.started(argv)
    for ask in (envoy.look, envoy.change):
        with pytest.raises(StudioError, match="the machine's files cannot be reached: ") as raised:
            await ask("name", path="a")
        assert not isinstance(raised.value, ConnectionLost)
        assert raised.value.hint == "install Python 3.8 or later on it"


async def test_many_do_not_each_try_what_has_just_failed(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(envoy_module, "RETRY_SECONDS", 60.0)
    envoy = machine.started(["/bin/sh", "-c", "echo tried >>tries"])
    asked = [envoy.look("name", path="a") for _ in range(50)]
    problems = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(problem, StudioError) for problem in problems)
    assert (machine.home / "machine" / "tries").read_text() == "tried\n"


async def test_once_there_is_a_python_it_is_found(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(envoy_module, "RETRY_SECONDS", 0.0)
    python = machine.home / "python3"
    machine.folder()
    envoy = machine.started(machine.command(str(python)))
    with pytest.raises(StudioError, match="cannot be reached"):
        await envoy.look("load", path="a", most=9)
    python.symlink_to(sys.executable)
    assert (await envoy.look("load", path="a", most=9)).body == b"old"


async def test_what_a_login_shell_says_first_does_not_count(machine: Machine) -> None:
    code = "print('Welcome!\\nno newline: ', end='')\n" + HELLO + "say({'id': 1}); receive()"
    await machine.envoy(code).change("x")


async def test_a_program_that_never_says_it_is_there(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(envoy_module, "START_SECONDS", 0.05)
    with pytest.raises(StudioError, match="does not start"):
        await machine.started(["/bin/sh", "-c", "exec sleep 60"]).look("name", path="a")


@pytest.mark.parametrize(
    "said",
    [
        "sys.stdout.buffer.write(b'x' * 100)",
        "sys.stdout.buffer.write(b'x' * 5_000_000)",
        "say([])",
        "say({'id': 'x'})",
        "sys.stdout.buffer.write(struct.pack('>II', 4, 1 << 31))",
        "sys.stdout.buffer.write(struct.pack('>II', 4, 0) + b'\\xff{}}')",
        "sys.stdout.buffer.write(struct.pack('>II', 200000, 0) + b'[' * 200000)",
    ],
)
async def test_nonsense_ends_the_program(machine: Machine, said: str) -> None:
    envoy = machine.envoy(f"{HELLO}receive(); {said}; sys.stdout.flush(); receive()")
    with pytest.raises(ConnectionLost):
        await envoy.change("x")


async def test_an_answer_without_what_was_asked_for(machine: Machine) -> None:
    envoy = machine.envoy(HELLO + "receive(); say({'id': 1, 'n': '7'}); receive()")
    reply = await envoy.change("x")
    for key in ("n", "m"):
        with pytest.raises(StudioError, match=f"have the {key}") as raised:
            reply.told(key, int)
        assert raised.value.hint


async def test_a_stopped_program_holds_nobody_up_who_closes(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "CLOSE_GRACE", 0.05)
    envoy = machine.folder()
    await envoy.look("load", path="a", most=9)
    (program,) = machine.programs()
    program.send_signal(signal.SIGSTOP)
    asking = asyncio.create_task(envoy.look("load", path="a", most=9))
    await asyncio.sleep(0)
    await envoy.close()
    with pytest.raises(ConnectionLost):
        await asking


async def test_closing_in_the_middle_of_a_long_answer(machine: Machine) -> None:
    envoy = machine.folder()
    (machine.home / "project" / "large").write_bytes(bytes(8 << 20))
    asking = [asyncio.create_task(envoy.look("load", path="large", most=8 << 20)) for _ in range(4)]
    await eventually(machine.programs)
    await envoy.close()
    await machine.connection.close()
    assert machine.programs() == []
    for problem in await asyncio.gather(*asking, return_exceptions=True):
        assert isinstance(problem, ConnectionLost | tuple)
