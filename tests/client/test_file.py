"""An open file: edits by code point, what becomes of them, and who may make them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from relay_server.serve import Relay, serve
from relay_server.settings import RelaySettings
from studio_tui.client.file import TEXT_CAP, SharedFile
from studio_tui.client.studio import Studio
from studio_tui.document.entries import FileEntry
from studio_tui.document.text import SharedText
from studio_tui.errors import Refused, StudioError, UsageFault
from studio_tui.sync.link import Endpoint

if TYPE_CHECKING:
    from .conftest import Soon, Stage

TEXT = "héllo 🎉\nwörld\n"


async def opened(stage: Stage, text: str = TEXT, role: str = "owner") -> SharedFile:
    """A file with this text, as somebody with this role has it open."""
    await stage.host.opens("train.py", text)
    return await (await stage.attach(role=role)).file("train.py")


async def test_positions_are_code_points(stage: Stage) -> None:
    text = await opened(stage)
    await text.insert(6, "¡")
    await text.delete(0, 1)
    await text.replace(0, 1, "É👩‍🔬")
    assert str(text) == "É👩‍🔬llo ¡🎉\nwörld\n"
    await text.saved()
    assert text.room.unsaved == 0


async def test_everybody_has_the_same_text(stage: Stage, soon: Soon) -> None:
    await stage.host.opens("train.py", TEXT)
    ana, bob = await stage.attach("ana"), await stage.attach("bob")
    hers, his = await ana.file("train.py"), await bob.file("train.py")
    await asyncio.gather(hers.insert(0, "# ana\n"), his.insert(len(TEXT), "# bob\n"))
    for studio, text in ((ana, hers), (bob, his)):
        await soon(studio, lambda text=text: str(text) == f"# ana\n{TEXT}# bob\n")


@pytest.mark.parametrize(("start", "end"), [(-1, 0), (0, 99), (3, 2), (99, 99)])
async def test_a_position_outside_of_the_text_changes_nothing(
    stage: Stage, start: int, end: int
) -> None:
    text = await opened(stage)
    with pytest.raises(ValueError, match="outside|ends|order"):
        await text.replace(start, end, "x")
    assert (str(text), text.room.unsaved) == (TEXT, 0)


async def test_a_whole_text_is_written_by_the_lines_that_differ(stage: Stage) -> None:
    text = await opened(stage, "a\nb\nc\n")
    anchor = text.text.anchor(4)
    await text.write("a\nnew\nb\nc\n")
    assert str(text) == "a\nnew\nb\nc\n"
    assert text.text.resolve(anchor) == 8


async def test_a_viewer_may_not_edit(stage: Stage) -> None:
    text = await opened(stage, role="viewer")
    with pytest.raises(Refused, match="viewer"):
        await text.insert(0, "x")
    assert str(text) == TEXT
    await text.saved()


async def test_a_text_larger_than_a_message_is_refused_and_the_studio_goes_on(
    stage: Stage, soon: Soon
) -> None:
    text = await opened(stage, "12345")
    for edit in (text.insert(0, "é" * (TEXT_CAP // 2)), text.write("x" * (TEXT_CAP + 1))):
        with pytest.raises(StudioError, match="768 KiB"):
            await edit
    assert str(text) == "12345"
    await text.replace(0, 5, "x" * TEXT_CAP)
    await text.saved()
    assert text.studio.state == "live"


async def test_flush_asks_the_host_once_it_has_the_edits(stage: Stage) -> None:
    text = await opened(stage, "")
    hosts = SharedText(stage.host.session.room(text.room.name).replica.doc)
    seen: list[str] = []

    def save(_: dict[str, object]) -> dict[str, object]:
        seen.append(str(hosts))
        return {}

    stage.host.answers["files.save"] = save
    await text.insert(0, "as it is now")
    await text.flush()
    assert stage.host.asked("files.save") == [{"file": "f1"}]
    assert seen == ["as it is now"]


async def test_flush_raises_what_the_host_says(stage: Stage) -> None:
    text = await opened(stage)
    stage.host.answers["files.save"] = lambda _: UsageFault("the disk is full", "delete something")
    with pytest.raises(UsageFault, match="disk is full") as caught:
        await text.flush()
    assert caught.value.hint == "delete something"


async def test_the_mark_tells_where_the_text_is(stage: Stage, soon: Soon) -> None:
    text = await opened(stage)
    studio = text.studio
    assert text.mark == "✓"
    await text.insert(0, "x")
    assert text.mark == "●"
    await text.saved()
    assert text.mark == "✓"
    for state, mark in (("unsaved", "●"), ("unsavable", "!"), ("missing", "!"), ("saved", "✓")):
        stage.host.document.files.put(FileEntry("f1", "train.py", text.room.name, state))
        await soon(studio, lambda state=state: text.entry.state == state)
        assert text.mark == mark


async def test_no_text_is_saved_that_a_host_that_is_away_has_not_seen(
    stage: Stage, soon: Soon
) -> None:
    await stage.host.opens("train.py", TEXT)
    ana, bob = await stage.attach("ana"), await stage.attach("bob")
    hers, his = await ana.file("train.py"), await bob.file("train.py")
    entry = FileEntry("f1", "train.py", hers.room.name, "saved", digest=hers.text.digest)
    stage.host.document.files.put(entry)
    await soon(bob, lambda: his.entry == entry and his.mark == "✓")
    heard: list[str] = []
    bob.observe(heard.append)
    await stage.lose_host()
    await soon(ana, lambda: not ana.host_here)
    await hers.insert(0, "x")
    await hers.saved()
    assert hers.mark == "●"
    await soon(bob, lambda: his.mark == "●")
    assert "saved" in heard
    async with stage.studio("cy") as cy:
        assert (await cy.file("train.py")).mark == "●"
    await hers.delete(0, 1)
    await soon(bob, lambda: his.mark == "✓")


async def test_leaving_a_file_leaves_its_room_and_asking_again_joins_it(stage: Stage) -> None:
    text = await opened(stage)
    studio = text.studio
    await text.insert(0, "kept ")
    await text.leave()
    assert text.room.name not in studio.session.rooms
    again = await studio.file("train.py")
    assert again is not text
    assert str(again) == f"kept {TEXT}"


async def test_a_file_that_is_not_listed_any_more_still_has_its_path(
    stage: Stage, soon: Soon
) -> None:
    text = await opened(stage)
    stage.host.document.files.remove("f1")
    await soon(text.studio, lambda: "f1" not in text.studio.document.files)
    assert text.entry.path == "train.py"


def found(relay: Relay) -> Studio:
    """A studio on this relay, nobody hosting it."""
    endpoint = Endpoint(relay.url, relay.keys.mint(room="calm-otter", role="owner"))

    async def locate() -> Endpoint:
        return endpoint

    return Studio("calm-otter", locate)


async def joined(studio: Studio) -> SharedFile:
    """A file's text, without a host that opens it."""
    room = await studio.session.join("calm-otter/file/f1@1")
    return SharedFile(studio, "f1", "train.py", room)


async def test_what_is_typed_while_the_relay_is_away_reaches_it_later(tmp_path: Path) -> None:
    settings = {"store": f"sqlite:///{tmp_path}/relay.db", "key_path": tmp_path / "key"}
    async with serve(RelaySettings(port=0, **settings)) as relay:
        port = relay.port
        studio = found(relay)
        await studio.__aenter__()
        text = await joined(studio)
        await text.insert(0, "before ")
        await text.saved()
    async with asyncio.timeout(15):
        await studio.until(lambda: studio.state == "offline")
    await text.insert(7, "meanwhile")
    assert text.mark == "●"
    saving = asyncio.create_task(text.saved())
    async with serve(RelaySettings(port=port, **settings)) as relay:
        async with asyncio.timeout(15):
            await saving
        async with found(relay) as other:
            assert str(await joined(other)) == "before meanwhile"
        await studio.__aexit__(None, None, None)


async def test_a_relay_without_a_disk_cannot_make_an_edit_durable() -> None:
    async with serve(RelaySettings(port=0)) as relay, found(relay) as studio:
        text = await joined(studio)
        await text.insert(0, "x")
        with pytest.raises(StudioError, match="in memory"):
            await text.saved()
        assert text.mark == "●"
