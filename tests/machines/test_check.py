"""What is said of a machine: from its own lines, and of real ones."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from studio_tui.errors import Refused
from studio_tui.machines import ssh
from studio_tui.machines.check import Finding, check, judge, read
from studio_tui.machines.connection import Connection, ConnectionLost
from studio_tui.machines.local import LocalConnection
from tests.machines.sshd import Server, login_to

GOOD = """\
time 1000
system Linux x86_64
user ann
shell /bin/fish
python 3.11.2
tar /bin/tar
rsync /usr/bin/rsync
disk 104857600
gpu NVIDIA H200, 570.1
gpu NVIDIA H200, 570.1
device /dev/nvidia0
"""


def found(text: str, now: float = 1000.0) -> dict[str, Finding]:
    return {finding.what: finding for finding in judge(read(text), now, now + 0.5)}


def test_a_machine_that_has_everything() -> None:
    findings = judge(read(GOOD), 1000.2, 1000.4)
    assert {finding.state for finding in findings} == {"ok"}
    assert [finding.what for finding in findings] == [
        "system", "user", "shell", "python3", "tar", "rsync", "disk", "clock", "gpu", "gpu",
    ]  # fmt: skip
    assert found(GOOD)["disk"].detail == "100.0 GiB free"
    assert "570.1" in found(GOOD)["gpu"].detail


@pytest.mark.parametrize(
    ("line", "what", "state"),
    [
        ("python 3.11.2\n", "python3", "bad"),
        ("tar /bin/tar\n", "tar", "bad"),
        ("rsync /usr/bin/rsync\n", "rsync", "note"),
        ("disk 104857600\n", "disk", "note"),
        ("time 1000\n", "clock", "note"),
    ],
)
def test_what_is_missing_says_what_to_do(line: str, what: str, state: str) -> None:
    finding = found(GOOD.replace(line, ""))[what]
    assert finding.state == state
    assert finding.hint or finding.detail == "it does not tell"


@pytest.mark.parametrize(
    ("old", "new", "what", "state"),
    [
        ("3.11.2", "3.7.9", "python3", "bad"),
        ("3.11.2", "3.14.0rc1", "python3", "ok"),
        ("3.11.2", "what", "python3", "bad"),
        ("104857600", "1000", "disk", "bad"),
        ("104857600", "-", "disk", "note"),
    ],
)
def test_what_is_there_but_not_good(old: str, new: str, what: str, state: str) -> None:
    assert found(GOOD.replace(old, new))[what].state == state


@pytest.mark.parametrize(
    ("there", "here", "detail"),
    [
        (1000, 1000.9, "as here"),
        (1000, 1005.5, "as here"),
        (1000, 1011.0, "off by 10 s"),
        (1060, 1000.0, "off by 60 s"),
    ],
)
def test_the_clock(there: int, here: float, detail: str) -> None:
    assert found(GOOD.replace("time 1000", f"time {there}"), here)["clock"].detail == detail


def test_a_card_without_its_driver() -> None:
    text = "".join(line for line in GOOD.splitlines(True) if not line.startswith("gpu"))
    assert found(text)["gpu"].state == "bad"
    assert "driver" in found(text)["gpu"].hint
    assert found(text.replace("device /dev/nvidia0", ""))["gpu"].detail == "none"


async def test_a_real_machine(sshd: Server, tmp_path: Path) -> None:
    async def dial() -> Connection:
        return await ssh.connect(login_to(sshd, tmp_path))

    findings, code = await check(dial)
    told = {finding.what: finding for finding in findings}
    assert told["reached"].detail == f"{sshd.home}/.studio-tui"
    assert told["user"].detail == sshd.user
    assert told["python3"].state == told["tar"].state == told["clock"].state == "ok"
    assert code == int(any(finding.state == "bad" for finding in findings))


async def test_a_machine_without_programs(tmp_path: Path) -> None:
    class Bare(LocalConnection):
        async def run(self, argv, **more):  # type: ignore[no-untyped-def]
            return await super().run(argv, **more | {"env": {"PATH": "/none"}})

    async def dial() -> Connection:
        return Bare(tmp_path)

    findings, code = await check(dial)
    assert code == 1
    assert {f.what for f in findings if f.state == "bad"} == {"python3", "tar"}
    assert all(finding.hint for finding in findings if finding.state == "bad")


@pytest.mark.parametrize(
    ("problem", "code"), [(ConnectionLost("gone", "why"), 3), (Refused("no", "why"), 4)]
)
async def test_a_machine_that_is_not_reached(problem: Exception, code: int) -> None:
    async def dial() -> Connection:
        await asyncio.sleep(0)
        raise problem

    assert await check(dial) == ([Finding("bad", "reached", str(problem), "why")], code)
