"""The SQLite journal keeps what it acknowledged, whatever happens to its process or its disk."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from relay_server.errors import StoreFailed
from relay_server.journal import Row
from relay_server.journal.sqlite import HURRY, SqliteJournal, _Write, connect, read_rows
from relay_server.wire import Level

ROOT = Path(__file__).parents[3]
WRITER = """
import asyncio, sys
from pathlib import Path
from relay_server.journal.sqlite import SqliteJournal

class Out:
    def durable(self, room, ticket):
        print(ticket, flush=True)
    def failed(self, room, ticket):
        pass

async def main():
    journal = SqliteJournal(Path(sys.argv[1]))
    await journal.open(Out())
    for ticket in range(1, 1_000_000):
        journal.append("room", ticket, b"update %d" % ticket)
        if ticket % 50 == 0:
            journal.snapshot("room", b"STATE %d" % ticket)
        await asyncio.sleep(0.0005)

asyncio.run(main())
"""


class Told:
    """Keeps what a journal says, and waits for it."""

    def __init__(self) -> None:
        self.last: dict[str, int] = {}
        self.failures = 0
        self.changed = asyncio.Event()

    def durable(self, room: str, ticket: int) -> None:
        self.last[room] = ticket
        self.changed.set()

    def failed(self, room: str, ticket: int) -> None:
        self.failures += 1
        self.changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


async def opened(path: Path) -> tuple[SqliteJournal, Told]:
    journal, told = SqliteJournal(path), Told()
    await journal.open(told)
    return journal, told


async def test_what_is_durable_is_there_after_a_restart(tmp_path: Path) -> None:
    journal, told = await opened(tmp_path / "j.db")
    assert journal.level is Level.DISK
    for ticket in range(1, 101):
        journal.append("a", ticket, b"update %d" % ticket)
    journal.append("b", 101, b"other")
    await told.until(lambda: told.last == {"a": 100, "b": 101})
    assert journal.backlog == 0
    await journal.close()
    journal, _ = await opened(tmp_path / "j.db")
    rows = await journal.load("a")
    assert [row.seq for row in rows] == list(range(1, 101))
    assert rows[-1].update == b"update 100"
    assert await journal.load("b") == (Row(1, b"other"),)
    await journal.close()


def commits_of(
    journal: SqliteJournal,
    monkeypatch: pytest.MonkeyPatch,
    before: Callable[[], object] = lambda: None,
) -> list[int]:
    """The sizes of a journal's commits from here on; `before` is called in its thread."""
    sizes: list[int] = []
    commit = journal._commit

    def counted(writes: list[_Write]) -> None:
        sizes.append(len(writes))
        before()
        commit(writes)

    monkeypatch.setattr(journal, "_commit", counted)
    return sizes


async def test_what_comes_during_a_commit_is_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, told = await opened(tmp_path / "j.db")
    started, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        started.set()
        go_on.wait(10)

    sizes = commits_of(journal, monkeypatch, hold)
    journal.append("a", 1, b"alone")
    assert await asyncio.to_thread(started.wait, 10)
    for ticket in range(2, 202):
        journal.append("a", ticket, b"one of many")
    go_on.set()
    await told.until(lambda: told.last == {"a": 201})
    assert sizes == [1, 200]
    await journal.close()


async def test_one_that_waits_for_each_acknowledgement_never_waits_for_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relay_server.journal.sqlite.PACE", 3600)
    journal, told = await opened(tmp_path / "j.db")
    sizes = commits_of(journal, monkeypatch)
    for ticket in range(1, 21):
        journal.append("a", ticket, b"one")
        await told.until(lambda ticket=ticket: told.last == {"a": ticket})  # type: ignore[misc]
    assert sizes == [1] * 20
    await journal.close()


async def test_what_nobody_awaits_waits_for_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relay_server.journal.sqlite.PACE", 3600)
    journal, told = await opened(tmp_path / "j.db")
    sizes = commits_of(journal, monkeypatch)
    journal.append("a", 1, b"one", awaited=False)
    journal.append("b", 2, b"two", awaited=False)
    await asyncio.sleep(0)
    journal.append("a", 3, b"three")
    await told.until(lambda: told.last == {"a": 3, "b": 2})
    assert sizes == [3]
    journal.append("a", 4, bytes(HURRY + 1), awaited=False)
    await told.until(lambda: told.last == {"a": 4, "b": 2})
    journal.append("b", 5, b"last", awaited=False)
    await journal.close()
    assert told.last == {"a": 4, "b": 5}
    assert sizes == [3, 1, 1]


async def test_what_nobody_awaits_is_committed_in_the_end(tmp_path: Path) -> None:
    journal, told = await opened(tmp_path / "j.db")
    journal.append("a", 1, b"one", awaited=False)
    await told.until(lambda: told.last == {"a": 1})
    await journal.close()


async def test_closing_writes_what_waits(tmp_path: Path) -> None:
    journal, told = await opened(tmp_path / "j.db")
    journal.append("a", 1, b"x")
    await journal.close()
    assert told.last == {"a": 1}
    assert (tmp_path / "j.db").stat().st_mode & 0o777 == 0o600


async def test_what_still_waits_is_loaded_too(tmp_path: Path) -> None:
    journal, _ = await opened(tmp_path / "j.db")
    journal.append("a", 1, b"one")
    journal.append("b", 2, b"other")
    rows = await journal.load("a")
    assert {row.update for row in rows} == {b"one"}
    await journal.close()


async def test_a_snapshot_replaces_what_was_before_it(tmp_path: Path) -> None:
    journal, told = await opened(tmp_path / "j.db")
    journal.append("a", 1, b"one")
    journal.snapshot("a", b"STATE")
    journal.append("a", 2, b"two")
    journal.append("b", 3, b"other")
    await told.until(lambda: told.last.get("b") == 3)
    assert await journal.load("a") == (Row(0, b"STATE"), Row(2, b"two"))
    await journal.close()
    journal, told = await opened(tmp_path / "j.db")
    journal.append("a", 4, b"three")
    await told.until(lambda: told.last.get("a") == 4)
    assert await journal.load("a") == (Row(0, b"STATE"), Row(2, b"two"), Row(3, b"three"))
    await journal.close()


async def test_numbers_go_on_after_everything_was_replaced(tmp_path: Path) -> None:
    journal, _ = await opened(tmp_path / "j.db")
    journal.append("a", 1, b"one")
    journal.snapshot("a", b"STATE")
    await journal.close()
    journal, _ = await opened(tmp_path / "j.db")
    journal.append("a", 1, b"two")
    await journal.close()
    db = connect(tmp_path / "j.db")
    assert read_rows(db, "a") == [Row(0, b"STATE"), Row(2, b"two")]
    db.close()


async def test_a_full_disk_stops_the_acknowledgements_and_loses_nothing(tmp_path: Path) -> None:
    journal, told = await opened(tmp_path / "j.db")
    db = journal._db
    assert db is not None
    pages = db.execute("PRAGMA page_count").fetchone()[0]
    db.execute(f"PRAGMA max_page_count={pages + 1}")
    for ticket in range(1, 11):
        journal.append("a", ticket, bytes(4096))
    await told.until(lambda: told.failures > 1)
    assert journal.failing
    assert "a" not in told.last
    assert journal.backlog == 10 * 4096
    assert len(await journal.load("a")) == 10
    db.execute("PRAGMA max_page_count=100000")
    await told.until(lambda: told.last.get("a") == 10)
    assert not journal.failing
    assert [row.seq for row in await journal.load("a")] == list(range(1, 11))
    await journal.close()


async def test_what_cannot_be_written_at_the_end_is_told(tmp_path: Path) -> None:
    journal, told = await opened(tmp_path / "j.db")
    db = journal._db
    assert db is not None
    pages = db.execute("PRAGMA page_count").fetchone()[0]
    db.execute(f"PRAGMA max_page_count={pages}")
    journal.append("a", 1, bytes(100_000))
    with pytest.raises(StoreFailed, match="full"):
        await journal.close()
    assert told.last == {}


async def test_bad_rows_are_set_aside(tmp_path: Path) -> None:
    journal, told = await opened(tmp_path / "j.db")
    journal.append("a", 1, b"STATE")
    journal.snapshot("a", b"BAD STATE")
    journal.append("a", 2, b"bad")
    journal.append("a", 3, b"good")
    await told.until(lambda: told.last.get("a") == 3)
    await journal.quarantine("a", [Row(0, b"BAD STATE"), Row(2, b"bad")])
    assert await journal.load("a") == (Row(3, b"good"),)
    await journal.close()
    db = sqlite3.connect(tmp_path / "j.db")
    aside = db.execute("SELECT room, seq, body FROM quarantine ORDER BY id").fetchall()
    assert aside == [("a", 0, b"BAD STATE"), ("a", 2, b"bad")]
    db.close()


async def test_one_relay_writes_a_file(tmp_path: Path) -> None:
    journal, _ = await opened(tmp_path / "j.db")
    second = SqliteJournal(tmp_path / "j.db")
    with pytest.raises(StoreFailed, match="in use"):
        await second.open(Told())
    await second.close()
    await journal.close()
    third, _ = await opened(tmp_path / "j.db")
    await third.close()


@pytest.mark.parametrize("path", ["no/such/folder/j.db", "folder", "text"])
async def test_a_file_that_cannot_be_is_refused(tmp_path: Path, path: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "text").write_text("this is no database, but a letter to somebody" * 50)
    journal = SqliteJournal(tmp_path / path)
    with pytest.raises(StoreFailed):
        await journal.open(Told())
    await journal.close()


@pytest.mark.parametrize("after", [3, 20, 45, 60, 120])
def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path, after: int) -> None:
    path = tmp_path / "j.db"
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    for line in writer.stdout:
        if int(line) >= after:
            break
    writer.kill()
    acknowledged = int((line + writer.stdout.read()).split()[-1])
    writer.stdout.close()
    writer.wait()
    db = connect(path)
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    rows = read_rows(db, "room")
    db.close()
    covered = 0
    if rows and rows[0].seq == 0:
        covered = int(rows.pop(0).update.split()[1])
    assert [row.update for row in rows] == [
        b"update %d" % n for n in range(covered + 1, covered + 1 + len(rows))
    ]
    assert covered + len(rows) >= acknowledged >= after


async def test_a_file_that_is_gone_takes_nothing_until_it_is_back(tmp_path: Path) -> None:
    journal, told = await opened(tmp_path / "j.db")
    journal.append("a", 1, b"first")
    await told.until(lambda: told.last == {"a": 1})
    (tmp_path / "j.db").rename(tmp_path / "away.db")
    journal.append("a", 2, b"second")
    await told.until(lambda: told.failures > 1)
    assert journal.failing
    assert told.last == {"a": 1}
    (tmp_path / "away.db").rename(tmp_path / "j.db")
    await told.until(lambda: told.last == {"a": 2})
    assert [row.update for row in await journal.load("a")] == [b"first", b"second"]
    await journal.close()


async def test_another_file_in_its_place_takes_nothing(tmp_path: Path) -> None:
    journal, told = await opened(tmp_path / "j.db")
    (tmp_path / "j.db").rename(tmp_path / "away.db")
    connect(tmp_path / "j.db").close()
    journal.append("a", 1, b"first")
    await told.until(lambda: told.failures > 1)
    (tmp_path / "away.db").rename(tmp_path / "j.db")  # its log is gone
    failures = told.failures
    await told.until(lambda: told.failures > failures + 1)
    assert told.last == {}
    with pytest.raises(StoreFailed, match="replaced"):
        await journal.close()
