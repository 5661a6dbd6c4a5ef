"""The template that serves: by LitServe and without it, asked well and badly."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio_tui.training.templates import create

RUN = "import runpy; runpy.run_path('serve.py', run_name='__main__')"
WITHOUT_LITSERVE = f"import sys; sys.modules['litserve'] = None; sys.path.insert(0, '.'); {RUN}"


@contextlib.contextmanager
def served(folder: Path, port: int, *command: str) -> Iterator[list[str]]:
    """The lines that the template says until it serves."""
    create("serve", folder)
    env = {**os.environ, "PORT": str(port), "PL_TRAINER_ACCELERATOR": "cpu"}
    with subprocess.Popen(
        [sys.executable, *command], cwd=folder, env=env, stdout=subprocess.PIPE, text=True,
        start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if " on 127.0.0.1:" in line:
                break
        try:
            yield said
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 9)


def answer(address: str, question: bytes | None = None) -> tuple[int, str]:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(address, question, headers)
    try:
        with urllib.request.urlopen(request) as told:
            return told.status, told.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


def until_healthy(address: str) -> None:
    while True:
        with contextlib.suppress(urllib.error.URLError):
            if answer(f"{address}/health") == (200, "ok"):
                return
        time.sleep(0.1)


def inside(address: str, *place: float) -> float:
    status, said = answer(f"{address}/predict", json.dumps({"place": place}).encode())
    assert status == 200
    return float(json.loads(said)["inside"])


def check(address: str) -> None:
    """Ask all there is to ask."""
    until_healthy(address)
    assert inside(address, 0.75, 0) > 0.5 > inside(address, 0, 0)
    for nonsense in (b'{"place": "x"}', b'{"place": [1]}', b'{"place": [1, 1e9]}', b"{}"):
        assert answer(f"{address}/predict", nonsense)[0] == 400
    assert answer(f"{address}/none")[0] == 404
    assert inside(address, 0, 0.75) > 0.5


def test_without_litserve_pythons_own_server_answers_and_says_so(tmp_path: Path) -> None:
    pytest.importorskip("lightning", reason="the train extra is not installed")
    with served(tmp_path, 0, "-c", WITHOUT_LITSERVE) as (trained, who):
        assert "saved checkpoints/ring.ckpt" in trained
        assert "Python's own server" in who
        assert "LitServe is not installed" in who
        address = "http://" + who.split(" on ")[1].split(";")[0]
        check(address)
        for nonsense in (b"", b"no json", b"[" * 20_000, b'{"place": [NaN, 1]}'):
            assert answer(f"{address}/predict", nonsense)[0] in (400, 404)


def test_litserve_answers_where_it_is_installed(tmp_path: Path) -> None:
    pytest.importorskip("lightning", reason="the train extra is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with served(tmp_path, port, "serve.py") as (_, who):
        assert who == f"LitServe on 127.0.0.1:{port}\n"
        check(f"http://127.0.0.1:{port}")
