from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path

import pytest

from studio_tui.client import questions as answering
from studio_tui.document.entries import QuestionEntry
from studio_tui.errors import NotFound, StudioError
from studio_tui.host import questions as questions_module
from studio_tui.host.questions import Questions
from studio_tui.settings import paths
from tests.host.conftest import STUDIO, Bench, eventually

SECRET = "correct horse battery staple"


async def test_a_secret_goes_to_the_host_alone(bench: Bench) -> None:
    ana = await bench.attach("ana")
    async with bench.host() as parts:
        questions = Questions(parts.document)
        async with questions.answered_at(paths.answers_socket(STUDIO)):
            asking = asyncio.create_task(questions.ask("gpu-box", "secret", "the pass\nphrase"))
            await ana.until(lambda: len(ana.document.questions) == 1)
            (entry,) = ana.document.questions.values()
            assert (entry.machine, entry.kind, entry.text) == (
                "gpu-box",
                "secret",
                "the passphrase",
            )
            assert answering.here(STUDIO)
            await answering.answer(STUDIO, entry.id, SECRET)
            assert await asking == SECRET
            await ana.until(lambda: len(ana.document.questions) == 0)
            with pytest.raises(StudioError, match="answered already"):
                await answering.answer(STUDIO, entry.id, SECRET)
        assert SECRET.encode() not in ana.document.replica.doc.get_update()
    assert not answering.here(STUDIO)


async def test_declining(bench: Bench) -> None:
    async with bench.host() as parts:
        questions = Questions(parts.document)
        async with questions.answered_at(paths.answers_socket(STUDIO)):
            asking = asyncio.create_task(questions.ask("gpu-box", "trust", "SHA256:..."))
            await eventually(lambda: parts.document.questions)
            await answering.answer(STUDIO, next(iter(parts.document.questions)), None)
            assert await asking is None


async def test_nobody_answers(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions_module, "ANSWER_SECONDS", 0.01)
    async with bench.host() as parts:
        assert await Questions(parts.document).ask("gpu-box", "trust", "?") is None
        assert not parts.document.questions


async def test_a_question_that_is_given_up_is_taken_back(bench: Bench) -> None:
    async with bench.host() as parts:
        asking = asyncio.create_task(Questions(parts.document).ask("gpu-box", "trust", "?"))
        await eventually(lambda: parts.document.questions)
        asking.cancel()
        await eventually(lambda: not parts.document.questions)


async def test_what_an_earlier_host_asked_is_asked_no_more(bench: Bench) -> None:
    async with bench.host() as parts:
        parts.document.questions.put(QuestionEntry("q1", "gpu-box"))
        Questions(parts.document)
        assert not parts.document.questions


async def test_the_socket_is_ours_alone(bench: Bench) -> None:
    socket = paths.answers_socket(STUDIO)
    socket.write_text("left by a host that was killed")
    async with bench.host() as parts:
        async with Questions(parts.document).answered_at(socket):
            assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
        assert not socket.exists()


@pytest.mark.parametrize(
    "line",
    [
        b"", b"\n", b"nonsense\n", b"[]\n", b"{}\n", b'{"question": "q", "answer": 3}\n',
        b'{"question": "q"}\n', b"\xff\xfe\n", b"x" * 200_000 + b"\n",
    ],
)  # fmt: skip
async def test_nonsense_is_no_answer(bench: Bench, line: bytes) -> None:
    socket = paths.answers_socket(STUDIO)
    async with bench.host() as parts, Questions(parts.document).answered_at(socket):
        reader, writer = await asyncio.open_unix_connection(str(socket))
        writer.write(line)
        writer.write_eof()
        assert json.loads(await reader.readline())["problem"]
        writer.close()
        await writer.wait_closed()


async def test_there_is_no_host_here(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="takes no answers here") as raised:
        await answering.answer(STUDIO, "q", "x")
    assert "where the studio was opened" in raised.value.hint
