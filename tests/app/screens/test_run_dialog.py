"""The form in front of a job."""

from __future__ import annotations

from typing import Any

import pytest
from textual.screen import ModalScreen
from textual.widgets import Input

from studio_tui.app.job_form import FIELDS, RunRequest
from studio_tui.app.safe_app import SafeApp
from studio_tui.app.screens.dialogs import Pick
from studio_tui.app.screens.run_dialog import RunDialog
from studio_tui.errors import NotFound, StudioError, UsageFault


class Start:
    """Starts what the form asks for, or raises."""

    def __init__(self, *problems: StudioError) -> None:
        self.problems = list(problems)
        self.asked: list[RunRequest] = []

    async def __call__(self, request: RunRequest) -> None:
        self.asked.append(request)
        if self.problems:
            raise self.problems.pop(0)


async def filled(dialog: RunDialog, *keys: str) -> list[RunRequest | None]:
    answers: list[RunRequest | None] = []
    app = SafeApp[None]()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(dialog, answers.append)
        await pilot.pause()
        await pilot.press(*keys)
        while isinstance(app.screen, RunDialog):
            await pilot.pause()
    return answers


async def test_enter_runs_what_is_open() -> None:
    start = Start()
    assert await filled(RunDialog("train.py", "local", start), "enter") == start.asked
    assert start.asked == [RunRequest("train.py")]


async def test_fields_are_reached_by_keys() -> None:
    start = Start()
    keys = ["down", *"-n 'a b'", "down", *"lr", "down", *"box1,box2", "down", "down", "2", "down"]
    keys += [*"bf16-mixed", "down", "down", *"2h", "enter"]
    options = {"devices": "2", "precision": "bf16-mixed", "max_runtime": "2h"}
    request = RunRequest("a.py", ["-n", "a b"], {"name": "lr", "machine": "box1,box2", **options})
    assert await filled(RunDialog("a.py", "", start), *keys) == [request]


async def test_the_last_request_comes_back() -> None:
    last = RunRequest("a.py", ["x y"], {"devices": "4", "secrets": ["A", "B"]})
    assert await filled(RunDialog("a.py", "", Start(), last), "enter") == [last]


async def test_escape_runs_nothing() -> None:
    start = Start()
    assert await filled(RunDialog("a.py", "", start), "escape") == [None]
    assert start.asked == []


async def test_every_field_is_explained_while_it_is_typed_into(text_of: Any) -> None:
    app = SafeApp[None]()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(RunDialog("a.py", "local", Start()))
        await pilot.pause()
        for field in FIELDS:
            assert isinstance(app.focused, Input)
            assert app.focused.id == field.name
            shown = " ".join(text_of(pilot).replace("│", " ").split())
            assert field.about in shown
            await pilot.press("down")
            await pilot.pause()


@pytest.mark.parametrize(
    ("keys", "problem", "field", "said"),
    [
        (["down", "'", "enter"], None, "args", "! no closing quotation"),
        ([*["down"] * 10, *"often", "enter"], None, "retries", "! 'often' is no number"),
        (["enter"], UsageFault("unknown precision 'x'", "choose y"), "precision", "! unknown"),
        (["enter"], NotFound("offline: no relay", "wait"), "script", "! offline: no relay · wait"),
    ],
)
async def test_what_is_wrong_is_said_at_its_field_and_nothing_is_lost(
    text_of: Any, keys: list[str], problem: StudioError | None, field: str, said: str
) -> None:
    app = SafeApp[None]()
    start = Start(*([problem] if problem else []))
    answers: list[RunRequest | None] = []
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(RunDialog("a.py", "local", start), answers.append)
        await pilot.pause()
        await pilot.press(*keys)
        while said not in text_of(pilot):
            await pilot.pause()
        assert isinstance(app.focused, Input)
        assert app.focused.id == field
        rows = text_of(pilot).splitlines()
        above = rows[next(n for n, row in enumerate(rows) if said in row) - 1]
        label = next(f for f in FIELDS if f.name == field).label
        assert label in above or "offline" in said
        assert not answers
        if problem:
            await pilot.press("enter")
            while not answers:
                await pilot.pause()
            assert answers == [RunRequest("a.py")]


async def test_a_precision_is_chosen_for_what_is_asked() -> None:
    asked: list[RunRequest] = []

    def advise(request: RunRequest) -> ModalScreen[str | None]:
        asked.append(request)
        return Pick("which?", [("16-true", "16-true"), ("64-true", "64-true")])

    app = SafeApp[None]()
    answers: list[RunRequest | None] = []
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(RunDialog("a.py", "local", Start(), None, advise), answers.append)
        await pilot.pause()
        await pilot.press("down", *"--n 3", "f2")
        while not isinstance(app.screen, Pick):
            await pilot.pause()
        await pilot.press("down", "enter")
        while not (isinstance(app.focused, Input) and app.focused.value == "64-true"):
            await pilot.pause()
        await pilot.press("enter")
        while not answers:
            await pilot.pause()
    assert asked == [RunRequest("a.py", ["--n", "3"])]
    assert answers == [RunRequest("a.py", ["--n", "3"], {"precision": "64-true"})]


async def test_on_a_small_screen_the_field_that_is_typed_into_is_seen(text_of: Any) -> None:
    app = SafeApp[None]()
    async with app.run_test(size=(60, 18)) as pilot:
        app.push_screen(RunDialog("a.py", "local", Start()))
        await pilot.pause()
        await pilot.press("up", *"s3://b")
        while "s3://b" not in text_of(pilot):
            await pilot.pause()
        assert "enter runs" in text_of(pilot)
