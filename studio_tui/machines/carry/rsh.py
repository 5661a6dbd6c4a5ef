"""What rsync starts as its remote shell: hands the command to the studio, then the bytes.

    python -IS rsh.py SOCKET HOST COMMAND...

The studio's process holds the connection to the machine: no second login, whatever it took.
"""

from __future__ import annotations

import os
import socket
import sys
import threading

SIZE = 256 * 1024


def main(path: str, command: list[str]) -> None:
    """Splices stdin and stdout with the socket."""
    with socket.socket(socket.AF_UNIX) as studio:
        studio.connect(path)
        words = "\0".join(command).encode("utf-8", "surrogateescape")
        studio.sendall(len(words).to_bytes(4, "big") + words)
        for pipe in (0, 1):
            os.set_blocking(pipe, True)  # rsync hands its remote shell pipes that do not wait
        threading.Thread(target=send, args=(studio,), daemon=True).start()
        while data := studio.recv(SIZE):
            view = memoryview(data)
            while view:
                view = view[os.write(1, view) :]


def send(studio: socket.socket) -> None:
    """All of stdin."""
    try:
        while data := os.read(0, SIZE):
            studio.sendall(data)
        studio.shutdown(socket.SHUT_WR)
    except OSError:
        os._exit(1)  # the studio is gone


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[3:])
