"""The template that serves, as a job of a studio, asked through relay and host from here."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio_tui import sdk
from studio_tui.client import start
from studio_tui.settings import studios
from studio_tui.training.templates import create

COMMAND = [sys.executable, "-m", "studio_tui"]


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[str]:
    """The studio of a folder that the template has made."""
    pytest.importorskip("lightning", reason="the train extra is not installed")
    create("serve", tmp_path / "api")
    id = start.ensure(tmp_path / "api").id
    yield id
    start.stop(studios.find(id))


@contextlib.contextmanager
def forwarded(studio: str, port: int) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address at which `port forward` has a port listen here."""
    command = [*COMMAND, "port", "forward", studio, str(port)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as led:
        try:
            assert led.stdout is not None
            yield led.stdout.readline().strip(), led
        finally:
            led.send_signal(signal.SIGINT)


def asked(url: str, question: object | None = None) -> tuple[int, str]:
    body = None if question is None else json.dumps(question).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


@pytest.mark.timeout(120)
async def test_a_question_goes_to_the_model_and_comes_back(studio: str) -> None:
    options = ("--serve", "--env", "PL_TRAINER_ACCELERATOR=cpu", "--name", "api")
    run = [*COMMAND, "job", "run", studio, *options, "--", "serve.py"]
    done = await asyncio.to_thread(subprocess.run, run, capture_output=True, text=True, check=True)
    async with sdk.attach(studio, name="ana") as ana:
        job = await ana.job(done.stdout.strip())
        await ana.until(lambda: job.entry.over or [p.state for p in ana.ports.list()] == ["up"])
        (served,) = ana.ports.list()
        assert (served.job, served.note) == (job.id, "GET /health: 200 OK")
        with forwarded(studio, served.port) as (url, led):
            assert url.startswith("http://127.0.0.1:")
            assert url != f"http://127.0.0.1:{served.port}"
            assert await asyncio.to_thread(asked, f"{url}/health") == (200, "ok")
            for place, inside in (([0.75, 0], True), ([0, 0], False)):
                status, said = await asyncio.to_thread(asked, f"{url}/predict", {"place": place})
                assert status == 200
                assert (json.loads(said)["inside"] > 0.5) is inside
            status, said = await asyncio.to_thread(asked, f"{url}/predict", {"place": "x"})
            assert status == 400
            await job.stop()
            await job.wait()
            assert led.stderr is not None
            said = await asyncio.to_thread(led.stderr.read)  # it ends with what it led to
            assert "not forwarded" in said
        assert led.returncode == 3
        await ana.until(lambda: not ana.ports.list())
