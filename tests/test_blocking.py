"""The SDK without `await`, from plain scripts and other threads."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from studio_tui import sdk
from studio_tui.client import start
from studio_tui.settings import secrets, studios
from tests.data.stores import KEY, SECRET, Store


@dataclass(frozen=True)
class Hosted:
    """A running studio."""

    home: Path
    folder: Path
    id: str


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosted]:
    """One studio for all tests here."""
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("project")
    (folder / "train.py").write_text("print('hi')\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STUDIO_HOME", str(home))
        studio = start.ensure(folder).id
        yield Hosted(home, folder, studio)
        patch.setenv("STUDIO_HOME", str(home))
        start.stop(studios.find(studio))


@pytest.fixture
def hosted(running: Hosted, studio_home: Path, monkeypatch: pytest.MonkeyPatch) -> Hosted:
    """The studio, as its own user sees it."""
    monkeypatch.setenv("STUDIO_HOME", str(running.home))
    return running


def test_everything_without_await(hosted: Hosted) -> None:
    (hosted.folder / "plain.py").write_text("x = 1\n")
    with sdk.sync.attach(hosted.id, name="ana") as studio:
        assert (studio.id, studio.state) == (hosted.id, "live")
        assert [person.name for person in studio.people] == ["ana"]
        text = studio.file("plain.py")
        text.insert(0, "# é\n")
        text.flush()
        assert str(text) == "# é\nx = 1\n"
        assert text.text.to_byte(3) == 4
        assert (hosted.folder / "plain.py").read_text() == str(text)

        term = studio.terminal(command=["sh"])
        term.type("echo $((6*7))\n")
        term.until("42")
        assert any("42" in row for row in term.screen)
        term.close()

        job = studio.run(command=["sh", "-c", "for i in 1 2 3; do echo $i; done; exit 3"])
        assert list(job.logs()) == ["1", "2", "3"]
        assert job.wait() == 3
        assert job.entry.exit_code == 3
        assert job.id in studio.document.jobs
        assert studio.document.jobs[job.id].state == "failed"
        job.remove()


def test_a_studio_is_opened(hosted: Hosted) -> None:
    with sdk.sync.open(hosted.folder) as studio:
        assert studio.id == hosted.id


def test_errors_are_those_of_the_sdk(hosted: Hosted) -> None:
    with pytest.raises(sdk.NotFound, match="no studio"), sdk.sync.attach("calm-otter"):
        pass
    with sdk.sync.attach(hosted.id) as studio:
        with pytest.raises(sdk.NotFound, match=r"no file none\.py"):
            studio.file("none.py")
        with pytest.raises(ValueError, match="outside"):
            studio.file("train.py").insert(-1, "x")
        with pytest.raises(AttributeError, match="nothing"):
            _ = studio.nothing
        with pytest.raises(AttributeError, match="_room"):
            _ = studio._room
        assert studio.state == "live"
    with pytest.raises(KeyError), sdk.sync.attach(hosted.id):
        raise KeyError


def test_what_is_typed_last_arrives(hosted: Hosted) -> None:
    (hosted.folder / "last.txt").write_text("")
    with sdk.sync.attach(hosted.id) as studio:
        studio.file("last.txt").insert(0, "the last words")
    with sdk.sync.attach(hosted.id) as studio:
        assert str(studio.file("last.txt")) == "the last words"


def test_data_is_listed_and_copied(hosted: Hosted, nanio: Store) -> None:
    nanio.table("lake")
    secrets.save_secret("STORE_KEY", KEY)
    secrets.save_secret("STORE_SECRET", SECRET)
    bucket = nanio.bucket(**{"a.csv": b"id\n1\n"})
    with sdk.sync.attach(hosted.id) as studio:
        assert [entry.name for entry in studio.data(f"lake://{bucket}").entries()] == ["a.csv"]
        assert studio.data(f"lake://{bucket}/a.csv").head().rows == [["1"]]
        seen: list[int] = []
        done = studio.data(f"lake://{bucket}/a.csv").get(
            "a.csv", on_progress=lambda copy: seen.append(copy.done)
        )
        assert (done.state, (hosted.folder / "a.csv").read_bytes()) == ("done", b"id\n1\n")
        assert seen


def test_nothing_is_left_when_the_block_is(hosted: Hosted) -> None:
    before = threading.active_count()
    with sdk.sync.attach(hosted.id) as studio:
        assert threading.active_count() == before + 1
        job = studio.run(command=["sh", "-c", "while :; do echo x; sleep 0.01; done"])
        lines = job.logs()
        assert next(lines) == "x"
        unread = job.chunks()
    assert threading.active_count() == before
    for use in (studio.__str__, lines.__next__, unread.__next__):
        with pytest.raises(sdk.StudioError, match="was left"):
            use()
    with pytest.raises(sdk.StudioError, match="was left"):
        _ = studio.people
    del lines, unread, job
    gc.collect()
    with sdk.sync.attach(hosted.id) as studio:
        (job,) = [studio.job(id) for id in studio.document.jobs]
        job.stop()
        job.remove()


def test_reading_may_stop_in_the_middle(hosted: Hosted) -> None:
    with sdk.sync.attach(hosted.id) as studio:
        job = studio.run(command=["sh", "-c", "while :; do echo x; sleep 0.01; done"])
        for line in job.logs():
            assert line == "x"
            break
        job.stop()
        assert job.wait() == 143
        job.remove()


def test_a_condition_may_look_and_may_not_wait(hosted: Hosted) -> None:
    (hosted.folder / "watched.txt").write_text("")
    with sdk.sync.attach(hosted.id, name="ana") as studio:
        text = studio.file("watched.txt")

        def other() -> None:
            with sdk.sync.attach(hosted.id, name="bob") as bobs:
                bobs.file("watched.txt").insert(0, "seen")

        writing = threading.Thread(target=other)
        writing.start()
        studio.until(lambda: str(text) == "seen")
        writing.join()
        with pytest.raises(sdk.StudioError, match="callback cannot wait"):
            studio.until(lambda: text.flush())


def test_two_threads_share_one_studio(hosted: Hosted) -> None:
    (hosted.folder / "shared.txt").write_text("")
    with sdk.sync.attach(hosted.id) as studio:
        text = studio.file("shared.txt")
        threads = [
            threading.Thread(target=lambda c=c: [text.insert(0, c) for _ in range(50)])
            for c in "ab"
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        text.flush()
        assert sorted(str(text)) == sorted("ab" * 50)


def test_a_stand_in_says_what_it_stands_for(hosted: Hosted) -> None:
    with sdk.sync.attach(hosted.id) as studio:
        assert repr(studio) == "<blocking Studio>"
        assert "terminal" in dir(studio)
        assert "coroutine" not in repr(studio.file)
        assert studio.file.__doc__.startswith("The shared text of the file")
        assert bool(studio)


INTERRUPTED = """
import asyncio, sys
from studio_tui import sdk

def tasks():
    found = []
    studio.until(lambda: found.append(len(asyncio.all_tasks())) or True)
    return found[0]

with sdk.sync.attach(sys.argv[1], name="script") as studio:
    text = studio.file("train.py")
    job = studio.run(command=["sleep", "100"], name="long")
    before = tasks()
    try:
        print("waiting", flush=True)
        WAIT
    except KeyboardInterrupt:
        print("interrupted", studio.state, tasks() - before, flush=True)
        job.stop()
        print("ended", job.wait(), flush=True)
        job.remove()
    ONCE_MORE
"""


@pytest.mark.parametrize("wait", ["job.wait()", "list(job.logs())", "studio.until(lambda: False)"])
def test_ctrl_c_ends_what_is_waited_for_and_nothing_else(wait: str, hosted: Hosted) -> None:
    script = INTERRUPTED.replace("WAIT", wait).replace("ONCE_MORE", "")
    out, err, code = interrupted(script, hosted)
    assert (out, err, code) == ("waiting\ninterrupted live 0\nended 143\n", "", 0)


def test_ctrl_c_that_nobody_takes_leaves_in_good_order(hosted: Hosted) -> None:
    script = INTERRUPTED.replace("WAIT", "pass").replace("ONCE_MORE", "job.wait()")
    out, err, code = interrupted(script, hosted)
    assert out == "waiting\n"
    assert err.strip().endswith("KeyboardInterrupt")
    assert "Task" not in err
    assert code == -signal.SIGINT
    with sdk.sync.attach(hosted.id) as studio:
        assert studio.people[0].name != "script"
        studio.job("long").stop()
        studio.job("long").remove()


def interrupted(script: str, hosted: Hosted) -> tuple[str, str, int]:
    """Run a script, and press Ctrl-C when it waits."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", script, hosted.id],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "STUDIO_HOME": str(hosted.home)},
    )  # fmt: skip
    assert process.stdout is not None
    first = process.stdout.readline()
    # What comes after the line is in the same moment: give it the time to begin.
    threading.Event().wait(0.2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    return first + out, err, process.returncode
