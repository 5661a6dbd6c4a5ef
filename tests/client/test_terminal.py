"""A shared terminal: a real shell that everybody sees, and one seat to type from."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from studio_tui.client.terminal import PIECE, SharedTerminal
from studio_tui.errors import NotFound, Refused, StudioError, UsageFault
from studio_tui.terminal.screen import ALL

if TYPE_CHECKING:
    from .conftest import Hosted, Soon, Stage


async def test_a_terminal_from_the_first_key_to_the_end(hosted: Hosted, soon: Soon) -> None:
    async with hosted.attach("ana") as ana, hosted.attach("bob") as bob:
        hers = await ana.terminal(command=["sh"], cols=60, rows=8, title="work")
        his = await bob.terminal(hers.id)
        assert (hers.title, hers.driver) == ("work", "ana")

        await hers.type("echo $((6 * 7)) is the answer\n")
        await his.until("42 is the answer")
        assert any(row == "42 is the answer" for row in his.screen)
        assert his.cursor[1] > 0
        assert not his.driving
        with pytest.raises(Refused, match="ana drives"):
            await his.type("x")

        await his.take()
        assert (his.driver, his.driving) == ("bob", True)
        await soon(ana, lambda: hers.driver == "bob")
        with pytest.raises(Refused, match="bob drives"):
            await hers.press("enter")
        await his.hand_over("ana")
        await soon(ana, lambda: hers.driving)

        await hers.resize(70, 9)
        await soon(bob, lambda: (his.view.cols, len(his.screen)) == (70, 9))
        await hers.type("printf '\\033]0;a title\\007'; seq 1 30\n")
        await his.until("30")
        await soon(bob, lambda: his.view.title == "a title")
        assert his.title == "work"  # a name that somebody gave it stays
        rows = await his.history(0, 1000)
        assert [row for row in rows if row.isdigit()] == [str(n) for n in range(1, 31)]

        await hers.paste("echo pasted")
        await hers.press("enter")
        await his.until("pasted")
        await hers.close()
        await soon(bob, lambda: his.closed)
        with pytest.raises(NotFound, match="was closed"):
            await his.type("x")
        assert his.room.name not in bob.session.rooms


async def test_the_seat_of_somebody_who_leaves_is_free(hosted: Hosted, soon: Soon) -> None:
    async with hosted.attach("ana") as ana:
        async with hosted.attach("bob") as bob:
            his = await bob.terminal(command=["cat"])
            hers = await ana.terminal(his.id)
            assert hers.driver == "bob"
        await soon(ana, lambda: hers.driver is None)
        await hers.type("typing takes it\n")
        await hers.until("typing takes it")
        assert hers.driver == "ana"
        await hers.close()


async def test_much_is_typed_in_pieces_and_too_much_is_not_pasted(hosted: Hosted) -> None:
    async with hosted.attach() as studio:
        size = 2 * PIECE + 10
        counting = f"stty raw -echo; echo ready; head -c {size} | wc -c"
        term = await studio.terminal(command=["sh", "-c", counting])
        await term.until("ready")
        with pytest.raises(StudioError, match="too many to paste"):
            await term.paste("x" * (PIECE + 1))
        await term.type("x" * size)
        await term.until(str(size))
        await term.close()


async def test_a_program_that_has_ended_takes_no_input(hosted: Hosted, soon: Soon) -> None:
    async with hosted.attach() as studio:
        term = await studio.terminal(command=["sh", "-c", "exit 3"])
        await soon(studio, lambda: term.entry.state == "exited")
        assert term.entry.exit_code == 3
        with pytest.raises(StudioError, match="has ended"):
            await term.type("x")
        await term.close()


async def test_a_size_that_no_terminal_has_is_refused(hosted: Hosted) -> None:
    async with hosted.attach() as studio:
        term = await studio.terminal(command=["cat"])
        with pytest.raises(UsageFault, match="cols"):
            await term.resize(0, 24)
        await term.close()


async def test_what_does_not_appear_is_an_error_that_shows_the_last_line(hosted: Hosted) -> None:
    async with hosted.attach() as studio:
        term = await studio.terminal(command=["sh", "-c", "echo here I am; cat"])
        await term.until("here I am")
        with pytest.raises(StudioError, match="'nowhere' did not appear") as caught:
            await term.until("nowhere", timeout=0.1)
        assert "here I am" in caught.value.hint
        await term.close()


async def played(stage: Stage, role: str = "owner", **fields: object) -> SharedTerminal:
    """A terminal of the played host, as somebody with this role sees it."""
    stage.host.terminal("t1", **fields)
    return await (await stage.attach(role=role)).terminal("t1")


async def test_a_terminal_is_one_object_however_often_it_is_asked_for(stage: Stage) -> None:
    stage.host.terminal("t1")
    studio = await stage.attach()
    first, second = await asyncio.gather(studio.terminal("t1"), studio.terminal("t1"))
    assert first is second


async def test_an_unknown_terminal(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio_tui.client.attachment.LISTED_SECONDS", 0.1)
    studio = await stage.attach()
    with pytest.raises(NotFound, match="no terminal nope"):
        await studio.terminal("nope")


async def test_a_viewer_may_not_type(stage: Stage) -> None:
    term = await played(stage, role="viewer")
    assert not term.driving
    with pytest.raises(Refused, match="viewer"):
        await term.type("x")


async def test_nothing_is_typed_into_the_void(stage: Stage, soon: Soon) -> None:
    term = await played(stage)
    await stage.lose_host()
    await soon(term.studio, lambda: not term.studio.host_here)
    with pytest.raises(NotFound, match="would be lost"):
        await term.type("x")


async def test_a_seat_that_somebody_else_took_at_the_same_moment(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio_tui.client.terminal.SEAT_SECONDS", 0.1)
    term = await played(stage, driver="bob", driver_connection=999)
    stage.host.answers["terminals.take"] = lambda _: {}
    with pytest.raises(Refused, match="bob took the seat"):
        await term.take()


async def test_waiting_for_text_ends_when_the_terminal_is_closed(stage: Stage) -> None:
    term = await played(stage)
    waiting = asyncio.create_task(term.until("never"))
    await asyncio.sleep(0)
    stage.host.document.terminals.remove("t1")
    with pytest.raises(NotFound, match="closed before 'never'"):
        await waiting


async def test_frames_that_are_none_leave_an_empty_screen(stage: Stage, soon: Soon) -> None:
    term = await played(stage)
    seen: list[object] = []
    stop = term.observe(seen.append)
    room = await stage.host.session.join(term.room.name)
    frames = room.replica.doc.get("frames", type=_array())
    frames.append(b"\xff" * 20)
    await soon(term.studio, lambda: bool(seen))
    assert (seen, term.screen) == ([ALL], [])
    stop()
    stop()
    frames.append(b"again")
    await term.studio.session.join(term.room.name)
    assert seen == [ALL]


def _array() -> type:
    from pycrdt import Array

    return Array
