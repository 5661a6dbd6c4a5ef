"""What the host's checker says of the open files, as this process knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio_tui.client.answer import Answer
from studio_tui.document.findings import Finding, from_json, read_findings

if TYPE_CHECKING:
    from studio_tui.client.attachment import Attachment


class Findings:
    """What is wrong with each open file, by the host's id of it; kept up to date by a stream.

    Who comes later asks once: `load`.
    """

    def __init__(self, studio: Attachment) -> None:
        self._studio = studio
        self._found: dict[str, list[Finding]] = {}

    def of(self, file: str) -> list[Finding]:
        """What is wrong with the file with this id, by line."""
        return self._found.get(file, [])

    def received(self, data: bytes) -> bool:
        """Take a message of the stream; whether it made sense."""
        told = from_json(data)
        if told is not None:
            self._found[told[0]] = told[1]
        return told is not None

    async def load(self) -> None:
        """Ask the host for all there is to say.

        Raises:
            NotFound: the host is away. StudioError: it is of a version that checks nothing.
        """
        answer = Answer("files.findings", await self._studio.query("files.findings"))
        told = answer.values.get("findings")
        found = told.items() if isinstance(told, dict) else ()
        self._found = {str(file): read_findings(value) for file, value in found}
