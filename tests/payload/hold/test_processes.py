"""Processes of this machine: since when they live, and in which session."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from studio_tui.payload.hold.processes import birth, boot, groups_of_session

LEADER = """
import subprocess
other = subprocess.Popen(["sleep", "60"], process_group=0)
print(other.pid, flush=True)
other.wait()
"""


def test_one_process_is_born_once() -> None:
    assert birth(os.getpid()) == birth(os.getpid()) != ""
    assert boot() == boot() != ""


def test_who_is_gone_was_never_born() -> None:
    over = subprocess.Popen(["true"])
    over.wait()
    assert birth(over.pid) == ""


def test_who_is_over_and_not_waited_for_is_gone() -> None:
    over = subprocess.Popen(["true"])
    try:
        while birth(over.pid):
            pass
    finally:
        over.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc to read them from")
def test_the_groups_of_a_session() -> None:
    leader = subprocess.Popen([sys.executable, "-c", LEADER], stdout=-1, start_new_session=True)
    assert leader.stdout is not None
    other = int(leader.stdout.readline())
    try:
        assert groups_of_session(leader.pid) == {leader.pid, other}
    finally:
        os.killpg(other, signal.SIGKILL)
        leader.wait()
        leader.stdout.close()
