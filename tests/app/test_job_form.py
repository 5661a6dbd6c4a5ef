"""The form's fields, and what is typed into them."""

from __future__ import annotations

from typing import Any

import pytest

from studio_tui.app.job_form import (
    FIELDS,
    OPTIONS,
    RunRequest,
    WrongField,
    field_of,
    proposed,
    read_request,
)
from studio_tui.document.entries import JobEntry
from studio_tui.errors import NotFound, StudioError, UsageFault
from studio_tui.jobs.spec import JobSpec

FULL = {
    "script": "train.py", "args": "-n 'a b'", "name": "small-lr",
    "machine": "box1,box2", "nodes": "2", "devices": "0,1",
    "precision": "bf16-mixed", "strategy": "ddp", "max_runtime": "2h",
    "budget": "5.00", "retries": "3", "secrets": "HF_TOKEN, WANDB_API_KEY",
    "data": "s3://b/images/ 'lake://b/two words.csv'",
}  # fmt: skip


def form(**texts: str) -> dict[str, str]:
    return {each.name: "" for each in FIELDS} | {"script": "a.py"} | texts


def test_every_field_counts() -> None:
    request = read_request(FULL)
    options: dict[str, Any] = {
        "name": "small-lr", "machine": "box1,box2", "nodes": 2, "devices": "0,1",
        "precision": "bf16-mixed", "strategy": "ddp", "max_runtime": "2h",
        "budget": "5.00", "retries": 3, "secrets": ["HF_TOKEN", "WANDB_API_KEY"],
        "data": ["s3://b/images/", "lake://b/two words.csv"],
    }  # fmt: skip
    assert request == RunRequest("train.py", ["-n", "a b"], options)
    assert {each.name: request.typed(each.name) for each in FIELDS} == FULL
    assert all(each.about and each.name in FULL for each in FIELDS)


def test_what_is_empty_is_left_to_the_script() -> None:
    assert read_request(form(args="  ", devices=" ")) == RunRequest("a.py")


@pytest.mark.parametrize(
    ("texts", "field"),
    [
        ({"script": " "}, "script"),
        ({"args": "'"}, "args"),
        ({"data": "'s3://b"}, "data"),
        ({"nodes": "two"}, "nodes"),
        ({"retries": "-1"}, "retries"),
        ({"retries": "9" * 5000}, "retries"),
        ({"nodes": "²"}, "nodes"),
    ],
)
def test_what_makes_no_sense_names_its_field(texts: dict[str, str], field: str) -> None:
    with pytest.raises(WrongField) as wrong:
        read_request(form(**texts))
    assert wrong.value.field == field_of(wrong.value) == field
    assert wrong.value.message


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"devices": "many"}, "devices"),
        ({"precision": "12-bit"}, "precision"),
        ({"strategy": "d d p"}, "strategy"),
        ({"nodes": 65}, "nodes"),
        ({"retries": 101}, "retries"),
        ({"max_runtime": "soon"}, "max_runtime"),
        ({"max_runtime": "999d"}, "max_runtime"),
        ({"budget": "much"}, "budget"),
        ({"secrets": ["no name"]}, "secrets"),
        ({"args": ["\0"]}, "args"),
        ({"name": "a\nb"}, "name"),
        ({"script": "-m.py"}, "script"),
    ],
)
def test_what_the_host_answers_belongs_to_a_field(given: dict[str, Any], field: str) -> None:
    with pytest.raises(UsageFault) as wrong:
        JobSpec.from_params({"script": "a.py", **given})
    assert field_of(wrong.value) == field


@pytest.mark.parametrize(
    ("problem", "field"),
    [
        (NotFound("there is no machine 'x'"), "machine"),
        (UsageFault("a is named twice"), "machine"),
        (UsageFault("1 machine for 2 nodes: a"), "nodes"),
        (UsageFault("box has 1 GPU, and 2 asked for"), "devices"),
        (UsageFault("box has no price, so a budget would mean nothing there"), "budget"),
        (NotFound("no secret 'HF_TOKEN'"), "secrets"),
        (UsageFault("'images' is no address of data"), "data"),
        (NotFound("there is no source of data 'lane'"), "data"),
        (NotFound("there is nothing at s3://b/images"), "data"),
        (NotFound("there is no b.py in /studio"), "script"),
        (StudioError("the disk is full"), ""),
    ],
)
def test_what_else_can_be_wrong(problem: StudioError, field: str) -> None:
    assert field_of(problem) == field


def test_names_are_those_of_a_run() -> None:
    assert {each.name for each in OPTIONS} - {"machine"} <= set(JobSpec.__slots__)


def test_the_script_that_is_meant_is_proposed() -> None:
    old = JobEntry("a", "old", command="old.py --n 3", started=1)
    new = JobEntry("b", "new", command="new.sh", started=2)
    other = JobEntry("c", "train", command="make train", started=3)
    odd = JobEntry("d", "odd", command="'two words.py'", started=4)
    assert proposed("open.py", ["last.py"], [old], ["a.py"]) == "open.py"
    assert proposed("notes.md", ["first.py", "last.py"], [old], ["a.py"]) == "last.py"
    assert proposed("", [], [old, new, other, odd], ["a.py"]) == "new.sh"
    assert proposed("", [], [other, odd], ["README.md", "a.py"]) == "a.py"
    assert proposed("", [], [], ["a.py", "b.py"]) == ""
    assert proposed("", [], [], []) == ""
