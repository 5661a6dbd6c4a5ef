"""The search where the log lies, with the machine's own grep."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio_tui.errors import StudioError
from studio_tui.jobs.find import find, search
from studio_tui.jobs.launch import Supervisor
from studio_tui.machines.local import LocalConnection

LOG = b"One\ntwo \xff\x00 binary\nthree one\n\x1b[31mfour\x1b[0m\r50%\r100%\nlast one"


@pytest.fixture
def supervisor(tmp_path: Path) -> Supervisor:
    connection = LocalConnection(tmp_path)
    folder = Path(connection.root) / "jobs" / "j1"
    folder.mkdir(parents=True)
    (folder / "log").write_bytes(LOG)
    return Supervisor(connection, "nowhere")


async def test_lines_are_found_by_their_start(supervisor: Supervisor) -> None:
    third, last = LOG.index(b"three"), LOG.index(b"last")
    assert await find(supervisor, "j1", "one", 0) == 0
    assert await find(supervisor, "j1", "One", 1) is None
    assert await find(supervisor, "j1", "one", 4) == third
    assert await find(supervisor, "j1", "one", LOG.index(b"\x1b")) == last
    assert await find(supervisor, "j1", "one", len(LOG)) is None
    assert await find(supervisor, "j1", "one", last, back=True) == third
    assert await find(supervisor, "j1", "one", 0, back=True) is None
    assert await find(supervisor, "j1", "binary", 0) == 4
    assert await find(supervisor, "j1", "100%", 0) == LOG.index(b"\x1b[31m")
    assert await find(supervisor, "j1", "--help", 0) is None


async def test_a_log_that_cannot_be_read_is_no_empty_one(supervisor: Supervisor) -> None:
    with pytest.raises(StudioError, match="cannot be searched"):
        await find(supervisor, "j2", "one", 0)


@pytest.mark.parametrize("piece", [1, 3, 8, 1000])
async def test_what_is_read_is_searched_as_what_lies_there(
    supervisor: Supervisor, piece: int
) -> None:
    async def read(offset: int, length: int) -> tuple[bytes, int]:
        return LOG[offset : offset + length], len(LOG)

    starts = [0, *(at + 1 for at, byte in enumerate(LOG) if byte == 10), len(LOG)]
    for text in ("one", "One", "binary", "100%", "last", "no such"):
        for offset in starts:
            for back in (False, True):
                found = await search(read, text, offset, back=back, piece=piece)
                expected = await find(supervisor, "j1", text, offset, back=back)
                assert found == expected, (text, offset, back)


@pytest.mark.parametrize("piece", [1, 7, 64, 1000])
async def test_reading_all_of_it_finds_the_same(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    monkeypatch.setattr("studio_tui.jobs.find.PIECE", piece)

    async def read(offset: int, length: int) -> tuple[bytes, int]:
        return LOG[offset : offset + length], len(LOG)

    starts = [0, *(at + 1 for at, byte in enumerate(LOG) if byte == 10), len(LOG)]
    for text in ("one", "One", "binary", "100%", "--help", "o"):
        for offset in starts:
            for back in (False, True):
                expected = await find(supervisor, "j1", text, offset, back=back)
                assert await search(read, text, offset, back=back) == expected, (text, offset, back)


@pytest.mark.parametrize("piece", [1, 7, 1000])
async def test_a_log_whose_beginning_is_kept_no_more(piece: int) -> None:
    lowest = LOG.index(b"three")

    async def read(offset: int, length: int) -> tuple[bytes, int]:
        assert offset >= lowest
        return LOG[offset : offset + length], len(LOG)

    async def found(text: str, offset: int, *, back: bool = False) -> int | None:
        return await search(read, text, offset, back=back, piece=piece, lowest=lowest)

    last = LOG.index(b"last")
    assert await found("one", 0) == lowest
    assert await found("one", last, back=True) == lowest
    assert await found("One", last, back=True) is None
    assert await found("one", lowest, back=True) is None
    assert await found("one", 2, back=True) is None
