"""What a machine asks before it lets us in, and the answers: never through the relay.

The question stands in the studio document, so that everybody sees what is waited for. The answer
comes over a socket that only the host's own user can open: it may be a passphrase, and whether to
trust a host's key is for the person whose keys are used.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from studio_tui.document.entries import QuestionEntry
from studio_tui.document.presence import printable
from studio_tui.document.studio import StudioDocument
from studio_tui.errors import StudioError
from studio_tui.host.ids import new_id

ANSWER_SECONDS = 300.0
LINE_LIMIT = 64 * 1024
TEXT_CAP = 500


class Questions:
    """The questions of one studio.

    Args:
        document: the studio document.
    """

    def __init__(self, document: StudioDocument) -> None:
        self._document = document
        self._waiting: dict[str, asyncio.Future[str | None]] = {}
        for left_behind in list(document.questions):
            document.questions.remove(left_behind)

    async def ask(self, machine: str, kind: str, text: str) -> str | None:
        """The answer, None when somebody declined or nobody came.

        Args:
            kind, text: see QuestionEntry.
        """
        id = new_id()
        answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._waiting[id] = answer
        self._document.questions.put(QuestionEntry(id, machine, kind, printable(text, TEXT_CAP)))
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await answer
        except TimeoutError:
            return None
        finally:
            del self._waiting[id]
            self._document.questions.remove(id)

    @asynccontextmanager
    async def answered_at(self, socket: Path) -> AsyncIterator[None]:
        """Take answers at `socket`, in a folder of ours alone, while the block runs.

        Raises:
            StudioError: no socket can be made there; a socket's path is short, about 100 bytes.
        """
        socket.unlink(missing_ok=True)
        try:
            server = await asyncio.start_unix_server(self._converse, str(socket), limit=LINE_LIMIT)
        except OSError as problem:
            raise StudioError(
                f"no socket can be made at {socket}: {problem.strerror or problem}",
                "set STUDIO_HOME to a folder with a short path, on a disk of this computer",
            ) from problem
        try:
            yield
        finally:
            server.close()
            socket.unlink(missing_ok=True)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One line with a question's id and its answer; one line back."""
        problem = "that is no answer"
        with contextlib.suppress(ValueError, TypeError, KeyError, OSError):
            told = json.loads(await reader.readline())
            answer = told["answer"]
            if answer is None or isinstance(answer, str):
                problem = self._answer(str(told["question"]), answer)
        writer.write(json.dumps({"problem": problem}).encode() + b"\n")
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    def _answer(self, id: str, answer: str | None) -> str:
        waiting = self._waiting.get(id)
        if waiting is None or waiting.done():
            return "it was answered already, or nobody waits any more"
        waiting.set_result(answer)
        return ""
