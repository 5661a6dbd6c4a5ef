"""The studio's recordings of terminals: begun, marked with what people do, listed, handed out."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio_tui.document.presence import Person
from studio_tui.document.studio import StudioDocument
from studio_tui.errors import NotFound, StudioError
from studio_tui.host.calls import Method, Params, Result, command, query
from studio_tui.host.terminals.recording import RECORDING_CAP, Recording
from studio_tui.jobs.mask import Mask
from studio_tui.settings import secrets
from studio_tui.settings.private import private_folder

if TYPE_CHECKING:
    from studio_tui.host.terminals.terminal import Terminal

KEPT_CAP = 200
TOTAL_CAP = 4 << 30
"""Bytes of all recordings of a studio, those under way counted at the size that ends them."""
READ_CAP = 512 * 1024
HEADER_CAP = 4096
SUFFIX = ".cast"

_ID = re.compile(r"([a-z0-9]{1,32})-([0-9]{1,12})")


class Recordings:
    """Every recording of one studio, each a file of the host's own.

    Args:
        folder: where they are.
        document: the studio document.
        terminals: all there are.
        find: the one that a call names, whose program must run.
        people: who is in the studio.
        clock: the Unix time in seconds.
    """

    def __init__(
        self,
        folder: Path,
        document: StudioDocument,
        terminals: Callable[[], Iterable[Terminal]],
        find: Callable[[Params], Terminal],
        people: Callable[[], Iterable[Person]],
        clock: Callable[[], float],
    ) -> None:
        self._folder = folder
        self._document = document
        self._terminals = terminals
        self._find = find
        self._people = people
        self._clock = clock
        self._here: set[str] = set()
        self._machine = document.info.machine
        document.observe(self._moved)

    def calls(self) -> list[Method]:
        """What can be asked of it."""
        return [
            query("terminals.recordings", self._list),
            query("terminals.recording", self._read),
            command("terminals.record", self._record),
            command("terminals.stop_recording", self._stop),
            command("terminals.remove_recording", self._remove),
        ]

    async def resume(self, terminal: Terminal) -> None:
        """Go on with what an earlier host recorded of a terminal, if it did."""
        id = terminal.entry.recording
        known = _ID.fullmatch(id)
        if known is None or known[1] != terminal.entry.id:
            terminal.record(None)
            return
        recording = await self._opened(id)
        try:
            self._check_room(id)
            resumed = recording.resume()
        except (OSError, StudioError):
            resumed = False
        if not resumed:
            terminal.record(None)
            return
        terminal.record(recording)
        recording.mark("the host was away")

    def present(self) -> None:
        """Mark who came and who left."""
        here = self._names()
        came, left = here - self._here, self._here - here
        self._here = here
        for name in sorted(came):
            self._mark(f"{name} joined")
        for name in sorted(left):
            self._mark(f"{name} left")

    def _names(self) -> set[str]:
        return {person.name for person in self._people() if person.role != "host"}

    def _moved(self) -> None:
        machine = self._document.info.machine
        if machine != self._machine:
            self._machine = machine
            self._mark(f"the studio moved to {machine}")

    def _mark(self, text: str) -> None:
        for terminal in self._terminals():
            if terminal.recording is not None:
                terminal.recording.mark(text)

    # -- calls --------------------------------------------------------------------------------

    async def _record(self, params: Params) -> Result:
        terminal = self._find(params)
        if terminal.recording is not None:
            raise StudioError("this terminal is being recorded already", "stop that one first")
        moment = int(self._clock())
        while (self._folder / f"{(id := f'{terminal.entry.id}-{moment}')}{SUFFIX}").exists():
            moment += 1
        recording = await self._opened(id)
        if terminal.recording is None:
            self._check_room(id)
            here = ", ".join(sorted(self._names()))
            driver = terminal.entry.driver or "nobody"
            marks = [f"recorded by {params.sender.name}; here: {here}", f"{driver} drives"]
            terminal.record(recording, marks)
        if recording.over:
            raise StudioError(recording.over, "free some space on the host's disk")
        return {"recording": id}

    async def _opened(self, id: str) -> Recording:
        private_folder(self._folder)
        mask = Mask(await asyncio.to_thread(_hidden))
        return Recording(self._folder / (id + SUFFIX), mask, self._clock)

    async def _stop(self, params: Params) -> Result:
        terminal = self._find(params)
        recording = terminal.recording
        if recording is None:
            raise StudioError("this terminal is not being recorded", "see: studio-tui record ls")
        recording.mark(f"{params.sender.name} ended the recording")
        terminal.record(None)
        return {"recording": recording.id}

    async def _list(self, params: Params) -> Result:
        found = await asyncio.to_thread(self._kept)
        live = self._live()
        return {"recordings": [{**each, "live": each["id"] in live} for each in found]}

    async def _read(self, params: Params) -> Result:
        path = self._path(params)
        offset = params.number("offset", 0, 1 << 53, 0)
        length = params.number("length", 0, READ_CAP, READ_CAP)
        data, size = await asyncio.to_thread(_stretch, path, offset, length)
        return {"data": base64.b64encode(data).decode(), "offset": offset, "size": size}

    async def _remove(self, params: Params) -> Result:
        path = self._path(params)
        if path.stem in self._live():
            raise StudioError("this recording is still being made", "stop it first")
        path.unlink(missing_ok=True)
        return {}

    # -- files --------------------------------------------------------------------------------

    def _check_room(self, id: str) -> None:
        """StudioError: were `id` under way, there might be more than the host's disk is for."""
        live = self._live()
        still = {
            path.stem: path.stat().st_size for path in self._files() if path.stem not in {*live, id}
        }
        if len(live) + len(still) >= KEPT_CAP:
            raise StudioError(
                f"{KEPT_CAP} recordings are kept", "remove one: studio-tui record rm STUDIO ID"
            )
        size = sum(still.values())
        if size + (len(live) + 1) * RECORDING_CAP > TOTAL_CAP:
            raise StudioError(
                f"another recording has no room: {len(still)} kept with {size >> 20} MiB and "
                f"{len(live)} under way, of {TOTAL_CAP >> 20} MiB for all",
                _what_to_remove(still),
            )

    def _path(self, params: Params) -> Path:
        id = params.text("recording", cap=64)
        path = self._folder / (id + SUFFIX)
        if not _ID.fullmatch(id) or not path.is_file():
            raise NotFound(f"there is no recording {id!r}", "see: studio-tui record ls STUDIO")
        return path

    def _live(self) -> set[str]:
        """The ids of those under way."""
        return {t.recording.id for t in self._terminals() if t.recording is not None}

    def _files(self) -> list[Path]:
        return [path for path in self._folder.glob(f"*{SUFFIX}") if _ID.fullmatch(path.stem)]

    def _kept(self) -> list[dict[str, Any]]:
        """What there is, the oldest first."""
        return sorted(map(_about, self._files()), key=lambda each: (each["started"], each["id"]))


def _what_to_remove(still: Mapping[str, int]) -> str:
    if not still:
        return "stop one that is under way: studio-tui record stop STUDIO TERMINAL"
    largest = max(sorted(still), key=lambda id: still[id])
    return f"remove one; the largest: studio-tui record rm STUDIO {largest}"


def _about(path: Path) -> dict[str, Any]:
    """One recording as it is listed: title, beginning and end as Unix times, size in bytes."""
    status, (terminal, started) = path.stat(), path.stem.rsplit("-", 1)
    with path.open("rb") as file:
        first = file.readline(HEADER_CAP)
    try:
        title = str(json.loads(first)["title"])
    except (ValueError, TypeError, KeyError):
        title = ""
    return {
        "id": path.stem, "terminal": terminal, "title": title, "started": int(started),
        "ended": int(status.st_mtime), "bytes": status.st_size,
    }  # fmt: skip


def _stretch(path: Path, offset: int, length: int) -> tuple[bytes, int]:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        file.seek(offset)
        return file.read(length), size


def _hidden() -> list[str]:
    """The secrets that this host knows; the keyring tells only those whose names one knows."""
    named = [value for name, value in os.environ.items() if secrets.names_a_secret(name)]
    kept = []
    for name in secrets.secret_names():
        try:
            kept.append(secrets.secret(name))
        except StudioError:
            continue
    return [*named, *kept]
