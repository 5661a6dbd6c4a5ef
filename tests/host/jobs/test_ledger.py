"""What everybody is told of a job."""

from __future__ import annotations

from dataclasses import replace

import pytest

from studio_tui.document.entries import JobEntry, MachineEntry
from studio_tui.document.replica import Replica
from studio_tui.document.studio import StudioDocument
from studio_tui.host.jobs.ledger import Ledger
from studio_tui.jobs.launch import JobState, JobStatus
from studio_tui.jobs.mask import Mask
from studio_tui.jobs.metrics import Metrics
from studio_tui.jobs.spec import JobSpec

SECRET = "hf_correct-horse"
RUNNING = JobStatus("j", JobState.RUNNING, None, 0, 0, 100.0, None, "")
OVER = replace(RUNNING, state=JobState.FAILED, exit_code=1, ended=3700.0)


@pytest.fixture
def document() -> StudioDocument:
    made = StudioDocument(Replica())
    made.machines.put(MachineEntry("box", price_per_hour=2.0))
    made.jobs.put(JobEntry("j", machine="box", nodes=1, started=90.0, state="starting"))
    return made


@pytest.fixture
def ledger(document: StudioDocument) -> Ledger:
    return Ledger(document, lambda _: Mask([SECRET]), lambda: 9999.0)


def test_an_end_is_told_by_whoever_read_all(document: StudioDocument, ledger: Ledger) -> None:
    ledger.update("j", RUNNING)
    assert (document.jobs["j"].state, document.jobs["j"].started) == ("running", 100.0)
    ledger.update("j", OVER)
    assert document.jobs["j"].state == "running"
    ledger.update("j", OVER, last=True)
    entry = document.jobs["j"]
    assert (entry.state, entry.exit_code, entry.ended) == ("failed", 1, 3700.0)
    assert entry.cost == pytest.approx(2.0)


def test_what_is_over_stays_so(document: StudioDocument, ledger: Ledger) -> None:
    ledger.end("j", JobState.STOPPED, "nobody wants it")
    ledger.update("j", RUNNING)
    ledger.end("j", JobState.LOST, "not seen any more")
    entry = document.jobs["j"]
    assert (entry.state, entry.ended, entry.notes) == ("stopped", 9999.0, ["nobody wants it"])


def test_one_member_that_starts_late_does_not_take_a_job_back(
    document: StudioDocument, ledger: Ledger
) -> None:
    ledger.update("j", RUNNING)
    ledger.update("j", replace(RUNNING, state=JobState.STARTING))
    assert document.jobs["j"].state == "running"


def test_notes_hold_no_secret_and_are_said_once_if_that_is_asked(
    document: StudioDocument, ledger: Ledger
) -> None:
    for _ in range(2):
        ledger.note("j", f"its key is {SECRET}", "again", once=True)
    ledger.note("j", "again")
    first, *others = document.jobs["j"].notes
    assert SECRET not in first
    assert others == ["again", "again"]


def test_how_long_a_training_is_stays_told(document: StudioDocument, ledger: Ledger) -> None:
    metrics, spec = Metrics(), JobSpec(script="train.py")
    metrics.feed(b'{"event": "total", "steps": 2000}\n')
    ledger.learn("j", metrics, spec)
    ledger.learn("j", Metrics(), spec)  # of the host that came after, which has read nothing yet
    assert document.jobs["j"].total_steps == 2000


def test_nothing_is_told_of_a_job_that_was_removed(
    document: StudioDocument, ledger: Ledger
) -> None:
    ledger.change("gone", state="running")
    ledger.note("gone", "said")
    ledger.update("gone", OVER, last=True)
    ledger.end("gone", JobState.LOST)
    assert set(document.jobs) == {"j"}
