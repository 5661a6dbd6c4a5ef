"""What the palette finds."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from textual.command import Provider

from studio_tui.app import palette
from studio_tui.app.widgets.job_list import JobList


@pytest.fixture
async def pilot(studio: Any, open_app: Any, fill: Any) -> Any:
    async with open_app(studio) as opened:
        await fill(opened, studio)
        yield opened


async def found(provider: Provider, query: str = "") -> list[tuple[str, str]]:
    hits = provider.search(query) if query else provider.discover()
    return [(str(hit.text), hit.help or "") async for hit in hits]


async def test_commands_that_are_possible_with_their_keys(pilot: Any) -> None:
    everything = await found(palette.Actions(pilot.app.workspace))
    assert ("run", "Run a script as a job · ^R") in everything
    assert "take the keyboard" not in [title for title, _ in everything]


async def test_files_come_from_the_host(pilot: Any) -> None:
    files = palette.Files(pilot.app.workspace)
    assert await found(files) == [("train.py", "open here")]
    assert [path for path, _ in await found(files, "model")] == [
        "src/model.py",
        "tests/test_model.py",
    ]


async def test_all_files_are_listed_before_anything_is_typed(pilot: Any, studio: Any) -> None:
    files = palette.AllFiles(pilot.app.workspace)
    listed = await found(files)
    assert listed[0] == ("train.py", "open here")
    assert sorted(path for path, _ in listed) == sorted(studio.files)
    studio.offline("the relay is gone")
    assert await found(files) == [
        ("train.py", "open here"),
        ("! offline: the relay is gone", "it reconnects by itself; try again then"),
    ]


async def test_offline_the_reason_stands_where_files_would(pilot: Any, studio: Any) -> None:
    studio.offline("the relay is gone")
    assert await found(palette.Files(pilot.app.workspace), "x") == [
        ("! offline: the relay is gone", "it reconnects by itself; try again then")
    ]


async def test_terminals_and_people(pilot: Any) -> None:
    workspace = pilot.app.workspace
    assert await found(palette.Terminals(workspace)) == [("terminal bash", "bob types")]
    assert await found(palette.PeopleHere(workspace)) == [
        ("bob (editor)", "Go to what they look at: train.py:14"),
        ("follow bob", "Until your next key: train.py:14"),
    ]


async def test_foreign_names_are_no_markup(pilot: Any, studio: Any) -> None:
    studio.arrive(2, "[@click=app.leave]", path="[red]")
    (title, about), _ = await found(palette.PeopleHere(pilot.app.workspace))
    assert title == "[@click=app.leave] (editor)"
    assert about.endswith(r"\[red]")


async def test_everything_in_its_order(pilot: Any) -> None:
    titles = [title for title, _ in await found(palette.Everything(pilot.app.workspace))]
    assert titles[0] == "open"
    assert titles[-4:] == ["train.py", "terminal bash", "bob (editor)", "follow bob"]


async def test_themes(pilot: Any) -> None:
    titles = [title for title, _ in await found(palette.Themes(pilot.app.workspace))]
    assert {"theme studio-dark", "theme studio-light", "theme nord"} <= set(titles)


async def test_choosing_a_file_opens_it(pilot: Any, settle: Any) -> None:
    await pilot.press("ctrl+o", *"model", "enter")
    await settle(pilot)
    await settle(pilot)
    assert pilot.app.workspace.work_pane.path == "src/model.py"


async def test_enter_waits_for_what_was_typed_last(pilot: Any, settle: Any, studio: Any) -> None:
    asked, answer = asyncio.Event(), asyncio.Event()
    query = studio.query

    async def slow(method: str, **params: Any) -> Any:
        if params.get("query") == "loader":
            asked.set()
            await answer.wait()
        return await query(method, **params)

    studio.query = slow
    await pilot.press("ctrl+o", *"model")
    await settle(pilot)
    await pilot.press(*["backspace"] * 5, *"loader", "enter")
    await asked.wait()
    await pilot.pause()
    assert isinstance(pilot.app.screen, palette.Palette)
    answer.set()
    while isinstance(pilot.app.screen, palette.Palette):
        await pilot.pause()
    await settle(pilot)
    assert pilot.app.workspace.work_pane.path == "src/data/loader.py"


async def test_who_types_on_after_enter_has_changed_their_mind(pilot: Any, studio: Any) -> None:
    answer = asyncio.Event()
    query = studio.query

    async def slow(method: str, **params: Any) -> Any:
        await answer.wait()
        return await query(method, **params)

    studio.query = slow
    await pilot.press("ctrl+o", *"mo", "enter", "d")
    answer.set()
    await pilot.app.workers.wait_for_complete(
        [worker for worker in pilot.app.workers if worker.node is pilot.app.screen]
    )
    await pilot.pause()
    assert isinstance(pilot.app.screen, palette.Palette)


async def test_what_can_be_done_with_a_job_is_found_from_anywhere(
    pilot: Any, settle: Any, text_of: Any
) -> None:
    offered = await found(palette.OfJobs(pilot.app.workspace))
    assert ("job: stop char-gpt", "Ask, and end it for everybody") in offered
    assert "job: stop baseline" not in [title for title, _ in offered]
    assert [title for title, _ in offered if "compare" in title] == [
        "job: compare curves", "job: compare figures",
    ]  # fmt: skip
    pilot.app.workspace.side_pane.query_one(JobList).choose("j0")
    await pilot.press("ctrl+p", *"job: stop", "enter")
    while "stop char-gpt?" not in text_of(pilot):
        await pilot.pause()
    pilot.app.screen.dismiss(False)
    await settle(pilot)
    assert await found(palette.Actions(pilot.app.workspace), "invite") == [
        ("share an invite", "Let somebody into the studio · alt+i")
    ]
