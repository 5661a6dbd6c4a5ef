"""The folder of one terminal: who holds it, where that listens, and how it ended."""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import stat

from .processes import birth, boot

LONGEST_SOCKET_PATH = 100


def write_atomically(directory: str, name: str, data: bytes) -> None:
    """Write a file so that a reader sees all of it or nothing."""
    path = os.path.join(directory, name)
    with open(path + ".new", "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".new", path)


def report(directory: str) -> dict[str, object] | None:
    """What `start` prints about a terminal that was started before, None when there is none."""
    try:
        with open(os.path.join(directory, "pid")) as file:
            pid, born, booted = file.read().split()
        with open(os.path.join(directory, "socket")) as file:
            path = file.read().strip()
    except (OSError, ValueError):
        return None
    alive = booted == boot() and birth(int(pid)) == born
    over = os.path.exists(os.path.join(directory, "exit"))
    state = "exited" if over else "running" if alive else "lost"
    return {"socket": path, "pid": int(pid), "state": state}


def listen(directory: str) -> tuple[socket.socket, str]:
    """A listening socket in DIR; where that cannot be, in a folder of ours under /tmp.

    Not under XDG_RUNTIME_DIR: it goes when the user's last login ends; the terminal outlives that.
    """
    candidates = [os.path.join(directory, "sock")]
    private = f"/tmp/studio-tui-{os.getuid()}"
    digest = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    candidates.append(os.path.join(private, digest + ".sock"))
    failure: OSError | None = None
    for path in candidates:
        if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
            continue
        if path.startswith(private):
            own_folder(private)
        sock = socket.socket(socket.AF_UNIX)
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            sock.bind(path)
        except OSError as error:
            failure = error
            sock.close()
            continue
        os.chmod(path, 0o600)
        sock.listen(16)
        sock.setblocking(False)
        return sock, path
    raise failure or OSError("no place for a socket")


def own_folder(path: str) -> None:
    """Make a folder that only we can enter; OSError when it is somebody else's."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, 0o700)
    status = os.lstat(path)
    if status.st_uid != os.getuid() or not stat.S_ISDIR(status.st_mode):
        raise OSError(f"{path} is not a folder of ours")
    os.chmod(path, 0o700)
