"""A real OpenSSH server of this user's own, on a port that nobody else can have.

The listening socket is the test's, on a port of the system's choosing; every connection gets an
sshd of its own (`sshd -i`), so that a test can freeze or kill just that one. Nothing outside the
folder given is touched: the sessions' HOME lies in it, too.
"""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from studio_tui.machines.ssh_login import Login
from studio_tui.machines.ssh_options import Destination
from tests.conftest import find_program

MakeServer = Callable[..., "Server"]


def find_sshd() -> str:
    """The server's path; /usr/sbin need not be in a user's PATH."""
    path = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    return path or find_program("sshd")


def new_key(
    path: Path, kind: str = "ssh-ed25519", passphrase: str | None = None
) -> asyncssh.SSHKey:
    """A key pair in `path` and `path.pub`, locked with few rounds of bcrypt: tests have no time."""
    key = asyncssh.generate_private_key(kind)
    key.write_private_key(path, passphrase=passphrase, rounds=50)
    path.chmod(0o600)
    key.write_public_key(f"{path}.pub")
    return key


class Server:
    """An sshd that accepts `folder/id`.

    Args:
        folder: holds its keys, its log and the sessions' HOME.
        settings: lines of sshd_config that win over those below.
    """

    def __init__(self, folder: Path, *settings: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir(mode=0o700)
        self.user = getpass.getuser()
        self.host_key = new_key(folder / "hostkey")
        new_key(folder / "id")
        self.accept("id")
        self.configure(*settings)
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._socket.getsockname()[1]
        self.children: list[subprocess.Popen[bytes]] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def accept(self, *names: str) -> None:
        """Lets exactly these keys in."""
        keys = [(self.folder / f"{name}.pub").read_text() for name in names]
        (self.folder / "authorized_keys").write_text("".join(keys))

    def configure(self, *settings: str) -> None:
        """Other settings for the connections to come."""
        lines = [
            *settings,
            f"HostKey {self.folder}/hostkey",
            f"AuthorizedKeysFile {self.folder}/authorized_keys",
            f"SetEnv HOME={self.home}",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "PermitRootLogin prohibit-password",
            "UsePAM no",
            "StrictModes no",
            "UseDNS no",
            "PrintMotd no",
            "PrintLastLog no",
        ]
        (self.folder / "sshd_config").write_text("\n".join(lines) + "\n")

    def known_hosts(self) -> str:
        """The line that this server's key has in a known_hosts file."""
        return f"[127.0.0.1]:{self.port} {self.host_key.export_public_key().decode()}"

    @property
    def client_config(self) -> Path:
        """An ssh_config with the host `box`, which is this server, its key known."""
        path = self.folder / "ssh_config"
        (self.folder / "known_hosts").write_text(self.known_hosts())
        path.write_text(self.client_lines("box"))
        return path

    def client_lines(self, name: str, *more: str) -> str:
        """The lines of an ssh_config for this server under a name; the first of a key counts."""
        lines = [
            *more,
            "HostName 127.0.0.1",
            f"Port {self.port}",
            f"User {self.user}",
            f"IdentityFile {self.folder}/id",
            f"UserKnownHostsFile {self.folder}/known_hosts",
            "GlobalKnownHostsFile none",
            "IdentityAgent none",
            "StrictHostKeyChecking ask",
        ]
        return f"Host {name}\n" + "".join(f"  {line}\n" for line in lines)

    def log(self) -> str:
        """What the server said."""
        return (self.folder / "sshd.log").read_text()

    def signal_all(self, number: int) -> None:
        """Sends a signal to the server's processes of every connection; programs get none."""
        for child in self.children:
            if child.poll() is None:
                os.killpg(child.pid, number)

    def cut(self) -> None:
        """Ends every connection at once; the programs they started go on."""
        self.signal_all(signal.SIGKILL)
        for child in self.children:
            child.wait()
        self.children.clear()

    def stop(self) -> None:
        """Ends the server and its connections."""
        if self._socket.fileno() < 0:
            return
        # close() alone would leave the thread in accept().
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()
        self.signal_all(signal.SIGCONT)
        self.cut()

    def _serve(self) -> None:
        argv = [find_sshd(), "-i", "-f", f"{self.folder}/sshd_config"]
        argv += ["-E", f"{self.folder}/sshd.log"]
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                child = subprocess.Popen(
                    argv,
                    stdin=connection,
                    stdout=connection,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
            self.children.append(child)


@pytest.fixture
def make_sshd(tmp_path: Path) -> Iterator[MakeServer]:
    """Start servers: `make_sshd("MaxSessions 2")`; they are stopped at the test's end."""
    find_sshd()
    servers: list[Server] = []

    def make(*settings: str) -> Server:
        servers.append(Server(tmp_path / f"sshd-{len(servers)}", *settings))
        return servers[-1]

    yield make
    for server in servers:
        server.stop()


@pytest.fixture
def sshd(make_sshd: MakeServer) -> Server:
    """One server."""
    return make_sshd()


@pytest.fixture
def login(sshd: Server, tmp_path: Path) -> Login:
    """The way into `sshd`."""
    return login_to(sshd, tmp_path)


def login_to(server: Server, folder: Path, *, lines: Sequence[str] = (), **more: Any) -> Login:
    """The way into a server; what is accepted is stored in the folder.

    Args:
        lines: further lines of ssh_config.
    """
    config = server.client_config
    config.write_text(server.client_lines("box", *lines))
    return Login(Destination("box", config=str(config)), folder / "own_known_hosts", **more)


def proxied(server: Server) -> str:
    """A command whose pipes are a connection to the server. It holds no quotes."""
    script = server.folder / "proxy.py"
    script.write_text(_PROXY)
    return f"{sys.executable} {script} {server.port}"


_PROXY = """\
import os, socket, sys, threading
host = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
def up():
    while data := os.read(0, 65536):
        host.sendall(data)
    host.shutdown(socket.SHUT_WR)
threading.Thread(target=up, daemon=True).start()
while data := host.recv(65536):
    os.write(1, data)
"""
