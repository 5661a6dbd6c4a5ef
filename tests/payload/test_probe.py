"""The probe tells what a machine can tell, and ends when nobody listens."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio_tui import payload

C_SOURCE = Path(__file__).with_name("fake_nvml.c")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The probe as it lies on a machine, pynvml.py beside it."""
    folder = tmp_path_factory.mktemp("payload")
    for name in ("probe.py", "smi.py", "pynvml.py"):
        (folder / name).write_bytes(payload.files()[name])
    return folder


@pytest.fixture(params=["new driver", "old driver"])
def library(
    request: pytest.FixtureRequest, tmp_path: Path, require: Callable[[str], str]
) -> Callable[[str], dict[str, str]]:
    """Builds NVIDIA's library of a driver; returns how to set what it answers."""
    built = tmp_path / "libnvidia-ml.so.1"
    flags = ["-DWITH_V2"] if request.param == "new driver" else []
    command = [require("gcc"), "-shared", "-fPIC", "-Wl,-soname,libnvidia-ml.so.1", *flags]
    subprocess.run([*command, "-o", str(built), str(C_SOURCE)], check=True)
    settings = tmp_path / "settings"

    def answering(text: str) -> dict[str, str]:
        settings.write_text(text)
        return {"STUDIO_NVML": str(built), "FAKE_NVML": str(settings)}

    return answering


def facts(folder: Path, env: dict[str, str] | None = None) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(folder / "probe.py"), "--facts", "/"],
        env=env or {},
        capture_output=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_machine_without_a_gpu_is_normal(installed: Path) -> None:
    told = facts(installed)
    assert told["gpus"] == []
    assert told["cpus"] >= 1
    assert told["python"] == ".".join(map(str, sys.version_info[:3]))


def test_a_line_a_period_until_stdin_ends(installed: Path) -> None:
    with subprocess.Popen(
        [sys.executable, str(installed / "probe.py"), "0.02", "/"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as probe:
        assert probe.stdin is not None
        assert probe.stdout is not None
        lines = [json.loads(probe.stdout.readline()) for _ in range(3)]
        probe.stdin.close()
        assert probe.wait(5) == 0
    assert [line["n"] for line in lines] == [0, 1, 2]
    assert lines[0]["t"] < lines[1]["t"] < lines[2]["t"]
    busy, every = lines[2]["cpu"]
    assert 0 < busy < every
    assert sum(core[1] for core in lines[2]["cores"]) <= every * 1.1
    used, total = lines[2]["mem"]
    assert 0 < used < total
    used, total = lines[2]["disk"]
    assert 0 < used <= total
    assert len(lines[2]["net"]) == 2


def test_it_ends_when_nobody_reads(installed: Path) -> None:
    with subprocess.Popen(
        [sys.executable, str(installed / "probe.py"), "0.02", "/"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as probe:
        assert probe.stdout is not None
        probe.stdout.readline()
        probe.stdout.close()
        assert probe.wait(5) == 0


def test_the_gpus_answers(installed: Path, library: Callable[[str], dict[str, str]]) -> None:
    first, second = facts(installed, library("n=2,util=55,used_mib=4096,temp=70"))["gpus"]
    assert first["temp"] in (70, 71)  # by the old call, or by the new one
    assert first | {"temp": 70} == {
        "i": 0,
        "name": "Fake GPU 0",
        "util": 55,
        "mem": [4096 << 20, 80 << 30],
        "mw": 250000,
        "limit_mw": 700000,
        "temp": 70,
        "sm": 1980,
        "procs": [[1000, 512 << 20, "", ""]],
    }
    assert (second["i"], second["name"]) == (1, "Fake GPU 1")


def test_whose_a_process_is_and_of_which_job(
    installed: Path, library: Callable[[str], dict[str, str]]
) -> None:
    with subprocess.Popen(["sleep", "60"], env={"STUDIO_JOB_ID": "j123", "X": "1"}) as running:
        try:
            told = facts(installed, library(f"n=1,pid={running.pid}"))["gpus"][0]["procs"]
        finally:
            running.kill()
    assert told == [[running.pid, 512 << 20, pwd.getpwuid(os.getuid()).pw_name, "j123"]]


def test_the_parts_of_a_gpu(installed: Path, library: Callable[[str], dict[str, str]]) -> None:
    told = facts(installed, library("n=2,mig=3,used_mib=1024"))["gpus"][1]
    assert told["mig"] == [[1024 << 20, 80 << 30]] * 3
    assert told["util"] == 37  # what the fake says; a real one says nothing then


@pytest.mark.parametrize("setting", ["lost=1", "bare=1"])
def test_a_gpu_that_tells_nothing(
    installed: Path, library: Callable[[str], dict[str, str]], setting: str
) -> None:
    told = facts(installed, library(f"n=1,{setting}"))["gpus"][0]
    assert (told.pop("i"), told.pop("name"), told.pop("procs")) == (0, "Fake GPU 0", [])
    assert told.pop("lost", False) is (setting == "lost=1")
    assert set(told.values()) == {None}


def test_a_gpu_that_was_lost_before_the_start_keeps_its_place(
    installed: Path, library: Callable[[str], dict[str, str]]
) -> None:
    dead, living = facts(installed, library("n=2,dead=0"))["gpus"]
    assert dead == {"i": 0, "name": "GPU", "lost": True}
    assert living["util"] == 37


def test_a_driver_that_is_not_loaded(
    installed: Path, library: Callable[[str], dict[str, str]]
) -> None:
    assert facts(installed, library("nodriver=1"))["gpus"] == []


def test_a_library_that_is_none(installed: Path) -> None:
    assert facts(installed, {"STUDIO_NVML": "/no/such/library"})["gpus"] == []
