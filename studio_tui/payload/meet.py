"""Says where a machine can be met: `python3 meet.py` prints one JSON object.

boot        tells machines apart: equal on two "machines" that are one computer
addresses   [[interface, IPv4 address, prefix length]], without the loopback
port        a TCP port that was free a moment ago
"""

from __future__ import annotations

import json
import platform
import socket
import struct
from typing import Any

SIOCGIFADDR, SIOCGIFNETMASK = 0x8915, 0x891B  # Linux: include/uapi/linux/sockios.h


def boot() -> str:
    """The id of this run of the computer, or its name where there is none."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return platform.node()


def addresses() -> list[list[Any]]:
    """The addresses of each interface; where they cannot be asked for, that of the way out."""
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for _, name in socket.if_nameindex():
            try:
                address = _asked(asking, SIOCGIFADDR, name)
                mask = struct.unpack("!I", socket.inet_aton(_asked(asking, SIOCGIFNETMASK, name)))
            except (ImportError, OSError):
                continue
            if not address.startswith("127."):
                found.append([name, address, bin(mask[0]).count("1")])
        if not found:
            found += _way_out(asking)
    return found


def _asked(asking: socket.socket, what: int, interface: str) -> str:
    import fcntl

    answer = fcntl.ioctl(asking.fileno(), what, struct.pack("256s", interface.encode()[:15]))
    return socket.inet_ntoa(answer[20:24])


def _way_out(asking: socket.socket) -> list[list[Any]]:
    try:
        asking.connect(("192.0.2.1", 9))  # sends nothing: the system only looks for the way
        address = asking.getsockname()[0]
    except OSError:
        return []
    return [] if address.startswith("127.") else [["", address, 32]]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listening:
        listening.bind(("", 0))
        port: int = listening.getsockname()[1]
        return port


if __name__ == "__main__":
    print(  # noqa: T201 - its answer
        json.dumps({"boot": boot(), "addresses": addresses(), "port": free_port()})
    )
