"""A log from anywhere in it, and pins: with a real host, supervisor and grep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from studio_tui.client.joblog import LINE_CAP, STRETCH, Stretch, line_start
from studio_tui.errors import NotFound, UsageFault
from tests.client.conftest import Reply, Stage, stretch

if TYPE_CHECKING:
    from studio_tui.client.joblog import JobLog

    from .conftest import Hosted

LINES = 100_000
SAY = f"for n in range({LINES}): print('line', n, 'naïve' if n % 50_000 == 777 else '')\n"


async def test_a_long_log_is_read_from_both_ends_and_searched(hosted: Hosted) -> None:
    (hosted.folder / "say.py").write_text(SAY)
    async with hosted.attach() as studio:
        job = await studio.run("say.py")
        assert await job.wait() == 0
        whole = b"".join([chunk async for chunk in job.chunks()])
        log = job.log
        await read_back(log, whole)
        await searched(log, whole)
        made = log.pin(7, "line 1 " * 100, "why?")
        assert log.pins == [made]
        assert (len(made.line), made.by) == (LINE_CAP, "ana")
        async with hosted.attach("bob") as other:
            bobs = (await other.job(job.id)).log
            await other.until(lambda: bool(bobs.pins))
            assert bobs.pins == [made]
            bobs.unpin(made.id)
            with pytest.raises(NotFound):
                bobs.unpin(made.id)
            await studio.until(lambda: not log.pins)
        await pinned_by_its_words(log, whole)
        log.pin(0, "line 0")
        await job.remove()
        await studio.until(lambda: not studio.document.pins)


async def pinned_by_its_words(log: JobLog, whole: bytes) -> None:
    last = await log.pin_line("naïve", remark="so it is")
    assert (last.line, last.text) == ("line 50777 naïve", "so it is")
    assert whole[last.offset :].startswith("line 50777 naïve".encode())
    middle = await log.pin_line(None, last.offset + 5)
    assert (middle.offset, middle.line) == (last.offset, last.line)
    assert (await log.pin_line(None, 0)).line == "line 0 "
    for made in log.pins:
        log.unpin(made.id)
    for text, at in (("no such words", None), (None, len(whole)), (None, -1)):
        with pytest.raises(NotFound, match="there is no"):
            await log.pin_line(text, at)
    for text, at in ((None, None), ("line", 3), ("", None)):
        with pytest.raises(UsageFault, match="which line"):
            await log.pin_line(text, at)


async def read_back(log: JobLog, whole: bytes) -> None:
    last = await log.last()
    assert (last.end, last.size) == (len(whole), len(whole))
    assert last.offset > 0
    assert whole[last.offset - 1 : last.offset] == b"\n"
    pieces = [last]
    while pieces[0].offset > 0:
        pieces.insert(0, await log.before(pieces[0].offset))
    assert b"".join(piece.data for piece in pieces) == whole
    assert len(pieces) > 4
    first = await log.first()
    assert first == Stretch(0, whole[:STRETCH], len(whole))
    assert (await log.after(first.end)).data == whole[STRETCH : 2 * STRETCH]
    assert (await log.after(len(whole))).data == b""
    assert (await log.before(0)).data == b""


async def searched(log: JobLog, whole: bytes) -> None:
    expected = [whole.index(b"line 777 "), whole.index(b"line 50777 ")]
    assert await log.find("naïve", 0) == expected[0]
    assert await log.find("naïve", whole.index(b"line 778")) == expected[1]
    assert await log.find("naïve", len(whole), back=True) == expected[1]
    assert await log.find("naïve", expected[1], back=True) == expected[0]
    assert await log.find("NAÏVE", 0) is None
    assert await log.find("-e $(reboot) '", 0) is None
    assert await log.find("line 99999", 0) == whole.index(b"line 99999")
    assert await log.find("e 5\n", 0) is not None  # a pattern of two lines finds either
    around = await log.around(expected[1])
    assert around.offset < expected[1] < around.end
    assert whole[around.offset - 1 : around.offset] == b"\n"


@pytest.mark.parametrize(
    ("data", "start"),
    [(b"a\nb\nc", 2), (b"10%\r20%\r30%", 4), (b"no end", 0), (b"", 0), (b"\n", 1)],
)
def test_where_a_line_starts(data: bytes, start: int) -> None:
    assert line_start(data) == start


async def test_a_log_whose_beginning_is_kept_no_more(stage: Stage) -> None:
    log = bytearray(b"".join(b"line %d\n" % number for number in range(100_000)))
    kept = log.index(b"line 70000\n")
    stage.host.logs("j", log)

    def kept_alone(params: dict[str, Any]) -> Reply:
        return stretch(bytes(log), {**params, "offset": max(params["offset"], kept)})

    stage.host.answers["jobs.log"] = kept_alone
    studio = await stage.attach()
    job = await studio.job("j")
    assert b"".join([data async for data in job.chunks(follow=False)]) == log[kept:]
    pieces = [await job.log.last()]
    while pieces[0].data:
        pieces.insert(0, await job.log.before(pieces[0].offset))
    assert b"".join(piece.data for piece in pieces) == log[kept:]
    assert (await job.log.first()).offset == kept
    assert (await job.log.around(kept)).offset == kept
