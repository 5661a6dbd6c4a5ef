"""Jobs on the command line: run, ls, show, logs, pins, metrics, compare, advise, stop, wait, rm."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from studio_tui.cli.job import ago, readable

if TYPE_CHECKING:
    from .conftest import Hosted, Typed

KEYS = {
    "id", "name", "state", "machine", "command", "exit_code", "precision", "devices", "nodes",
    "started", "ended", "cost", "notes",
}  # fmt: skip

METRICS = """
import json, os
with open(os.environ["STUDIO_METRICS"], "a") as file:
    for step in (1, 2, 3):
        row = {"event": "step", "step": step, "values": {"train_loss": 4.0 / step}}
        file.write(json.dumps(row) + "\\n")
print("learned", os.environ["COLOUR"])
"""


@pytest.fixture(autouse=True)
def scripts(hosted: Hosted) -> None:
    """What the jobs run."""
    (hosted.folder / "ok.py").write_text("print('é', 'ok')\n")
    (hosted.folder / "bad.py").write_text("import sys; print('bad'); sys.exit(3)\n")
    (hosted.folder / "learn.py").write_text(METRICS)


def test_advice_names_what_fits(hosted: Hosted, typed: Typed) -> None:
    deadline = time.monotonic() + 15
    small: list[dict[str, Any]] = []
    # A studio that was just opened does not know yet what its machine has.
    while not (small and small[1]["fits"]):
        assert time.monotonic() < deadline
        small = typed("job", "advise", hosted.id, "--parameters", "1.5k", "--json").json
    assert [row["precision"] for row in small][:2] == ["64-true", "32-true"]
    assert small[1]["total"] == 1500 * 16
    assert small[1]["fits"] == ["local"]
    shape = ("--layers", "12", "--width", "768", "--sequence", "1024", "--batch", "8")
    big = typed("job", "advise", hosted.id, "--parameters", "900T", *shape)
    assert "bf16-mixed" in big.out
    assert "local" not in big.out
    for wrong in ("12X", "x", "0", "-1M", "nan", "1e400"):
        assert typed("job", "advise", hosted.id, f"--parameters={wrong}").code == 2


def test_from_run_to_rm(hosted: Hosted, typed: Typed) -> None:
    made = typed(
        "job", "run", hosted.id, "--name", "first", "--env", "COLOUR=red=ish", "--json",
        "--", "learn.py", "--steps", "3",
    ).json  # fmt: skip
    assert set(made) >= KEYS
    assert (made["name"], made["command"]) == ("first", "learn.py --steps 3")
    assert typed("job", "wait", hosted.id, made["id"]).code == 0

    listed = typed("job", "ls", hosted.id, "--json").json
    assert [job["id"] for job in listed] == [made["id"]]
    shown = typed("job", "show", hosted.id, "first", "--json").json
    assert shown == {**listed[0], "ranks": []}
    assert (shown["state"], shown["exit_code"]) == ("succeeded", 0)
    assert shown["started"] <= shown["ended"]
    assert typed("job", "logs", hosted.id, "first").out == "learned red=ish\n"
    assert typed("job", "metrics", hosted.id, "first", "--json").json == {
        "train_loss": [[1, 4.0], [2, 2.0], [3, 4.0 / 3]]
    }
    compared = typed("job", "compare", hosted.id, "first", "first", "--json").json
    assert compared["a"] == compared["b"]
    assert compared["a"]["metrics"]["train_loss"]["best"] == 4.0 / 3
    (hosted.folder / "metrics.csv").write_text("step,train_loss\n3,2.0\n")
    text = typed("job", "compare", hosted.id, "first", "metrics.csv").out
    assert "train_loss        1.333      2            +50.0%" in text
    assert typed("job", "metrics", hosted.id, "metrics.csv", "--json").json == {
        "train_loss": [[3, 2.0]]
    }
    assert "train_loss  3" in typed("job", "metrics", hosted.id, "first").out
    assert "first" in typed("job", "ls", hosted.id).out
    assert typed("job", "pins", hosted.id, "first", "--json").json == []
    assert "no pin yet" in typed("job", "pins", hosted.id, "first").out
    pinned = typed("job", "pin", hosted.id, "first", "LEARNED".lower(), "-m", "at last")
    assert (pinned.code, pinned.err) == (0, "pinned: learned red=ish\n")
    (found,) = typed("job", "pins", hosted.id, "first", "--json").json
    assert (found["id"], found["text"]) == (pinned.out.strip(), "at last")
    assert typed("job", "pin", hosted.id, "first", "nothing like it").code == 3
    assert typed("job", "pin", hosted.id, "first").code == 2
    assert typed("job", "unpin", hosted.id, "first", found["id"]).code == 0
    assert typed("job", "unpin", hosted.id, "first", found["id"]).code == 3
    assert "state      succeeded" in typed("job", "show", hosted.id, "first").out

    done = typed("job", "rm", hosted.id, "first")
    assert (done.code, done.out, done.err) == (0, "", f"removed {made['id']}\n")
    assert typed("job", "ls", hosted.id, "--json").json == []
    assert "no job yet" in typed("job", "ls", hosted.id).out


def test_without_json_the_result_is_the_id(hosted: Hosted, typed: Typed) -> None:
    done = typed("job", "run", hosted.id, "--", "ok.py")
    job = done.out.strip()
    assert f"studio-tui job logs -f {hosted.id} {job}" in done.err
    assert typed("job", "wait", hosted.id, job).code == 0
    typed("job", "rm", hosted.id, job)


def test_waiting_prints_the_log_and_ends_with_the_jobs_code(hosted: Hosted, spawned: Typed) -> None:
    for script, out, code in (("ok.py", "é ok\n", 0), ("bad.py", "bad\n", 3)):
        done = spawned("job", "run", hosted.id, "--wait", "--", script)
        assert (done.out, done.code) == (out, code)
        assert spawned("job", "wait", hosted.id, script).code == code
        spawned("job", "rm", hosted.id, script)


def test_waiting_with_json_prints_the_object_alone(hosted: Hosted, typed: Typed) -> None:
    done = typed("job", "run", hosted.id, "--wait", "--json", "--", "bad.py")
    assert (done.code, done.json["name"]) == (3, "bad.py")
    typed("job", "rm", hosted.id, "bad.py")


def test_stopping(hosted: Hosted, typed: Typed) -> None:
    good_order = "trap 'exit 0' TERM; while :; do sleep 0.05; done"
    job = typed("job", "run", hosted.id, "--", "sh", "-c", good_order).out.strip()
    running = typed("job", "rm", hosted.id, job)
    assert running.code == 1
    assert "running" in running.error
    done = typed("job", "stop", hosted.id, job)
    assert (done.code, done.out, done.err) == (0, "", f"{job}: stopped\n")
    assert typed("job", "wait", hosted.id, job).code == 143
    assert typed("job", "show", hosted.id, job, "--json").json["exit_code"] == 143
    assert " stopped  143 " in typed("job", "ls", hosted.id).out
    assert typed("job", "stop", hosted.id, job).err == f"{job}: stopped\n"
    typed("job", "rm", hosted.id, job)


def test_following_goes_on_until_the_end(hosted: Hosted, typed: Typed) -> None:
    script = "for i in 1 2 3 4 5; do echo $i; sleep 0.05; done"
    job = typed("job", "run", hosted.id, "--", "sh", "-c", script).out.strip()
    assert typed("job", "logs", "--follow", hosted.id, job).out == "1\n2\n3\n4\n5\n"
    typed("job", "rm", hosted.id, job)


@pytest.mark.parametrize(
    "verb", ["show", "logs", "metrics", "stop", "move --to=local", "wait", "rm"]
)
def test_a_job_that_is_not_there(verb: str, hosted: Hosted, typed: Typed) -> None:
    done = typed("job", *verb.split(), hosted.id, "none")
    assert (done.code, done.out) == (3, "")
    assert done.error == f"no job 'none' in {hosted.id}"
    assert done.hint == f"see: studio-tui job ls {hosted.id}"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--precision", "float", "--", "ok.py"], 2, "unknown precision 'float'"),
        (["--devices", "many", "--", "ok.py"], 2, "devices 'many'"),
        (["--max-runtime", "soon", "--", "ok.py"], 2, "'soon' is no length of time"),
        (["--nodes", "2", "--", "ok.py"], 2, "1 machine for 2 nodes: local"),
        (["-m", "local,local", "--", "ok.py"], 2, "local is named twice"),
        (["--retries", "-1", "--", "ok.py"], 2, "retries is -1"),
        (["--budget", "much", "--", "ok.py"], 2, "a budget of 'much' is none"),
        (["--budget", "5", "--", "ok.py"], 2, "local has no price"),
        (["--budget-alarm", "200%", "--", "ok.py"], 2, "'200%' is no share"),
        (["--env", "COLOUR", "--", "ok.py"], 2, "an --env has no value"),
        (["--env", "1X=2", "--", "ok.py"], 2, "'1X' cannot be the name"),
        (["-m", "gpu-box", "--", "ok.py"], 3, "no machine 'gpu-box'"),
        (["--", "none.py"], 3, "there is no none.py"),
        (["ok.py", "--steps", "3"], 2, "No such option"),
    ],
)
def test_what_cannot_be_run(
    words: list[str], code: int, message: str, hosted: Hosted, typed: Typed
) -> None:
    done = typed("job", "run", hosted.id, *words)
    assert (done.code, done.out) == (code, "")
    assert message in done.error


def test_how_long_ago() -> None:
    now = 1_000_000.0
    told = [ago(now - seconds, now) for seconds in (0, 59, 60, 3599, 3600, 86399, 86400 * 3, -5)]
    assert told == ["0 s ago", "59 s ago", "1 min ago", "59 min ago", "1 h ago", "23 h ago",
                    "3 d ago", "0 s ago"]  # fmt: skip
    assert ago(None, now) == "-"


def test_a_job_for_people_leaves_out_what_is_not_known() -> None:
    told = {"id": "j1", "name": "\x1b[2J", "cost": None, "by": "", "notes": ["a", "b"], "nodes": 1}
    assert readable(told).splitlines() == [
        "id     j1", "name   \ufffd[2J", "notes  a; b", "nodes  1",
    ]  # fmt: skip
    assert json.dumps(told)
    moves = [{"source": "local", "target": "box", "step": 20, "phase": "done"}, {}]
    assert readable({"id": "j1", "moves": moves}).splitlines() == [
        "id    j1", "move  local -> box at step 20: done", "move  None -> None: None",
    ]  # fmt: skip


def test_a_move_that_cannot_be(hosted: Hosted, typed: Typed) -> None:
    job = typed("job", "run", hosted.id, "--", "sleep", "100").out.strip()
    here = typed("job", "move", hosted.id, job, "--to", "local")
    assert (here.code, here.error) == (2, f"job {job} runs on local already")
    assert typed("job", "move", hosted.id, job, "--to", "moon").code == 3
    assert typed("job", "move", hosted.id, job).code == 2
    typed("job", "stop", hosted.id, job)
    over = typed("job", "move", hosted.id, job, "--to", "local")
    assert (over.code, over.error) == (1, f"job {job} is stopped")
    typed("job", "rm", hosted.id, job)
