"""Both sides of a file before they are merged, for whoever wants one of them back."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from studio_tui.settings.private import private_folder, write_private

KEEP_SECONDS = 7 * 86400
NAME_BYTES = 120


class Backups:
    """A folder of copies that are kept for a week.

    Args:
        folder: the host's own folder, made when it is missing.
        clock: Unix time in seconds.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self.folder = private_folder(folder)
        self._clock = clock

    def keep(self, name: str, sides: Mapping[str, bytes]) -> None:
        """Keep each of `sides` (kind -> content) of the file `name`.

        Raises:
            StudioError: there is no place for them.
        """
        now = self._clock()
        stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(now))
        flat = name.replace("/", "_").encode()[-NAME_BYTES:].decode(errors="ignore")
        for kind, content in sides.items():
            write_private(self.folder / f"{flat}.{stamp}-{now % 1:.6f}.{kind}", content)

    def prune(self) -> None:
        """Delete what is older than a week."""
        oldest = self._clock() - KEEP_SECONDS
        for path in self.folder.iterdir():
            with contextlib.suppress(OSError):
                if path.stat().st_mtime < oldest:
                    path.unlink()
