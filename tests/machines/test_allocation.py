"""What is asked of Slurm, and what its answers mean to a person."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from studio_tui.errors import StudioError, UsageFault
from studio_tui.machines.allocation import Job, Request, read_job, read_place, read_request

SHOWN = (
    "JobId=12 JobName=studio-cluster UserId=ada(1000) GroupId=ada(1000) MCS_label=N/A "
    "Priority=4294 Nice=0 Account=(null) QOS=(null) JobState={state} Reason={reason} "
    "Dependency=(null) Requeue=0 "
    "Restarts=0 BatchFlag=1 Reboot=0 ExitCode={code} RunTime=00:00:05 TimeLimit=00:10:00 "
    "SubmitTime=2026-11-28T22:00:00 StartTime={start} EndTime=Unknown Partition=gpu "
    "AllocNode:Sid=login:1 NodeList={nodes} NumNodes=1 NumCPUs=2 Comment=abc123 WorkDir=/home/ada\n"
)


def job(state: str, reason: str = "None", **told: str) -> Job:
    fields = {"code": "0:0", "start": "Unknown", "nodes": "(null)"} | told
    return read_job(SHOWN.format(state=state, reason=reason, **fields))


def test_a_request_as_options_of_sbatch() -> None:
    entry = {"kind": "slurm", "host": "login", "partition": "gpu", "gpus": "a100:2", "cpus": 8}
    entry |= {"memory": "64G", "time": "8h", "account": "lab", "qos": "high; rm -rf /"}
    assert read_request("cluster", entry | {"options": ["--exclusive", "-C fast"]}).arguments() == [
        "--partition=gpu",
        "--account=lab",
        "--qos=high; rm -rf /",  # one word for sbatch, whatever is in it
        "--mem=64G",
        "--gres=gpu:a100:2",
        "--cpus-per-task=8",
        "--time=480",
        "--exclusive",
        "-C fast",
    ]


def test_a_request_for_whatever_the_cluster_gives() -> None:
    assert read_request("cluster", {"kind": "slurm", "gpus": 0}).arguments() == []
    assert Request().arguments() == []


@pytest.mark.parametrize(
    ("time", "minutes"),
    [("90m", 90), ("2d", 2880), ("30", 30), ("30:30", 31), ("1:30:00", 90), ("1-12", 2160)]
    + [("1-12:30", 2190), ("0-00:00:01", 1)],
)
def test_a_time_as_people_and_slurm_write_it(time: str, minutes: int) -> None:
    assert read_request("cluster", {"time": time}).minutes == minutes


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"partition": ""}, "partition = ''"),
        ({"partition": "a\nb"}, "partition = 'a"),
        ({"partition": 3}, "partition = 3"),
        ({"gpus": "many"}, "gpus = 'many'"),
        ({"gpus": -1}, "gpus = -1"),
        ({"gpus": True}, "gpus = True"),
        ({"cpus": 0}, "cpus = 0"),
        ({"cpus": "4"}, "cpus = '4'"),
        ({"time": "soon"}, "time = 'soon'"),
        ({"time": "0"}, "time = '0'"),
        ({"time": 30}, "time = 30"),
        ({"options": "--exclusive"}, "options = '--exclusive'"),
        ({"options": ["exclusive"]}, "options = 'exclusive'"),
        ({"options": ["--output=/etc/passwd"]}, "options = '--output=/etc/passwd'"),
        ({"options": ["-o/etc/passwd"]}, "options = '-o/etc/passwd'"),
        ({"options": ["--wrap=true"]}, "options = '--wrap=true'"),
    ],
)
def test_a_request_that_makes_no_sense(entry: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageFault) as raised:
        read_request("cluster", entry)
    assert raised.value.message.startswith(f"machine 'cluster' has {said}")
    assert raised.value.hint


def test_a_job_that_waits() -> None:
    waiting = job("PENDING", "Priority", start="2026-11-29T08:30:00")
    assert (waiting.waiting, waiting.ended, waiting.node) == (True, False, "")
    assert waiting.start == datetime(2026, 11, 29, 8, 30)
    assert waiting.queued((3, 7)) == (
        "queued: others are ahead of it, 3 of 7 in gpu, expected to start at 2026-11-29 08:30"
    )
    assert job("PENDING", "Resources").queued(None) == "queued: waiting for a node with enough free"
    assert (
        job("PENDING", "QOSMaxGRESPerUser").queued(None) == "queued: Slurm says QOSMaxGRESPerUser"
    )
    assert waiting.refusal() is None


def test_a_job_that_will_wait_for_ever() -> None:
    refusal = job("PENDING", "PartitionTimeLimit").refusal()
    assert isinstance(refusal, StudioError)
    assert "more time than the partition gives" in refusal.message


def test_a_job_that_runs() -> None:
    running = job("RUNNING", nodes="node7")
    assert (running.waiting, running.ended, running.node) == (False, False, "node7")
    assert running.comment == "abc123"
    assert not job("COMPLETING").ended
    assert not job("SUSPENDED").ended


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        (job("TIMEOUT"), "its time limit of 00:10:00 was reached"),
        (job("CANCELLED"), "it was cancelled"),
        (job("PREEMPTED"), "a job of higher priority took its place"),
        (job("NODE_FAIL", nodes="node7"), "its node node7 failed"),
        (job("OUT_OF_MEMORY"), "it used more memory than it had asked for"),
        (job("FAILED", code="2:0"), "its holder failed with exit code 2"),
        (job("FAILED", code="127:0", nodes="node7"), "its node node7 has no python3"),
        (job("FAILED", code="0:9"), "its holder failed with exit code 137"),
        (job("COMPLETED"), "its holder ended"),
        (job("DEADLINE"), "its deadline was reached"),
        (job("REVOKED"), "Slurm calls it REVOKED"),
    ],
)
def test_how_a_job_ended(ended: Job, words: str) -> None:
    assert ended.ended
    assert ended.end() == words


@pytest.mark.parametrize("text", ["", "slurm_load_jobs error", "JobId=1 JobState=RUNNING"])
def test_an_answer_that_makes_no_sense(text: str) -> None:
    with pytest.raises(StudioError, match="makes no sense"):
        read_job(text)


def test_a_place_in_the_queue() -> None:
    assert read_place("9\n 12 \n14_7\n", "12") == (2, 3)
    assert read_place("9\n14_7\n", "14") == (2, 2)
    assert read_place("9\n", "12") is None
