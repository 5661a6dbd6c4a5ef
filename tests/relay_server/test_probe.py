"""The health check of containers, and the files that run a relay as a service."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from relay_server.cli.serve import serve as serve_command
from relay_server.probe import answers
from relay_server.serve import Relay, serve
from relay_server.settings import RelaySettings

ROOT = Path(__file__).parents[2]


async def test_a_relay_that_is_ready_is_well(relay: Relay) -> None:
    url = relay.url.replace("ws", "http", 1)
    for path, well in (("/readyz", True), ("/healthz", True), ("/nothing", False)):
        probe = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "relay_server.probe", url + path, cwd=ROOT
        )
        assert (await probe.wait() == 0) == well


async def test_a_relay_with_a_certificate_is_well(certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    async with serve(RelaySettings(port=0, tls_cert=cert, tls_key=key)) as relay:
        url = relay.url.replace("wss", "http", 1)
        assert await asyncio.to_thread(answers, url + "/readyz")


async def test_where_nothing_answers_nothing_is_well() -> None:
    async with serve(RelaySettings(port=0)) as relay:
        url = relay.url.replace("ws", "http", 1)
    assert not await asyncio.to_thread(answers, url)
    assert not answers("http://no.such.host.invalid/")


def options_of(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))


KNOWN = {name for parameter in serve_command.params for name in parameter.opts}


def test_the_service_runs_a_command_that_there_is() -> None:
    unit = (ROOT / "deploy" / "studio-relay.service").read_text()
    (start,) = re.findall(r"^ExecStart=(.+)$", unit, re.MULTILINE)
    assert start.split()[1] == "serve"
    assert options_of(start) <= KNOWN
    assert re.search(r"^DynamicUser=yes$", unit, re.MULTILINE)


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    unit = (ROOT / "deploy" / "studio-relay.service").read_text()
    (tmp_path / "studio-relay.service").write_text(
        re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", unit, flags=re.MULTILINE)
    )
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / "studio-relay.service")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "studio-relay.service" not in done.stderr, done.stderr


def test_the_container_runs_as_nobody_and_has_what_the_relay_imports() -> None:
    text = (ROOT / "deploy" / "Dockerfile").read_text()
    assert re.search(r"^USER relay$", text, re.MULTILINE)
    (command,) = re.findall(r"^CMD (\[.+\])$", text, re.MULTILINE)
    assert options_of(command) <= KNOWN
    assert "relay_server.probe" in text
    (packages,) = re.findall(r"constraints\.txt \\\n    (.+)$", text, re.MULTILINE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {re.split(r"[\[<>=;]", each)[0] for each in project["dependencies"]}
    assert set(packages.split()) <= declared
    imported: set[str] = set()
    for path in (ROOT / "relay_server").rglob("*.py"):
        imported |= set(re.findall(r"^\s*(?:import|from) (\w+)", path.read_text(), re.MULTILINE))
    distributions = {name: "pyjwt" if name == "jwt" else name for name in imported}
    outside = {
        distributions[name]
        for name in imported
        if name not in sys.stdlib_module_names and name != "relay_server"
    }
    assert outside <= set(packages.split()), outside
