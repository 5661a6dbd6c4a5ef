"""The program that serves a folder, as a real process, by this Python and by an old one."""

from __future__ import annotations

import contextlib
import functools
import json
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from studio_tui import payload
from studio_tui.payload.folder import service as served
from studio_tui.payload.folder.faults import Fault

PAYLOAD = Path(payload.__file__).parent
NOBODY = 65534

MOST = 8 << 20


def command(python: str, *arguments: Path, script: Path | None = None) -> list[str]:
    """How a host starts it, or the same with another program."""
    if script is not None:
        return [python, "-I", "-X", "utf8", str(script), *map(str, arguments)]
    return payload.program(python, str(PAYLOAD), "folder.service", *map(str, arguments))


class Service:
    """The program as a process, and whoever asks it.

    Args:
        python: what runs it.
        arguments: the folder, and those that nobody may look into.
        script: another one than the product's own.
    """

    def __init__(
        self,
        python: str,
        *arguments: Path,
        script: Path | None = None,
        env: dict[str, str] | None = None,
    ) -> None:
        self.process = subprocess.Popen(
            command(python, *arguments, script=script),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=env,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.stdin, self.stdout = self.process.stdin, self.process.stdout
        assert self.stdout.readline() == served.HELLO
        self._last = 0

    def send(self, do: str, body: bytes = b"", **what: object) -> int:
        """Ask; the request's id."""
        self._last += 1
        self.put(json.dumps({"id": self._last, "do": do, **what}).encode(), body)
        return self._last

    def put(self, head: bytes, body: bytes = b"") -> None:
        self.stdin.write(struct.pack(">II", len(head), len(body)) + head + body)
        self.stdin.flush()

    def receive(self) -> tuple[dict[str, Any], bytes]:
        head, body = struct.unpack(">II", self.stdout.read(8))
        told: dict[str, Any] = json.loads(self.stdout.read(head))
        return told, self.stdout.read(body)

    def ask(self, do: str, body: bytes = b"", **what: object) -> tuple[dict[str, Any], bytes]:
        """Ask, and wait for the answer. Fault: what is wrong with it."""
        request = self.send(do, body, **what)
        head, content = self.receive()
        assert head["id"] == request
        if "error" in head:
            raise Fault(head["error"], head["message"], head["hint"])
        return head, content

    def load(self, path: str) -> tuple[Any, bytes]:
        head, content = self.ask("load", path=path, most=MOST)
        assert head["size"] == len(content)
        return head["stamp"], content

    def write(self, path: str, data: bytes, before: object) -> Any:
        return self.ask("write", data, path=path, before=before)[0]["stamp"]

    def replace(self, path: str, data: bytes) -> Any:
        return self.write(path, data, self.load(path)[0])

    def ended(self) -> int:
        """The exit code, once it has ended by itself; what it last said is read."""
        self.stdin.close()
        self.stdout.read()
        return self.process.wait(20)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        with contextlib.suppress(BrokenPipeError):
            self.stdin.close()
        self.stdout.close()


Serve = Callable[..., Service]


@functools.cache
def old_python() -> str | None:
    """The oldest Python on this machine that the payload is meant for, older than this one."""
    for minor in range(8, sys.version_info.minor):
        path = shutil.which(f"python3.{minor}") or "/nowhere"
        asked = [path, "-c", "import sys; print(sys.executable)"]  # it may be a wrapper
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            return subprocess.check_output(asked, stderr=subprocess.DEVNULL, text=True).strip()
    return None


@pytest.fixture(params=list(filter(None, [sys.executable, old_python()])))
def serve(request: pytest.FixtureRequest) -> Iterator[Serve]:
    """Starts the service of a folder, by an older Python too where there is one; kills it."""
    python = request.param
    started: list[Service] = []

    def start(*arguments: Path, **how: Any) -> Service:
        started.append(Service(python, *arguments, **how))
        return started[-1]

    yield start
    for service in started:
        service.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A studio's folder, with something to find outside of it."""
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_bytes(b"secret")
    root = tmp_path / "project"
    root.mkdir()
    (root / "a").write_bytes(b"old")
    return root


@pytest.fixture
def service(serve: Serve, root: Path) -> Service:
    return serve(root)


@contextlib.contextmanager
def refused(kind: str, match: str = ".") -> Iterator[None]:
    with pytest.raises(Fault, match=match) as raised:
        yield
    assert raised.value.kind == kind
    assert raised.value.hint


def patched(folder: Path, code: str) -> Path:
    """The product's own program with something in it replaced, as a script."""
    script = folder / "patched.py"
    script.write_text(
        f"import os, signal, sys, time\nsys.path.insert(0, {str(PAYLOAD)!r})\n"
        f"from folder import disk, folder, service\n{code}\n"
        "os._exit(service.main(sys.argv[1:]))\n"
    )
    return script


UNTIL = "def until(path):\n    while not os.path.exists(path):\n        time.sleep(0.005)\n"
