"""`studio-tui pipeline`, on a real studio."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conftest import Hosted, Typed

TWO = """\
[steps.first]
command = "sh -c 'cp in.txt out.txt'"
inputs = ["in.txt"]

[steps.second]
needs = ["first"]
command = ["sh", "-c", "exit $CODE"]
env = { CODE = "%d" }
"""


def test_a_pipeline_from_its_file_to_its_times(hosted: Hosted, typed: Typed) -> None:
    file = hosted.folder / "two.toml"
    (hosted.folder / "in.txt").write_text("in")
    assert "none has run" in typed("pipeline", "ls", hosted.id).out
    file.write_text(TWO % 0)
    done = typed("pipeline", "run", hosted.id, "two.toml", "--wait")
    assert done.code == 0, done.err
    assert "first succeeded" in done.err
    assert "second succeeded" in done.err

    file.write_text(TWO % 5)
    done = typed("pipeline", "run", hosted.id, "two.toml", "--wait", "--json")
    assert (done.code, done.json["state"]) == (1, "failed")
    assert [line for line in done.err.splitlines() if line.startswith("first")] == ["first cached"]
    assert "second failed: exit 5" in done.err
    out = typed("pipeline", "show", hosted.id, "two").out
    assert "two failed, by " in out
    assert "exit 5" in out

    done = typed("pipeline", "schedule", hosted.id, "two.toml", "30 2 * * *")
    assert "two.toml runs next at " in done.err
    listed = typed("pipeline", "ls", hosted.id, "--json").json
    assert [run["state"] for run in listed["runs"]] == ["failed", "succeeded"]
    assert [schedule["cron"] for schedule in listed["schedules"]] == ["30 2 * * *"]
    assert "30 2 * * *" in typed("pipeline", "ls", hosted.id).out
    assert typed("pipeline", "schedule", hosted.id, "two.toml", "--off").code == 0
    done = typed("pipeline", "schedule", hosted.id, "two.toml")
    assert (done.code, done.error) == (2, "it is not said when")


def test_a_bad_file_is_told_with_its_line(hosted: Hosted, typed: Typed) -> None:
    (hosted.folder / "bad.toml").write_text('[steps.a]\nneeds = ["b"]\ncommand = "true"\n')
    done = typed("pipeline", "run", hosted.id, "bad.toml")
    assert (done.code, done.error) == (2, "bad.toml:2: step a: there is no step 'b'")
    assert done.hint == "there are a"
    assert typed("pipeline", "run", hosted.id, "none.toml").code == 3
    assert typed("pipeline", "stop", hosted.id, "two").code == 3
