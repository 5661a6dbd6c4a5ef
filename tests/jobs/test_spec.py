"""A spec holds what Lightning accepts, and says precisely what it does not."""

from __future__ import annotations

from typing import Any

import pytest

from studio_tui.errors import UsageFault
from studio_tui.jobs.spec import (
    PRECISION_ALIASES,
    PRECISIONS,
    JobSpec,
    canonical_precision,
    duration,
)


def test_the_precisions_are_lightnings_own() -> None:
    precision = pytest.importorskip("lightning.fabric.plugins.precision.precision")
    assert set(PRECISIONS) == set(precision._PRECISION_INPUT_STR.__args__)
    assert dict(PRECISION_ALIASES) == {
        alias: precision._PRECISION_INPUT_STR_ALIAS_CONVERSION[alias]
        for alias in precision._PRECISION_INPUT_STR_ALIAS.__args__
    }


@pytest.mark.parametrize(("given", "name"), [*PRECISION_ALIASES.items(), ("", "")])
def test_an_alias_is_replaced_by_its_name(given: str, name: str) -> None:
    assert canonical_precision(given) == name
    assert JobSpec(script="train.py", precision=given).precision == name


def test_an_unknown_precision_names_those_that_are_known() -> None:
    with pytest.raises(UsageFault, match="unknown precision 'fp8'") as raised:
        JobSpec(script="train.py", precision="fp8")
    for name in (*PRECISIONS, *PRECISION_ALIASES):
        assert name in raised.value.hint


def test_devices_are_a_count_or_a_list() -> None:
    spec = JobSpec(script="train.py", devices="0, 3")
    assert (spec.devices, spec.device_count) == ("0,3", 2)
    with pytest.raises(UsageFault, match="neither a count nor a list"):
        JobSpec(script="train.py", devices="two")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "either a script or a command"),
        ({"script": "a.py", "command": ("ls",)}, "either a script or a command"),
        ({"script": "-m"}, "'-m' is not a script"),
        ({"script": "a.py", "args": ("a\0b",)}, "holds a NUL"),
        ({"script": "a.py", "name": "two\nlines"}, "one line of at most 80"),
        ({"script": "a.py", "name": "x" * 81}, "one line of at most 80"),
        ({"script": "a.py", "strategy": "ddp; rm"}, "strategy 'ddp; rm' is not a name"),
        ({"script": "a.py", "accelerator": "abacus"}, "unknown accelerator 'abacus'"),
        ({"script": "a.py", "max_steps": 0}, "max_steps is 0"),
        ({"script": "a.py", "env": {"1A": "x"}}, "'1A' cannot be the name"),
        ({"script": "a.py", "env": {"A": "a\0b"}}, "the value of A is too long or holds a NUL"),
    ],
)
def test_what_makes_no_sense_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageFault, match=message) as raised:
        JobSpec(**values)
    assert raised.value.hint


def test_a_job_is_named_after_what_it_runs() -> None:
    assert JobSpec(script="runs/train.py").name == "train.py"
    assert JobSpec(command=("/usr/bin/env", "true")).name == "env"
    assert JobSpec(script="train.py", name="mine").name == "mine"


def test_a_command_line_is_a_script_when_it_ends_in_py() -> None:
    spec = JobSpec.of(["train.py", "--lr", "0.1"], precision="bf16")
    assert (spec.script, spec.args, spec.precision) == ("train.py", ("--lr", "0.1"), "bf16-mixed")
    assert JobSpec.of(["torchrun", "train.py"]).command == ("torchrun", "train.py")
    assert JobSpec.of(["echo", "two words"]).line == "echo 'two words'"
    with pytest.raises(UsageFault, match="nothing to run"):
        JobSpec.of([])


def test_the_parameters_of_a_call() -> None:
    spec = JobSpec.from_params(
        {
            "script": "train.py",
            "args": ["--epochs", 3],
            "devices": 2,
            "precision": 16,
            "strategy": None,
            "name": "",
            "max_steps": 50,
            "env": {"A": "b"},
        }
    )
    assert spec == JobSpec(
        script="train.py",
        args=("--epochs", "3"),
        devices="2",
        precision="16-mixed",
        max_steps=50,
        env={"A": "b"},
    )
    assert JobSpec.from_params({"script": "ls", "args": ["-l"]}).command == ("ls", "-l")
    assert JobSpec.from_params({"command": ["ls"], "args": ["-l"]}).command == ("ls", "-l")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"script": "a.py", "gpus": 2}, "no setting 'gpus'"),
        ({"script": ["a.py"]}, "script is not text"),
        ({"script": "a.py", "args": "-l"}, "args is not a list"),
        ({"script": "a.py", "args": [[]]}, "args is not text"),
        ({"script": "a.py", "max_steps": "50"}, "max_steps is not a whole number"),
        ({"script": "a.py", "max_steps": True}, "max_steps is not a whole number"),
        ({"script": "a.py", "env": ["A=b"]}, "env is not a table"),
        ({"script": "a.py", "precision": True}, "precision is not text"),
        ({}, "nothing to run"),
    ],
)
def test_parameters_are_not_trusted(params: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageFault, match=message):
        JobSpec.from_params(params)


def test_the_environment_cannot_be_changed_afterwards() -> None:
    given = {"A": "b"}
    spec = JobSpec(script="a.py", env=given)
    given["A"] = "c"
    assert spec.env["A"] == "b"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("45m", 2700), ("2h", 7200), ("1d", 86400), ("1H30m ", 5400)],
)
def test_lengths_of_time(text: str, seconds: int) -> None:
    assert duration(text) == seconds
    assert JobSpec.from_params({"script": "a.py", "max_runtime": text}).max_runtime == seconds


@pytest.mark.parametrize("text", ["", "h", "2 h", "-1", "1.5h", "30m1h", "9" * 30])
def test_no_lengths_of_time(text: str) -> None:
    with pytest.raises(UsageFault, match="is no length of time") as raised:
        duration(text)
    assert raised.value.hint == "write 90s, 45m, 2h or 1h30m"


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"max_runtime": 0}, "cannot run for 0 s"),
        ({"max_runtime": "400d"}, "cannot run for"),
        ({"max_runtime": [1]}, "max_runtime is not text"),
        ({"retries": -1}, "retries is -1"),
        ({"retries": 1000}, "retries is 1000"),
        ({"retries": "2"}, "retries is not a whole number"),
        ({"secrets": ["A B"]}, "'A B' cannot be the name"),
        ({"secrets": "A"}, "secrets is not a list"),
        ({"secrets": ["A"], "env": {"A": "1"}}, "A is given twice"),
    ],
)
def test_limits_that_make_no_sense(params: dict[str, object], message: str) -> None:
    with pytest.raises(UsageFault, match=message) as raised:
        JobSpec.from_params({"script": "a.py", **params})
    assert raised.value.hint


def test_a_server_has_a_port_and_a_path() -> None:
    spec = JobSpec.from_params({"script": "serve.py", "port": 0, "health": "/ready"})
    assert (spec.port, spec.health) == (0, "/ready")
    assert JobSpec.from_params(spec.to_params()) == spec
    assert JobSpec(script="train.py").port is None


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"port": 65536}, "no port 65536"),
        ({"port": -1}, "no port -1"),
        ({"port": "8000"}, "port is not a whole number"),
        ({"port": 80, "health": "health"}, "no path of a server"),
        ({"port": 80, "health": "/a b\r\nX: y"}, "no path of a server"),
        ({"port": 80, "nodes": 2}, "runs on one machine"),
    ],
)
def test_servers_that_make_no_sense(params: dict[str, object], message: str) -> None:
    with pytest.raises(UsageFault, match=message):
        JobSpec.from_params({"script": "serve.py", **params})
