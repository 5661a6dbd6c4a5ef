"""The studio document as a host knew it last, for a relay that never had it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from pathlib import Path

from relay_server.errors import InvalidUpdate
from studio_tui.document.replica import Replica
from studio_tui.document.studio import StudioDocument
from studio_tui.errors import StudioError
from studio_tui.settings.private import write_private

log = logging.getLogger(__name__)

PACE = 2.0
"""Seconds between two writes at least."""
NOTHING_SEEN = b"\0"
"""The state vector of an empty document."""


class Keepsake:
    """One file of the host's own with the whole document.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    async def keep(self, document: StudioDocument) -> None:
        """Keep the document as it is, and is from now on; a last time when this is cancelled."""
        changed = asyncio.Event()
        with contextlib.ExitStack() as ending:
            ending.callback(lambda: self._write(_whole(document)))
            ending.callback(document.observe(changed.set))
            while True:
                await asyncio.to_thread(self._write, _whole(document))
                await changed.wait()
                changed.clear()
                await asyncio.sleep(PACE)

    def _write(self, whole: bytes) -> None:
        try:
            write_private(self._path, whole)
        except StudioError as problem:  # the relay has it all; a full disk must not end the studio
            log.warning("no copy of the studio document: %s", problem)

    def hand_over(self, document: StudioDocument) -> None:
        """Make the studio on another relay what it was on the last one.

        Nothing happens when nothing was kept, or what was kept is damaged.
        """
        replica = Replica()
        try:
            replica.apply(self._path.read_bytes())
        except FileNotFoundError:
            return
        except (OSError, InvalidUpdate, StudioError) as problem:
            log.warning("the copy of the studio document cannot be read: %s", problem)
            return
        document.take_over(StudioDocument(replica))
        log.info("took over %d jobs from the studio's last relay", len(document.jobs))


def _whole(document: StudioDocument) -> bytes:
    return document.replica.missing_from(NOTHING_SEEN)
