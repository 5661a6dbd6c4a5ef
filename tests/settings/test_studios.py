"""The record of this user's studios, and one host per folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from studio_tui.errors import NotFound, StudioError
from studio_tui.settings import paths, studios
from studio_tui.settings.studios import HostLock, StudioRecord

HOLD = """
import sys
from pathlib import Path
from studio_tui.settings.studios import HostLock
with HostLock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "work"
    made.mkdir()
    return made


@pytest.fixture
def record(folder: Path) -> StudioRecord:
    return StudioRecord(
        id="calm-otter",
        name="work",
        dir=str(folder.resolve()),
        relay=None,
        url="ws://127.0.0.1:8484",
        token_path=str(folder / "token"),
        pid=os.getpid(),
        started=100.0,
    )


def test_a_record_comes_back_as_it_was_saved(record: StudioRecord) -> None:
    studios.save(record)
    assert studios.find("calm-otter") == record
    assert studios.records() == [record]


def test_the_last_started_comes_first(record: StudioRecord) -> None:
    newer = replace(record, id="bold-crow", started=200.0)
    studios.save(record)
    studios.save(newer)
    assert studios.records() == [newer, record]


def test_a_missing_studio_names_the_nearest(record: StudioRecord) -> None:
    with pytest.raises(NotFound, match="no studio 'calm-oter'") as caught:
        studios.find("calm-oter")
    assert "studio-tui ls" in caught.value.hint
    studios.save(record)
    with pytest.raises(NotFound) as caught:
        studios.find("calm-oter")
    assert caught.value.hint == "did you mean calm-otter?"


def test_a_name_given_for_an_id_finds_the_id_in_the_hint(record: StudioRecord) -> None:
    named = replace(record, name="churn")
    studios.save(named)
    studios.save(replace(named, id="bold-crow", started=200.0))
    for typed in ("churn", "chrun"):
        with pytest.raises(NotFound) as caught:
            studios.find(typed)
        assert caught.value.hint == "did you mean bold-crow?"


def test_an_id_cannot_leave_the_folder(record: StudioRecord) -> None:
    studios.save(record)
    with pytest.raises(NotFound):
        studios.find("../studios/calm-otter")


def test_a_folder_finds_its_studio_through_a_link(
    record: StudioRecord, folder: Path, tmp_path: Path
) -> None:
    assert studios.for_folder(folder) is None
    studios.save(record)
    (tmp_path / "link").symlink_to(folder)
    assert studios.for_folder(tmp_path / "link") == record


@pytest.mark.parametrize("content", ["{", '{"id": "calm-otter"}'])
def test_a_damaged_record_does_not_hide_the_others(record: StudioRecord, content: str) -> None:
    studios.save(record)
    (paths.studio_folder("bold-crow") / "studio.json").write_text(content)
    assert studios.records() == [record]


def test_the_token_is_read_from_its_file(record: StudioRecord) -> None:
    with pytest.raises(NotFound, match="the token of calm-otter") as caught:
        record.token()
    assert "studio-tui stop calm-otter" in caught.value.hint
    Path(record.token_path).write_text("secret\n")
    assert record.token() == "secret"


def test_a_folder_has_no_host_before_and_after_the_lock(folder: Path) -> None:
    assert studios.host_of(folder) is None
    with HostLock(folder):
        assert studios.host_of(folder) == os.getpid()
    assert studios.host_of(folder) is None


def test_a_studio_is_alive_while_its_own_host_holds_the_folder(
    record: StudioRecord, folder: Path
) -> None:
    assert not studios.alive(record)
    with HostLock(folder):
        assert studios.alive(record)
        assert not studios.alive(replace(record, pid=record.pid + 1))
    assert not studios.alive(record)
    assert not studios.alive(replace(record, pid=0))


def test_looking_at_the_lock_does_not_give_it_away(record: StudioRecord, folder: Path) -> None:
    with HostLock(folder):
        for _ in range(3):
            studios.alive(record)
        assert studios.host_of(folder) == os.getpid()


def test_a_second_host_is_refused_and_told_where_the_first_is(
    record: StudioRecord, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(studios, "ACQUIRE_SECONDS", 0.05)
    studios.save(record)
    with HostLock(folder):
        with pytest.raises(StudioError, match=f"process {os.getpid()}") as caught:
            HostLock(folder).__enter__()
        assert caught.value.hint == "studio-tui attach calm-otter"


def test_a_host_that_is_killed_gives_its_folder_back(folder: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"held\n"
        assert studios.host_of(folder) == process.pid
        process.send_signal(signal.SIGKILL)
    assert studios.host_of(folder) is None
    with HostLock(folder):
        assert studios.host_of(folder) == os.getpid()
