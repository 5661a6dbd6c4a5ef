from __future__ import annotations

from studio_tui.app import units
from studio_tui.app.widgets.job_rows import (
    cost,
    detail,
    job_rows,
    names,
    newest_first,
    progress,
)
from studio_tui.app.widgets.rows import width_of
from studio_tui.document.entries import JobEntry
from tests.app.widgets.test_job_list import JOBS


def test_newest_first_puts_the_waiting_above() -> None:
    assert [job.id for job in newest_first(JOBS)] == ["f", "a", "b", "c", "d", "e"]


def test_detail_without_a_start() -> None:
    assert detail(JobEntry("x", state="stopped"), 0, "") == ""
    assert detail(JobEntry("x", state="running", started=5), 17, "") == "12 s"


def test_progress() -> None:
    loss = [(1, 3.0), (410, 1.921), (411, float("nan"))]
    assert progress({"train_loss": loss, "epoch": [(410, 3.0)]}) == "ep 3  1.92"
    assert progress({"train_loss": loss}) == "step 410  1.92"
    assert progress({"epoch": [(1, 2.0)]}) == "ep 2"
    assert progress({"acc": loss}) == ""
    assert progress({}) == ""
    speed = [(411, 20.0)]
    assert progress({"train_loss": loss, "steps_per_second": speed}, 2011) == "411/2k  1.92  ~1 min"
    assert progress({"train_loss": loss}, 2011) == "411/2k  1.92"


def test_a_narrow_list_leaves_out_how_long_it_takes() -> None:
    job = JobEntry("x", name="train", state="running", started=5)
    (row,) = job_rows([job], 17, {"x": "411/2k  1.92  ~1 min"}, 0, 40)
    assert row[-1][0].endswith("411/2k  1.92  ~1 min")
    (row,) = job_rows([job], 17, {"x": "411/2k  1.92  ~1 min"}, 0, 26)
    assert row[-1][0].endswith("411/2k  1.92")


def test_a_job_on_its_way_tells_where_it_goes() -> None:
    way = {"target": "a-machine-with-a-long-name", "phase": "carrying"}
    job = JobEntry("x", state="running", started=5, moves=[way])
    assert detail(job, 17, "ep 3") == "→ a-machine-w… carrying"
    gone = JobEntry("x", state="running", started=5, moves=[{**way, "phase": "done"}])
    assert detail(gone, 17, "ep 3") == "ep 3"


def test_what_a_job_cost_of_its_budget() -> None:
    assert cost(JobEntry("x")) == ""
    assert cost(JobEntry("x", cost=0.4)) == "$0.40"
    assert cost(JobEntry("x", budget=5.0)) == "–/$5.00"
    alarmed = JobEntry("x", cost=4.5, budget=5.0, budget_state="alarm")
    assert cost(alarmed) == "! $4.50/$5.00"
    (row,) = job_rows([alarmed], 0, {}, 0, 40)
    assert row[-1] == ("  ! $4.50/$5.00", "warn")
    (row,) = job_rows([alarmed], 0, {}, 0, 31)
    assert row[-1] == ("  ! $4.50", "warn")


def test_runs_of_one_name_are_told_apart_where_there_is_room() -> None:
    now = 1_700_000_000.0
    clock = [units.moment(now - ago, now) for ago in (60, 120)]
    jobs = [
        JobEntry("a", "mlp.py", "succeeded", started=now - 120, ended=now),
        JobEntry("b", "mlp.py", "running", started=now - 60, precision="bf16-mixed"),
        JobEntry("c", "small-lr", "succeeded", started=now - 90, ended=now),
    ]

    def drawn(width: int) -> list[str]:
        rows = job_rows(jobs, now, {}, 0, width)
        assert all(width_of(row) <= width for row in rows)
        return ["".join(text for text, _ in row) for row in rows]

    wide = drawn(80)
    assert [clock[1] in wide[0], clock[0] in wide[1]] == [True, True]
    assert "bf16-mixed" in wide[1]
    assert ":" not in wide[2]
    assert [clock[1] in row for row in drawn(36)] == [True, False, False]
    assert "bf16" not in drawn(36)[1]
    assert all(":" not in row for row in drawn(24))
    assert len({len(row) for row in wide}) == 1


def test_jobs_of_one_name_are_numbered_from_the_oldest_on() -> None:
    jobs = [
        JobEntry("c", "mlp.py", "queued"),
        JobEntry("b", "mlp.py", "running", started=2.0),
        JobEntry("a", "mlp.py", "failed", started=1.0),
        JobEntry("d", "other", "running", started=1.5),
        JobEntry("e", "", "queued"),
    ]
    called = {"a": "mlp.py #1", "b": "mlp.py #2", "c": "mlp.py #3", "d": "other", "e": "e"}
    assert names(jobs) == called
