"""Going to another machine: what a person sees on the way, and what is asked of the host."""

from __future__ import annotations

from asyncio import TaskGroup, timeout
from dataclasses import replace
from typing import Any

import pytest

from studio_tui.client import questions
from studio_tui.document.entries import QuestionEntry, SleepEntry, SwitchEntry
from studio_tui.document.progress import Progress
from studio_tui.document.studio import SWITCH
from studio_tui.errors import NotFound
from studio_tui.host.questions import Questions
from studio_tui.settings import paths
from studio_tui.sync import Stream
from tests.app.conftest import NOW


async def test_the_machines_are_shown_with_the_one_we_are_on(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    async with open_app(studio) as pilot:
        await pilot.click("MachineButton")
        await settle(pilot)
        assert "● gpu-box  up  2×H100  $6.98/h" in text_of(pilot)
        assert "local  up  8 cpus 32G" in text_of(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert studio.asked("machines.plan") == []


async def test_a_switch_from_the_choice_to_the_end(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    async with open_app(studio) as pilot:
        studio.arrive(2, "bob")
        await pilot.press("ctrl+e", "down", "enter")
        await settle(pilot)
        asked = text_of(pilot)
        for said in ("go to local?", "12 files to carry", "1 file changed there", "notes.md",
                     "uv sync --frozen", "no GPU there", "bob will come along"):  # fmt: skip
            assert said in asked
        await pilot.press("y")
        await settle(pilot)
        assert studio.asked("machines.switch") == [{"machine": "local", "epoch": 0}]
        assert "on gpu-box → local  copying ▾" in text_of(pilot)
        studio._streamed(Stream("switch", 1, Progress(30, 120, "data.bin").to_json(), None))
        await settle(pilot)
        assert "copying 25% ▾" in text_of(pilot)
        studio.document.info = replace(studio.document.info, machine="local", epoch=1)
        studio.switching(replace(studio.document.switch, phase="done", note="notes.md was kept"))
        await settle(pilot)
        assert "on local ▾" in text_of(pilot)
        assert "on local now; look at: notes.md was kept" in text_of(pilot)


async def test_a_switch_that_fails_says_why(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    async with open_app(studio) as pilot:
        await pilot.press("ctrl+e", "down", "enter")
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        studio.switching(replace(studio.document.switch, phase="failed", note="the disk is full"))
        await settle(pilot)
        assert "stays on gpu-box: the disk is full" in " ".join(text_of(pilot).split())


async def test_somebody_elses_switch_can_be_cancelled(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    async with open_app(studio) as pilot:
        studio.switching(SwitchEntry(SWITCH, "gpu-box", "local", "bob", "preparing"))
        await settle(pilot)
        assert "→ local  preparing ▾" in text_of(pilot)
        await pilot.press("ctrl+e")
        await settle(pilot)
        assert "bob is taking the studio to local" in text_of(pilot)
        await pilot.press("escape", "ctrl+e")
        await settle(pilot)
        assert studio.asked("machines.cancel") == []
        await pilot.press("y")
        await settle(pilot)
        assert studio.asked("machines.cancel") == [{}]
        assert "on gpu-box ▾" in text_of(pilot)


async def test_staying(studio: Any, open_app: Any, settle: Any) -> None:
    async with open_app(studio) as pilot:
        await pilot.press("ctrl+e", "down", "enter")
        await settle(pilot)
        await pilot.press("n")
        await settle(pilot)
        assert studio.asked("machines.switch") == []


@pytest.mark.parametrize("call", ["machines.list", "machines.plan"])
async def test_a_machine_that_cannot_be_asked(
    studio: Any, open_app: Any, settle: Any, text_of: Any, call: str
) -> None:
    studio.refuse[call] = NotFound("local does not answer", "is it on?")
    async with open_app(studio) as pilot:
        await pilot.press("ctrl+e")
        await settle(pilot)
        await pilot.press("down", "enter")
        await settle(pilot)
        assert "! local does not answer" in text_of(pilot)


async def test_on_a_narrow_screen(studio: Any, open_app: Any, settle: Any, text_of: Any) -> None:
    async with open_app(studio, size=(80, 24)) as pilot:
        await pilot.press("ctrl+e", "down", "enter")
        await settle(pilot)
        assert "go to local?" in text_of(pilot)
        await pilot.press("y")
        await settle(pilot)
        assert "on gpu-box → local  copying" in text_of(pilot)


async def test_a_machine_that_is_about_to_sleep_is_kept_up(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    async with open_app(studio) as pilot:
        reason = "nobody has used it for 20 minutes"
        studio.sleeping(SleepEntry("gpu-box", "warning", NOW + 120, reason))
        await settle(pilot)
        said = f"gpu-box sleeps in 2 min: {reason} · ctrl+e to keep it up"
        assert pilot.app.screen.work_pane.notice.words == said
        await pilot.press("ctrl+e")
        await settle(pilot)
        assert "keep gpu-box up?" in text_of(pilot)
        await pilot.press("y")
        await settle(pilot)
        assert studio.asked("machines.stay") == [{"machine": "gpu-box"}]
        assert "gpu-box stays up: ana keeps it up" in text_of(pilot)


async def test_the_countdown_counts_until_it_is_taken_away(
    studio: Any, open_app: Any, settle: Any, text_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_app(studio) as pilot:
        studio.sleeping(SleepEntry("gpu-box", "warning", NOW + 120, "nobody is here"))
        await settle(pilot)
        assert "gpu-box sleeps in 2 min" in text_of(pilot)
        monkeypatch.setattr(pilot.app.screen, "_clock", lambda: NOW + 75)
        studio.measure()
        await settle(pilot)
        assert "gpu-box sleeps in 45 s" in text_of(pilot)
        pilot.app.screen.work_pane.notice.clear()
        studio.measure()
        await settle(pilot)
        assert "gpu-box sleeps" not in text_of(pilot)


async def test_a_sleep_that_is_over_is_no_news_to_who_joins_later(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    studio.document.sleeps.put(SleepEntry("gpu-box", "asleep", 0.0, "nobody was here"))
    async with open_app(studio) as pilot:
        studio.measure()
        await settle(pilot)
        assert "nobody was here" not in text_of(pilot)
        studio.sleeping(SleepEntry("gpu-box", "failed", 0.0, "the disk is full"))
        await settle(pilot)
        assert "could not be put to sleep: the disk is full" in " ".join(text_of(pilot).split())


class Host:
    """The host's end of a question."""

    def __init__(self, studio: Any) -> None:
        self.studio = studio
        self.questions = Questions(studio.document)

    async def asked(self, kind: str, text: str, answer: list[str | None]) -> None:
        answer.append(await self.questions.ask("gpu-box", kind, text))


@pytest.fixture
async def asking(studio: Any) -> Any:
    """`asking(kind, text)` asks; the list that it returns gets the answer."""
    host = Host(studio)
    async with host.questions.answered_at(paths.answers_socket(studio.id)), TaskGroup() as tasks:

        def ask(kind: str, text: str) -> list[str | None]:
            answer: list[str | None] = []
            tasks.create_task(host.asked(kind, text, answer))
            return answer

        yield ask


async def answered(pilot: Any, answer: list[str | None]) -> str | None:
    async with timeout(10):
        while not answer:
            await pilot.pause()
    return answer[0]


async def test_a_passphrase_is_asked_for_and_not_shown(
    studio: Any, asking: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    async with open_app(studio) as pilot:
        answer = asking("secret", "passphrase of the key ~/.ssh/[b]id[/b]")
        await settle(pilot)
        assert "gpu-box asks" in text_of(pilot)
        assert "passphrase of the key ~/.ssh/[b]id[/b]" in text_of(pilot)
        await pilot.press(*"hunter2", "space")
        assert "hunter2" not in text_of(pilot)
        await pilot.press("enter")
        assert await answered(pilot, answer) == "hunter2 "


@pytest.mark.parametrize(("key", "value"), [("y", "yes"), ("enter", None), ("escape", None)])
async def test_a_new_host_key_is_not_one_enter_away(
    studio: Any, asking: Any, open_app: Any, settle: Any, text_of: Any, key: str, value: str | None
) -> None:
    async with open_app(studio, size=(80, 24)) as pilot:
        answer = asking("trust", "ED25519 SHA256:1234")
        await settle(pilot)
        assert "trust gpu-box?" in text_of(pilot)
        assert "ED25519 SHA256:1234" in text_of(pilot)
        await pilot.press(key)
        assert await answered(pilot, answer) == value


async def test_elsewhere_a_question_is_news(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    async with open_app(studio) as pilot:
        studio.document.questions.put(QuestionEntry("q1", "gpu-box", "secret", "passphrase"))
        studio.saved()
        await settle(pilot)
        assert "gpu-box waits for an answer where the host runs" in text_of(pilot)
        assert "passphrase" not in text_of(pilot)


async def test_what_somebody_else_answers_is_taken_back(
    studio: Any, asking: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    async with open_app(studio) as pilot:
        answer = asking("trust", "ED25519 SHA256:1234")
        await settle(pilot)
        assert "trust gpu-box?" in text_of(pilot)
        (question,) = studio.document.questions
        await questions.answer(studio.id, question, "yes")
        assert await answered(pilot, answer) == "yes"
        await settle(pilot)
        assert "trust gpu-box?" not in text_of(pilot)
        assert "answered already" not in text_of(pilot)


@pytest.mark.parametrize(("key", "shown"), [("ctrl+e", "machines"), ("f6", "")])
async def test_an_editor_leaves_the_apps_keys_to_the_app(
    studio: Any, open_app: Any, settle: Any, text_of: Any, key: str, shown: str
) -> None:
    async with open_app(studio) as pilot:
        pilot.app.workspace.open_file("train.py")
        await settle(pilot)
        editor = pilot.app.workspace.work_pane.editor
        assert editor.has_focus_within or editor.has_focus
        before = pilot.app.focused
        await pilot.press(key)
        await settle(pilot)
        assert pilot.app.focused is not before
        assert shown in text_of(pilot)
