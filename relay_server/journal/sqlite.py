"""A journal in one SQLite file: WAL, synchronous=FULL, one writer thread, natural batching.

An update whose sender awaits the acknowledgement is committed at once, or as soon as the commit
under way returns, with all that came meanwhile. One that nobody awaits waits `PACE` for others: a
commit costs nearly as much for one row as for forty. Each room counts its rows with an integer,
never with a clock. A snapshot and the deletion of what it covers are one transaction. When a commit
fails, nothing in it is acknowledged; it is tried again until it succeeds.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, groupby
from typing import TYPE_CHECKING, Final, TypeVar

from relay_server.errors import StoreFailed
from relay_server.journal import Row
from relay_server.journal.history import Histories, new_history
from relay_server.wire import Level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from relay_server.journal import Listener

log = logging.getLogger(__name__)

T = TypeVar("T")

PACE: Final = 0.2  # seconds that what nobody awaits may wait
HURRY: Final = 256 << 10  # ... or bytes of it
RETRY: Final = 0.25  # seconds between two attempts of a failing commit
LAST_ATTEMPTS: Final = 4  # while closing

# The interpreter's lock is let go and taken again for each statement, so one takes many rows:
# short ones, for statements are kept, and keep what they were given last.
MOST: Final = 64
SHORT: Final = 16 << 10  # bytes of all rows of a statement
INSERTS: Final = ["INSERT INTO log VALUES" + ",".join(["(?,?,?)"] * n) for n in range(MOST + 1)]

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS log(
    room TEXT NOT NULL, seq INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY(room, seq)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS snapshot(
    room TEXT PRIMARY KEY, seq INTEGER NOT NULL, body BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS history(
    room TEXT PRIMARY KEY, id TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS quarantine(
    id INTEGER PRIMARY KEY, room TEXT NOT NULL, seq INTEGER NOT NULL, body BLOB NOT NULL
);
"""


@dataclass(slots=True)
class _Write:
    """One thing to do: an update with its ticket, or with ticket 0 a snapshot."""

    room: str
    ticket: int
    body: bytes


def connect(path: Path) -> sqlite3.Connection:
    """Opens the file, made with mode 0600, for one thread at a time.

    Raises:
        StoreFailed: it cannot be opened, or is no such file.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.executescript(SCHEMA)
    except (OSError, sqlite3.Error) as error:
        raise StoreFailed(
            f"store {path} cannot be opened: {error}",
            "its folder must exist and be writable; an absolute path is sqlite:////abs/path.db",
        ) from error
    return db


class SqliteJournal:
    """The journal of one relay. A second relay on the same file is refused.

    Args:
        path: the file; its folder must exist.
    """

    level = Level.DISK

    def __init__(self, path: Path) -> None:
        self.backlog = 0
        self.failing = False
        self.last_error = ""
        self._path = path
        self._queue: list[_Write] = []
        self._writing: list[_Write] = []
        self._wake = asyncio.Event()
        self._closing = False
        self._later: asyncio.TimerHandle | None = None  # wakes for what nobody awaits
        self._thread = ThreadPoolExecutor(1, "journal")
        self._last: dict[str, int] = {}  # room -> seq of its last row; the thread's own
        self._histories = Histories({})
        self._db: sqlite3.Connection | None = None
        self._file: os.stat_result  # of the file that was opened
        self._replaced = False
        self._task: asyncio.Task[None] | None = None
        self._listener: Listener | None = None
        self._lock: int | None = None

    async def open(self, listener: Listener) -> None:
        """See `Journal.open`."""
        self._listener = listener
        await self._in_thread(self._open)
        self._task = asyncio.create_task(self._run(), name="journal")

    def history(self, room: str) -> str:
        """See `Journal.history`."""
        return self._histories.of(room)

    async def close(self) -> None:
        """See `Journal.close`. Raises StoreFailed when something could not be written."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await self._task
        await self._in_thread(self._shut)
        self._thread.shutdown()
        if self._queue or self._writing:
            raise StoreFailed(
                f"store {self._path} could not be written: {self.last_error}",
                "clients keep what was not acknowledged and send it again",
            )

    def append(self, room: str, ticket: int, update: bytes, awaited: bool = True) -> None:
        """See `Journal.append`."""
        self._put(_Write(room, ticket, update), awaited)

    def snapshot(self, room: str, state: bytes) -> None:
        """See `Journal.snapshot`."""
        self._put(_Write(room, 0, state), awaited=False)

    async def load(self, room: str) -> Sequence[Row]:
        """See `Journal.load`."""
        before = (*self._writing, *self._queue)
        rows = await self._in_thread(lambda: self._read(room))
        # What is written meanwhile may be in both; it does no harm, an update applies once.
        waiting = {id(w): w.body for w in (*before, *self._writing, *self._queue) if w.room == room}
        after = rows[-1].seq if rows else 0
        return (*rows, *(Row(after + n, body) for n, body in enumerate(waiting.values(), 1)))

    async def quarantine(self, room: str, rows: Sequence[Row]) -> None:
        """See `Journal.quarantine`."""
        begun = new_history() if any(row.seq == 0 for row in rows) else ""
        await self._in_thread(lambda: self._set_aside(room, rows, begun))
        if begun:
            self._histories.begin(room, begun)

    # ------------------------------------------------------------ the loop's side

    def _put(self, write: _Write, awaited: bool) -> None:
        self._queue.append(write)
        self.backlog += len(write.body)
        if awaited or self.backlog > HURRY:
            self._wake.set()
        elif self._later is None:
            self._later = asyncio.get_running_loop().call_later(PACE, self._wake.set)

    async def _run(self) -> None:
        attempts = 0
        while self._queue or self._writing or not self._closing:
            await self._wake.wait()
            if not self._closing:
                self._wake.clear()
            if self._later is not None:
                self._later.cancel()
                self._later = None
            # What failed is tried again together with what came meanwhile.
            self._writing += self._queue
            self._queue = []
            if not self._writing:
                continue
            if await self._attempt():
                continue
            attempts += self._closing
            if attempts >= LAST_ATTEMPTS:
                return
            await asyncio.sleep(RETRY)
            self._wake.set()

    async def _attempt(self) -> bool:
        writes = self._writing
        try:
            await self._in_thread(lambda: self._commit(writes))
        except StoreFailed as error:
            if not self.failing:
                log.error("%s; nothing is acknowledged until it does not", error.message)
            self.failing = True
            self.last_error = error.message
            self._tell(writes, durable=False)
            return False
        if self.failing:
            log.warning("store %s is written again", self._path)
        self.failing = False
        self._writing = []
        self.backlog -= sum(len(write.body) for write in writes)
        self._tell(writes, durable=True)
        return True

    def _tell(self, writes: list[_Write], durable: bool) -> None:
        if self._listener is None:
            return
        tell = self._listener.durable if durable else self._listener.failed
        for room, ticket in {w.room: w.ticket for w in writes if w.ticket}.items():
            tell(room, ticket)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except sqlite3.Error as error:
            raise StoreFailed(
                f"store {self._path} failed: {error}", "look at its disk; it is tried again"
            ) from error

    # ------------------------------------------------------------ the thread's side

    @property
    def _open_db(self) -> sqlite3.Connection:
        assert self._db is not None
        return self._db

    def _open(self) -> None:
        self._lock = _lock(self._path)
        self._db = connect(self._path)
        self._file = os.stat(self._path)
        self._db.execute("INSERT OR IGNORE INTO history VALUES('', ?)", (new_history(),))
        self._histories = Histories(dict(self._db.execute("SELECT room, id FROM history")))

    def _shut(self) -> None:
        if self._db is not None:
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._db.close()
            self._db = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _commit(self, writes: list[_Write]) -> None:
        self._check_file()
        last: dict[str, int] = {}
        if (
            len(writes) <= MOST
            and all(write.ticket for write in writes)
            and sum(len(write.body) for write in writes) <= SHORT
        ):
            self._insert(self._rows(writes, last))  # one statement is a transaction of its own
        else:
            self._commit_all(writes, last)
        self._last.update(last)

    def _commit_all(self, writes: list[_Write], last: dict[str, int]) -> None:
        db = self._open_db
        db.execute("BEGIN IMMEDIATE")
        try:
            for updates, some in groupby(writes, lambda write: write.ticket > 0):
                if updates:
                    self._insert(self._rows(some, last))
                else:
                    for snapshot in some:
                        self._replace(snapshot, self._seq(snapshot.room, last))
            db.execute("COMMIT")
        except sqlite3.Error:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise

    def _check_file(self) -> None:
        """What is written to a file that was deleted or replaced is not there tomorrow."""
        try:
            # Whoever opened another file in its place has taken its log away; see SQLite's "-wal".
            self._replaced |= not os.path.samestat(os.stat(self._path), self._file)
        except OSError as error:
            raise sqlite3.OperationalError(error.strerror) from error
        if self._replaced:
            raise sqlite3.OperationalError("it was replaced by another file; restart the relay")

    def _insert(self, rows: list[tuple[str, int, bytes]]) -> None:
        for at in range(0, len(rows), MOST):
            some = rows[at : at + MOST]
            if sum(len(body) for _, _, body in some) <= SHORT:
                self._open_db.execute(INSERTS[len(some)], [*chain(*some)])
            else:
                self._open_db.executemany(INSERTS[1], some)

    def _rows(
        self, updates: Iterable[_Write], last: dict[str, int]
    ) -> list[tuple[str, int, bytes]]:
        rows = []
        for update in updates:
            seq = last[update.room] = self._seq(update.room, last) + 1
            rows.append((update.room, seq, update.body))
        return rows

    def _replace(self, write: _Write, seq: int) -> None:
        db = self._open_db
        db.execute("INSERT OR REPLACE INTO snapshot VALUES(?,?,?)", (write.room, seq, write.body))
        db.execute("DELETE FROM log WHERE room=? AND seq<=?", (write.room, seq))

    def _seq(self, room: str, last: dict[str, int]) -> int:
        seq = last.get(room, self._last.get(room))
        if seq is None:
            found = self._open_db.execute(
                "SELECT max(coalesce((SELECT max(seq) FROM log WHERE room=?), 0),"
                " coalesce((SELECT seq FROM snapshot WHERE room=?), 0),"
                " coalesce((SELECT max(seq) FROM quarantine WHERE room=?), 0))",
                (room, room, room),
            )
            seq = last[room] = int(found.fetchone()[0])
        return seq

    def _read(self, room: str) -> list[Row]:
        return list(read_rows(self._open_db, room))

    def _set_aside(self, room: str, rows: Sequence[Row], history: str) -> None:
        db = self._open_db
        db.execute("BEGIN IMMEDIATE")
        try:
            for row in rows:
                db.execute(
                    "INSERT INTO quarantine(room, seq, body) VALUES(?,?,?)",
                    (room, row.seq, row.update),
                )
                if row.seq:
                    where = "DELETE FROM log WHERE room=? AND body=?"
                else:
                    where = "DELETE FROM snapshot WHERE room=? AND body=?"
                db.execute(where, (room, row.update))
            if history:
                db.execute("INSERT OR REPLACE INTO history VALUES(?,?)", (room, history))
            db.execute("COMMIT")
        except sqlite3.Error:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise


def read_rows(db: sqlite3.Connection, room: str) -> list[Row]:
    """A room's snapshot (seq 0) and rows, in order."""
    snapshot = db.execute("SELECT body FROM snapshot WHERE room=?", (room,)).fetchone()
    log = db.execute("SELECT seq, body FROM log WHERE room=? ORDER BY seq", (room,))
    rows = [Row(0, snapshot[0])] if snapshot else []
    rows += [Row(seq, body) for seq, body in log]
    return rows


def _lock(path: Path) -> int:
    """Holds `PATH.lock` while the journal is open, so that one relay writes the file."""
    import fcntl

    try:
        lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreFailed(
            f"store {path} cannot be opened: {error}",
            "its folder must exist and be writable; an absolute path is sqlite:////abs/path.db",
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise StoreFailed(
            f"store {path} is in use by another relay", "stop that one, or give another --store"
        ) from None
    return lock
