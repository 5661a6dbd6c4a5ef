"""Jobs outlive whoever started them, and their end is known for what it was."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except OSError:
        return False
    return state not in "ZX"


def until_gone(pid: int) -> None:
    while alive(pid):
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("script", "state", "code"),
    [
        ("exit 0", "succeeded", "0"),
        ("exit 7", "failed", "7"),
        ("no-such-command", "failed", "127"),
        ("kill -KILL $$", "failed", "137"),
        ("kill -TERM $$", "failed", "143"),
        ("if then", "failed", "2"),
    ],
)
def test_the_exit_code_is_kept(jobs: Any, script: str, state: str, code: str) -> None:
    jobs.start("a", script)
    assert jobs.until("a", "succeeded", "failed")[:2] == [state, code]


def test_a_job_has_a_session_a_mark_an_umask_and_signals_of_its_own(jobs: Any) -> None:
    script = (
        "umask; echo $STUDIO_JOB_ID $STUDIO_JOB_DIR $STUDIO_METRICS\n"
        "exec python3 -c 'import os, signal as s\n"
        "print(os.getsid(0) == os.getpid(), s.getsignal(s.SIGINT) == s.default_int_handler)\n"
        "print([s.getsignal(n) == s.SIG_DFL for n in (s.SIGHUP, s.SIGQUIT, s.SIGTERM)])'"
    )
    before = os.umask(0o027)
    try:
        jobs.start("a", script)
    finally:
        os.umask(before)
    jobs.until("a", "succeeded", "failed")
    folder = jobs.root / "a"
    assert jobs.log("a").splitlines() == [
        "0027",
        f"a {folder} {folder}/metrics",
        "True True",
        "[True, True, True]",
    ]
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "script").stat().st_mode & 0o777 == 0o600


def test_ten_racing_starts_start_one_job(jobs: Any) -> None:
    script = "echo ran >> ran; sleep 0.3; exit 3"
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: jobs.start("a", script), range(10)))
    assert {answer[0] for answer in answers} <= {"starting", "running", "failed"}
    assert jobs.until("a", "failed")[1] == "3"
    assert (jobs.folder / "ran").read_text() == "ran\n"
    assert jobs.start("a", "echo never")[:2] == ["failed", "3"]
    assert not list(jobs.root.glob(".*"))


def test_a_script_that_came_in_part_is_not_run(jobs: Any) -> None:
    done = jobs.call("start", "a", jobs.folder, 100, stdin="echo half")
    assert done.returncode == 66
    assert jobs.status("a")[0] == "missing"
    jobs.start("a", "echo whole")
    jobs.until("a", "succeeded")
    assert jobs.log("a") == "whole\n"


def test_a_folder_that_is_gone_fails_the_job(jobs: Any) -> None:
    jobs.call("start", "a", "/no/such/folder", 4, stdin="true")
    assert jobs.until("a", "failed")[1] == "127"
    assert jobs.log("a") == "studio: no such folder: /no/such/folder\n"


@pytest.mark.parametrize("job", ["", ".hidden", "a/b", "a b", "a;b", "../x"])
def test_an_id_that_is_no_name_is_refused(jobs: Any, job: str) -> None:
    assert jobs.call("start", job, jobs.folder, 4, stdin="true").returncode == 64


def test_a_stopped_job_is_stopped_whatever_its_exit_code(jobs: Any) -> None:
    jobs.start("a", "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done")
    jobs.until_logged("a", "up")
    assert jobs.call("cancel", "a", 5).stdout.split()[:2] == ["stopped", "0"]
    assert jobs.log("a").endswith("bye\n")


def test_a_job_that_ignores_the_request_is_killed(jobs: Any) -> None:
    jobs.start("a", "trap '' TERM; echo up; while :; do sleep 0.05; done")
    jobs.until_logged("a", "up")
    assert jobs.call("cancel", "a", 1).stdout.split()[:2] == ["stopped", "137"]
    assert not alive(jobs.pid("a"))


def test_a_child_in_a_session_of_its_own_goes_too(jobs: Any) -> None:
    child = "echo $$ > child; trap '' TERM; while :; do sleep 0.05; done"
    jobs.start("a", f'setsid sh -c "{child.replace("$", chr(92) + "$")}" & wait')
    while not (jobs.folder / "child").exists() or not (jobs.folder / "child").read_text():
        time.sleep(0.02)
    pid = int((jobs.folder / "child").read_text())
    assert alive(pid)
    assert jobs.call("cancel", "a", 0).stdout.split()[0] == "stopped"
    until_gone(pid)


def test_a_stop_spares_a_job_whose_name_begins_alike(jobs: Any) -> None:
    jobs.start("a", "sleep 30")
    jobs.start("a1", "sleep 30")
    assert jobs.call("cancel", "a", 1).stdout.split()[0] == "stopped"
    assert jobs.status("a1")[0] == "running"


def test_a_stop_after_the_end_changes_nothing(jobs: Any) -> None:
    jobs.start("a", "exit 0")
    jobs.until("a", "succeeded")
    assert jobs.call("cancel", "a", 1).stdout.split()[0] == "succeeded"
    assert jobs.status("a")[0] == "succeeded"


def test_a_job_whose_recorder_was_killed_runs_on_and_is_then_lost(jobs: Any) -> None:
    jobs.start("a", "sleep 0.5; echo done")
    os.kill(jobs.pid("a", "sup"), signal.SIGKILL)
    assert jobs.status("a")[0] == "running"
    until_gone(jobs.pid("a"))
    assert jobs.until("a", "lost")[6] == "died"
    assert jobs.log("a") == "done\n"


def edit(jobs: Any, place: int, word: str) -> None:
    """Changes one word of who signed: 1 is the birth, 2 the boot."""
    for name in ("claim", "sup", "pid"):
        file = jobs.root / "a" / name
        words = file.read_text().split()
        words[place] = word
        file.write_text(" ".join(words) + "\n")


def test_a_reboot_loses_the_job(jobs: Any) -> None:
    jobs.start("a", "sleep 30")
    leader = jobs.pid("a")
    edit(jobs, 2, "another-boot")
    assert jobs.status("a")[::6] == ["lost", "reboot"]
    os.killpg(leader, signal.SIGKILL)


def test_a_stranger_with_the_jobs_pid_is_left_alone(jobs: Any) -> None:
    jobs.start("a", "exec sleep 30")
    os.kill(jobs.pid("a", "sup"), signal.SIGKILL)
    os.kill(jobs.pid("a"), signal.SIGKILL)
    with subprocess.Popen(["sleep", "30"], start_new_session=True) as stranger:
        try:
            file = jobs.root / "a" / "pid"
            file.write_text(f"{stranger.pid} 12345 {file.read_text().split()[2]}\n")
            # A process that was killed is there for a moment more.
            assert jobs.until("a", "lost")[6] == "died"
            assert jobs.call("cancel", "a", 1).stdout.split()[0] == "lost"
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_a_start_that_was_cut_short_is_lost(jobs: Any) -> None:
    folder = jobs.root / "a"
    folder.mkdir(parents=True)
    (folder / "claim").write_text("1 1 another-boot\n")
    assert jobs.status("a")[::6] == ["lost", "reboot"]
    (folder / "claim").unlink()
    assert jobs.status("a")[::6] == ["lost", "never-started"]


def test_a_running_job_cannot_be_removed(jobs: Any) -> None:
    jobs.start("a", "sleep 30")
    assert jobs.call("remove", "a").returncode == 67
    jobs.call("cancel", "a", 1)
    assert jobs.call("remove", "a").returncode == 0
    assert jobs.call("remove", "a").returncode == 0
    assert list(jobs.root.iterdir()) == []


def test_all_jobs_are_listed(jobs: Any) -> None:
    assert jobs.call("list").stdout == ""
    jobs.start("a", "echo 1234")
    jobs.start("b", "exit 1")
    jobs.until("a", "succeeded")
    jobs.until("b", "failed")
    lines = sorted(line.split()[:4] for line in jobs.call("list").stdout.splitlines())
    assert lines == [["a", "succeeded", "0", "5"], ["b", "failed", "1", "0"]]


def test_a_stretch_of_the_log_is_read_with_the_size_of_all(jobs: Any) -> None:
    jobs.start("a", "printf 0123456789")
    jobs.until("a", "succeeded")
    assert jobs.call("read", "a", "log", 3, 4).stdout == "10\n3456"
    assert jobs.call("read", "a", "log", 20, 4).stdout == "10\n"
    assert jobs.call("read", "b", "log", 0, 4).returncode == 68
    assert jobs.call("read", "a", "script", 0, 4).returncode == 64


def test_a_follower_begins_where_it_is_told(jobs: Any) -> None:
    jobs.start("a", "printf 0123456789; printf 'a\\nb\\n' > $STUDIO_METRICS; exit 3")
    jobs.until("a", "failed")
    with subprocess.Popen(
        jobs.argv("follow", "a", 4, 2),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=jobs.environment(),
    ) as follower:
        assert follower.stdout is not None
        assert follower.stdout.read() == b"F log 4 6\n456789F metrics 2 2\nb\nE failed 3 10 4\n"


def test_a_follower_of_nothing_says_so(jobs: Any) -> None:
    with subprocess.Popen(
        jobs.argv("follow", "a", 0, 0), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as follower:
        assert follower.stdout is not None
        assert follower.stdout.read() == b"E missing - 0 0\n"


def test_a_follower_ends_with_its_stdin(jobs: Any) -> None:
    jobs.start("a", "sleep 30")
    with subprocess.Popen(
        jobs.argv("follow", "a", 0, 0),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=jobs.environment(),
    ) as follower:
        assert follower.stdin is not None
        assert follower.stdout is not None
        assert follower.stdout.readline() == b"H running - 0 0\n"
        follower.stdin.close()
        assert follower.wait(5) == -signal.SIGKILL
    assert jobs.status("a")[0] == "running"


def test_a_studio_inside_a_job_does_not_belong_to_it(jobs: Any) -> None:
    inner = "sleep 30"
    script = (
        f"printf '{inner}' | {' '.join(jobs.argv('start', 'inner', jobs.folder, len(inner)))}\n"
        "echo up; sleep 30"
    )
    jobs.start("outer", script)
    jobs.until_logged("outer", "up")
    assert jobs.call("cancel", "outer", 1).stdout.split()[0] == "stopped"
    assert jobs.status("inner")[0] == "running"


def test_a_job_that_fails_is_run_again(jobs: Any) -> None:
    script = "echo try $STUDIO_ATTEMPT; [ $STUDIO_ATTEMPT -ge 2 ] && exit 0; kill -KILL $$"
    jobs.start("a", script, 5)
    assert jobs.until("a", "succeeded", "failed")[:2] == ["succeeded", "0"]
    assert [line for line in jobs.log("a").splitlines() if line.startswith("try")] == [
        "try 0", "try 1", "try 2",
    ]  # fmt: skip
    told = (jobs.root / "a" / "metrics").read_text().splitlines()
    rows = [json.loads(row) for row in told if row]
    assert [(row["attempt"], row["exit_code"]) for row in rows] == [(1, 137), (2, 137)]
    jobs.start("b", "echo try; exit 4", 2)
    assert jobs.until("b", "succeeded", "failed")[:2] == ["failed", "4"]
    assert jobs.log("b").count("try\n") == 3


def test_a_later_attempt_goes_on_from_the_newest_checkpoint_there_is(jobs: Any) -> None:
    script = (
        'echo "from ${STUDIO_RESUME:-nothing}"; n=$STUDIO_ATTEMPT\n'
        'touch "c $n"\n'
        'for name in "c $n" gone; do echo "$PWD/$name" >> "$STUDIO_CHECKPOINTS"; done\n'
        "exit 1"
    )
    jobs.start("a", script, 2)
    jobs.until("a", "failed")
    assert [line for line in jobs.log("a").splitlines() if line.startswith("from")] == [
        "from nothing", f"from {jobs.folder}/c 0", f"from {jobs.folder}/c 1",
    ]  # fmt: skip
    assert f"studio: attempt 2, from {jobs.folder}/c 0\n" in jobs.log("a")


def test_what_an_attempt_left_running_is_gone_before_the_next(jobs: Any) -> None:
    script = (
        "[ -f left ] && { cut -d' ' -f3 /proc/$(cat left)/stat; exit 0; }\n"
        "setsid sleep 30 & echo $! > left; exit 1"
    )
    jobs.start("a", script, 1)
    assert jobs.until("a", "succeeded", "failed")[0] == "succeeded"
    assert jobs.log("a").splitlines()[-1][0] in "Zc"  # a zombie, or cut found no such file


def test_a_stopped_job_is_not_run_again(jobs: Any) -> None:
    jobs.start("a", "echo up; exec sleep 30", 5)
    jobs.until_logged("a", "up")
    assert jobs.call("cancel", "a", 5).stdout.split()[:2] == ["stopped", "143"]
    assert jobs.log("a") == "up\n"


def test_a_job_has_its_time(jobs: Any) -> None:
    jobs.start("a", "trap 'exit 0' TERM; while :; do sleep 0.05; done", 3, 1)
    found = jobs.until("a", "stopped", "failed")
    assert (found[0], found[1], found[6]) == ("stopped", "0", "max-runtime")
    jobs.start("b", "exit 0", 0, 1000)
    assert jobs.until("b", "succeeded")[6] == "-"


def test_hidden_variables_reach_every_attempt_and_no_file(jobs: Any) -> None:
    value = "it's \\ $HOME `x`\n\nend\n\n"
    escaped = value.replace("\\", "\\\\").replace("\n", "\\n")
    script = 'python3 -c \'import os; print(ascii(os.environ["TOP"]), os.environ["B"])\'; exit 1'
    stdin = f"TOP={escaped}\nB=\n{script}"
    done = jobs.call("start", "a", jobs.folder, len(script), 1, 0, 2, stdin=stdin)
    assert done.returncode == 0
    jobs.until("a", "failed")
    assert jobs.log("a").splitlines() == [
        f"{value!a} ", "studio: attempt 2, from the start", f"{value!a} ",
    ]  # fmt: skip
    for file in (jobs.root / "a").iterdir():
        assert file.name == "log" or "end" not in file.read_text()


HELD = """
d=$STUDIO_JOB_DIR; echo trainer > $d/holds; step=0; resumed=${STUDIO_RESUME:-nothing}
echo "from ${resumed##*/}"
while [ $step -lt 400 ]; do
  step=$((step+1))
  if [ -f $d/hold ] && [ ! -f $d/held ]; then
    mkdir -p $d/parcel; echo $step > $d/parcel/step-$step.ckpt
    echo "$step $d/parcel/step-$step.ckpt" > $d/held
  fi
  sleep 0.05
done
"""


def test_a_job_goes_on_in_what_another_one_has_written(jobs: Any) -> None:
    def held() -> list[str]:
        while (lines := jobs.call("hold", "a").stdout.splitlines())[2] == "-":
            time.sleep(0.02)
        return lines  # type: ignore[no-any-return]

    jobs.start("a", HELD)
    state, who, where = held()
    assert (state.split()[0], who) == ("running", "trainer")
    step, path = where.split(" ", 1)
    assert jobs.call("pack", "a", path).stdout == f"step-{step}.ckpt\n"
    assert jobs.call("cancel", "a", 5, "moved").stdout.split()[6] == "moved"
    parcel = jobs.root / "a" / "parcel"
    words = (jobs.folder, len(HELD), 0, 0, 0, "max-runtime")
    nothing = jobs.call("start", "b", *words, jobs.root / "none", "x", stdin=HELD)
    assert (nothing.returncode, nothing.stdout) == (69, "")
    for _ in range(2):  # a start whose answer was lost is repeated
        again = jobs.call("start", "b", *words, parcel, "studio: moved", stdin=HELD)
        assert again.stdout.split()[0] in ("starting", "running")
    jobs.until_logged("b", "moved\nfrom")
    assert jobs.log("b") == "from nothing\nstudio: moved\nfrom nothing\n"
    listed = jobs.call("read", "b", "checkpoints", 0, 1000).stdout
    assert listed.splitlines()[1] == f"{jobs.root}/b/step-{step}.ckpt"
    assert '{"event": "moved"}' in (jobs.root / "b" / "metrics").read_text()
    assert not parcel.exists()
    ended = jobs.call("finish", "b", 5, "budget").stdout.split()
    assert (ended[0], ended[6]) == ("stopped", "budget")
    assert (jobs.root / "b" / "held").exists()
    assert jobs.call("hold", "none").returncode == 68
