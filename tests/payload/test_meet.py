"""A machine says where it can be met."""

from __future__ import annotations

import ipaddress
import json
import socket
import subprocess
import sys

from studio_tui import payload
from studio_tui.payload import meet


def test_it_answers_in_one_line() -> None:
    done = subprocess.run([sys.executable, "-IS", meet.__file__], capture_output=True, check=True)
    told = json.loads(done.stdout)
    assert set(told) == {"boot", "addresses", "port"}
    assert told["boot"] == meet.boot()
    with socket.socket() as listening:
        listening.bind(("", told["port"]))
    for interface, address, prefix in told["addresses"]:
        assert interface in {name for _, name in socket.if_nameindex()} | {""}
        assert not ipaddress.IPv4Address(address).is_loopback
        assert 0 < prefix <= 32


def test_it_goes_to_the_machine() -> None:
    assert payload.files()["meet.py"]
