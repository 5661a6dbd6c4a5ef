"""How two environments differ, in words."""

from __future__ import annotations

from studio_tui.machines.environment.drift import drift, packages

FROZEN = """\
# Editable install with no version control (mine==1.0)
-e /home/ana/mine
mine @ file:///home/ana/mine
Flask_Cors==4.0
torch==2.13.0+cpu
fork @ git+https://example.org/fork@abc
"""


def test_what_is_installed() -> None:
    assert packages(FROZEN) == {
        "flask-cors": "4.0",
        "torch": "2.13.0+cpu",
        "fork": "git+https://example.org/fork@abc",
    }
    assert packages("") == {}


def test_differences_in_words() -> None:
    ours = {"torch": "2.13.0+cpu", "numpy": "2.1", "rich": "15.0", "here": "1", "plain": "1"}
    theirs = {"torch": "2.13.0+cu128", "numpy": "2.2", "rich": "15.0", "there": "2", "plain": "1+x"}
    assert drift("local", ours, "gpu-box", theirs) == [
        "here 1 is on local only",
        "numpy is 2.1 on local and 2.2 on gpu-box",
        "plain 1 is built for the usual on local and for x on gpu-box",
        "there 2 is on gpu-box only",
        "torch 2.13.0 is built for cpu on local and for cu128 on gpu-box",
    ]
    assert drift("a", ours, "b", ours) == []
