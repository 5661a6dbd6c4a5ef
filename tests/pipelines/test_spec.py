"""Pipelines as they are written, and what is said of those that make no sense."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from studio_tui.errors import UsageFault
from studio_tui.pipelines.spec import MOST_STEPS, read, read_toml
from studio_tui.pipelines.transfer import Transfer

GOOD = """\
name = "nightly"

[steps.api]
kind = "serve"
needs = ["good"]
script = "serve.py"

[steps.train]
needs = ["prepare"]
script = "train.py"
args = ["--steps", "500"]
precision = "bf16"
machine = "gpu-box"
retries = 1

[steps.good]
kind = "check"
needs = ["train"]
metric = "val_loss"
below = 2.3

[steps.prepare]
command = "python prepare.py 'two words'"
inputs = ["data/*.csv"]
outputs = ["train.bin"]
"""


def test_a_pipeline_in_an_order_in_which_it_can_run() -> None:
    found = read_toml(GOOD, "pipeline.toml")
    assert found.name == "nightly"
    assert list(found.steps) == ["prepare", "train", "good", "api"]
    prepare, train, good, api = found.steps.values()
    assert prepare.options["command"] == ["python", "prepare.py", "two words"]
    assert prepare.cached
    assert not train.cached
    assert (train.machine, train.options["retries"]) == ("gpu-box", 1)
    assert (good.of, good.metric, good.below, good.options) == ("train", "val_loss", 2.3, {})
    assert api.options["port"] == 0
    assert read(dict(found.plain)).steps == found.steps  # as it is kept over a restart
    assert read_toml('[steps.a]\ncommand = ["true"]', "jobs/daily.toml").name == "daily"


@pytest.mark.parametrize(
    ("change", "message", "hint"),
    [
        (("name = ", "name "), "p.toml:1: no TOML: Expected '='", "look at that line"),
        (('needs = ["good"]', 'needs = ["goof"]'), "p.toml:5: step api: there is no step 'goof'",
         "did you mean good?"),
        (('precision = "bf16"', 'precision = "half"'), "p.toml:12: step train: unknown precision",
         "choose one of"),
        (("retries = 1", "retires = 1"), "p.toml:14: step train: a job has no setting 'retires'",
         "it has"),
        (("retries = 1", "retries = -1"), "p.toml:14: step train: retries is -1", "give"),
        (('inputs = ["data/*.csv"]', 'inputs = ["../*"]'), "p.toml:24: step prepare: '../*' leads",
         "studio's folder"),
        (('kind = "serve"', 'kind = "date"'), "p.toml:4: step api: there is no kind 'date'",
         "choose job, check, serve, data"),
        (('kind = "serve"', 'kind = "data"'), "p.toml:6: step api: there is no setting 'script'",
         "there are kind, needs, from, to"),
        (('script = "serve.py"', 'from = "a"'), "p.toml:6: step api: from belongs to a step that",
         'kind = "data"'),
        (("below = 2.3", ""), "p.toml:19: step good: it has no bound", "below"),
        (("below = 2.3", 'below = "2"'), "p.toml:20: step good: below is not a number", "2.5"),
        (("below = 2.3", 'below = 2.3\nscript = "x.py"'), "p.toml:21: step good: there is no",
         "there are"),
        (("'two words'", "'two"), "p.toml:23: step prepare: \"python prepare.py 'two\"", "a list"),
        (("[steps.api]", "[step.api]"), "p.toml:1: there is no setting 'step' here",
         "did you mean steps?"),
        (('script = "train.py"', ""), "p.toml:8: step train: nothing to run", "name a script"),
        (("retries = 1", 'metric = "loss"'), "p.toml:14: step train: metric belongs to a check",
         "check"),
    ],
)  # fmt: skip
def test_a_bad_file_says_where(change: tuple[str, str], message: str, hint: str) -> None:
    text = GOOD.replace(*change)
    assert text != GOOD
    with pytest.raises(UsageFault) as raised:
        read_toml(text, "p.toml")
    assert raised.value.message.startswith(message)
    assert hint in raised.value.hint


def test_a_circle_is_shown() -> None:
    text = GOOD.replace("[steps.prepare]", '[steps.prepare]\nneeds = ["api"]')
    with pytest.raises(UsageFault) as raised:
        read_toml(text, "p.toml")
    assert "api needs good needs train needs prepare needs api" in raised.value.message
    with pytest.raises(UsageFault, match="step a: a needs a: none of them can begin"):
        read({"steps": {"a": {"command": ["true"], "needs": ["a"]}}})


@pytest.mark.parametrize(
    "plain",
    [
        None, [], {"steps": []}, {"steps": {}}, {"steps": {"a": 1}}, {1: 2},
        {"steps": {"a b": {"command": ["true"]}}}, {"name": "x" * 41, "steps": {}},
        {"steps": {"a": {"command": ["true"], "needs": "b"}}},
        {"steps": {"a": {"command": ["true"], "env": {"A": 1.5}}}},
        {"steps": {"a": {"kind": "check", "metric": "loss", "below": float("nan")}}},
        {"steps": {"a": {"kind": "check", "metric": "loss", "below": 1}}},
        {"steps": {str(n): {"command": ["true"]} for n in range(MOST_STEPS + 1)}},
        {"steps": {"a": {"kind": ["job"], "command": ["true"]}}},
    ],
)  # fmt: skip
def test_what_a_script_gives_is_not_trusted(plain: Any) -> None:
    with pytest.raises(UsageFault) as raised:
        read(plain)
    assert raised.value.hint


def test_a_file_that_is_hostile() -> None:
    with pytest.raises(UsageFault, match="nested|TOML"):
        read_toml("a = " + "[" * 5000, "p.toml")
    with pytest.raises(UsageFault, match="too large"):
        read_toml("#" * 70_000, "p.toml")
    with pytest.raises(UsageFault, match="p.toml:1: no TOML"):
        read_toml("a = " + "9" * 5000, "p.toml")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("below", "0x" + "f" * 5000),
        ("below", "-" + "9" * 400),
        ("kind", "0x" + "f" * 5000),
        ("retries", "0x" + "f" * 5000),
        ("args", '["a", 0x' + "f" * 5000 + "]"),
        ("env", "{A = 0x" + "f" * 5000 + "}"),
    ],
)
def test_a_number_that_cannot_be_written_is_wrong(key: str, value: str) -> None:
    with pytest.raises(UsageFault, match=f"p.toml:2: step a: {key} has a number of over 64 bits"):
        read_toml(f"[steps.a]\n{key} = {value}\n", "p.toml")


def test_the_key_changes_with_all_that_matters() -> None:
    steps = read_toml(GOOD, "p.toml").steps
    prepare = steps["prepare"]
    key = prepare.key({"a.csv": "1"}, [])
    assert key == prepare.key({"a.csv": "1"}, [])
    others = [
        prepare.key({"a.csv": "2"}, []),
        prepare.key({"b.csv": "1"}, []),
        prepare.key({"a.csv": "1"}, ["n"]),
        steps["train"].key({"a.csv": "1"}, []),
        read_toml(GOOD.replace("two words", "2"), "p").steps["prepare"].key({"a.csv": "1"}, []),
    ]
    assert len({key, *others}) == 6


DATA = """\
[steps.fetch]
kind = "data"
from = "s3://bucket/houses/"
to = "data/houses/"

[steps.back]
kind = "data"
needs = ["fetch"]
from = "out/[1].ckpt"
to = "s3://bucket/models/"
"""


def test_a_step_copies_either_way() -> None:
    fetch, back = read_toml(DATA, "p.toml").steps.values()
    assert fetch.transfer == Transfer("s3://bucket/houses/", "data/houses", False)
    assert (fetch.inputs, fetch.outputs) == ((), ("data/houses",))
    assert back.transfer == Transfer("s3://bucket/models/[1].ckpt", "out/[1].ckpt", True)
    assert (back.inputs, back.outputs) == (("out/[[]1].ckpt",), ())
    assert fetch.cached
    assert fetch.key({"s3://b/": "1"}, []) != fetch.key({"s3://b/": "2"}, [])
    moved = read_toml(DATA.replace("data/houses", "data"), "p.toml").steps["fetch"]
    assert moved.key({}, []) != fetch.key({}, [])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('from = "s3://bucket/houses/"', 'form = "s3://bucket/houses/"'),
         "p.toml:3: step fetch: there is no setting 'form' here"),
        (('to = "data/houses/"', ""), "p.toml:1: step fetch: to is missing"),
        (('to = "data/houses/"', 'to = 3'), "p.toml:4: step fetch: to is not a text"),
        (('to = "data/houses/"', 'to = "s3://b/k"'), "p.toml:4: step fetch: both ends are in"),
        (('to = "data/houses/"', 'to = "../d"'), "p.toml:4: step fetch: '../d' leads out"),
        (('to = "data/houses/"', 'to = "/houses"'), "p.toml:4: step fetch: '/houses' leads out"),
        (('to = "data/houses/"', 'to = "."'), "p.toml:4: step fetch: to = '.' names no file"),
        (("s3://bucket/houses/", "houses/"), "p.toml:3: step fetch: neither end is in a source"),
        (("s3://bucket/houses/", "s3://bucket"), "p.toml:3: step fetch: s3://bucket names no file"),
        (("s3://bucket/houses/", "s 3://b/k"), "p.toml:3: step fetch: 's 3://b/k' is no address"),
        (('[1].ckpt"\nto = "s3://bucket/models/', '"\nto = "s3://bucket/models'),
         "p.toml:10: step back: out/ is a folder, and s3://bucket/models is none"),
        (('needs = ["fetch"]', 'machine = "box"'), "p.toml:8: step back: there is no setting"),
    ],
)  # fmt: skip
def test_a_copy_that_makes_no_sense_says_where(change: tuple[str, str], message: str) -> None:
    text = DATA.replace(*change)
    assert text != DATA
    with pytest.raises(UsageFault) as raised:
        read_toml(text, "p.toml")
    assert raised.value.message.startswith(message)
    assert raised.value.hint


def test_a_copy_has_no_metric() -> None:
    text = DATA + '[steps.good]\nkind = "check"\nmetric = "loss"\nof = "fetch"\nbelow = 1\n'
    with pytest.raises(UsageFault, match="not said whose metric"):
        read_toml(text, "p.toml")


def test_bounds_of_metrics() -> None:
    plain = {"steps": {
        "t": {"command": ["true"]},
        "c": {"kind": "check", "metric": "acc", "of": "t", "above": 0.5, "below": 2},
    }}  # fmt: skip
    check = read(plain).steps["c"]
    assert check.needs == ("t",)
    assert check.judge(0.6) == ""
    assert check.judge(0.5) == "acc is 0.5, not above 0.5"
    assert check.judge(7) == "acc is 7, not below 2"
    assert check.judge(float("nan")) == "acc is nan, not below 2"
    assert check.judge(None) == "t has no metric acc"


def test_the_example_of_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "pipelines.md").read_text()
    text = page.partition("```toml\n")[2].partition("```")[0]
    found = read_toml(text, "pipeline.toml")
    assert [(step.name, step.kind) for step in found.steps.values()] == [
        ("fetch", "data"), ("prepare", "job"), ("train", "job"), ("good", "check"),
        ("keep", "data"), ("api", "serve"),
    ]  # fmt: skip
