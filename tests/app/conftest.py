"""A studio on a stage: the real client objects, with a host played by the test, and golden screens.

Nothing here has a socket: rooms are brought to life by handing them the messages a relay would
send, calls are answered from a dict of files.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
from textual.pilot import Pilot

from relay_server import wire
from studio_tui.app.app import StudioApp
from studio_tui.client.studio import Studio
from studio_tui.document.entries import (
    FileEntry,
    JobEntry,
    MachineEntry,
    SleepEntry,
    StudioInfo,
    SwitchEntry,
    TerminalEntry,
)
from studio_tui.document.findings import STREAM, Finding, to_json
from studio_tui.document.framelog import FrameArray
from studio_tui.document.presence import Gaze, write_gaze
from studio_tui.document.replica import Replica
from studio_tui.document.studio import SWITCH
from studio_tui.document.text import SharedText
from studio_tui.errors import NotFound, StudioError
from studio_tui.meters.sample import GPU, Sample
from studio_tui.sync.link import Endpoint, LinkState
from studio_tui.sync.room import Room
from studio_tui.terminal.emulator import Emulator
from studio_tui.terminal.frames import Append, FrameEncoder, FrameLog, Replace
from studio_tui.terminal.past import pack_lines

NOW = 1_800_000_000.0
GIB = 1 << 30
ME = 1


async def nowhere() -> Endpoint:
    """Where a staged studio would be reached."""
    raise NotFound("nowhere")


class StagedStudio(Studio):
    """A studio without a relay. `files` maps paths to contents; folders follow from them."""

    def __init__(self, name: str = "ana", role: str = "owner") -> None:
        super().__init__("calm-otter", nowhere, name)
        self.name, self.role = name, role
        self.files: dict[str, bytes] = {}
        self.trash: dict[str, bytes] = {}
        self.git: dict[str, str] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.sent: list[tuple[str, Any]] = []
        self.refuse: dict[str, StudioError] = {}
        self.fail: StudioError | None = None
        self.disk_full = False
        self.host_late = False
        self.printing: dict[str, Emulator] = {}
        self.frames: dict[str, FrameLog] = {}
        self.logs: dict[str, bytes] = {}
        self.curves: dict[str, dict[str, list[tuple[int, float]]]] = {}
        self.ranks: dict[str, list[dict[str, Any]]] = {}
        self.marks: dict[str, list[tuple[int, str]]] = {}
        self.session.join = self._stage_join  # type: ignore[method-assign]
        self.session.stream = self._stage_stream  # type: ignore[method-assign]

    async def __aenter__(self) -> Self:
        if self.fail is not None:
            raise self.fail
        self.session.link.state = LinkState.LIVE
        self._bring_up(self._room)
        self.arrive(ME, self.name, self.role)
        if not self.host_late:
            self.arrive(99, "host", "host")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._gaze_timer is not None:
            self._gaze_timer.cancel()

    def _bring_up(self, room: Room) -> None:
        scope = "readonly" if self.role == "viewer" else "read-write"
        room.opened("token")
        room.received(wire.Granted(scope))
        room.received(wire.Step1(Replica().state_vector()))
        room.received(wire.Step2(Replica().missing_from(b"\0")))
        self.saved(room)

    async def _stage_join(self, name: str, timeout: float = 0) -> Room:
        known = name in self.session.rooms
        room = self.session.room(name)
        if not known:
            self._bring_up(room)
        return room

    def _stage_stream(self, room: str, stream: str, seq: int, data: bytes) -> None:
        self.sent.append((room, json.loads(data)))

    # -- what a test makes happen -------------------------------------------------------------

    def arrive(
        self,
        connection: int,
        name: str,
        role: str = "editor",
        *,
        place: str = "",
        following: int = 0,
        **gaze: Any,
    ) -> None:
        """Somebody is here, or looks elsewhere."""
        state = {
            **write_gaze(Gaze(**gaze), place, following),
            "person": {"name": name, "role": role, "connection": connection},
        }
        client = self._room.replica.client_id if connection == ME else connection
        self._room.received(wire.Awareness((wire.Entry(client, 1, json.dumps(state)),)))

    def leave(self, connection: int) -> None:
        """Somebody goes."""
        self._room.received(wire.Awareness((wire.Entry(connection, 2, "null"),)))

    def offline(self, reason: str = "the connection to the relay was lost") -> None:
        """The link breaks."""
        self.session.link.state, self.session.link.reason = LinkState.OFFLINE, reason
        for room in self.session.rooms.values():
            room.lost()
        self.session._changed()

    def online(self) -> None:
        """The link comes back."""
        self.session.link.state, self.session.link.reason = LinkState.LIVE, ""
        for room in self.session.rooms.values():
            self._bring_up(room)
        self.arrive(ME, self.name, self.role)
        self.arrive(99, "host", "host")
        self.session._changed()

    def saved(self, room: Room | None = None) -> None:
        """The relay confirms everything."""
        for each in [room] if room else list(self.session.rooms.values()):
            each.received(wire.Ack(1 << 30, wire.Level.DISK))
        self.session._changed()

    def furnish(self) -> None:
        """What the host writes when it starts."""
        self.document.info = StudioInfo(
            "studio", name="calm-otter", dir="/home/ana/char-gpt", machine="gpu-box"
        )
        gpus = [{"name": "NVIDIA H100 80GB HBM3", "memory_bytes": 80 * GIB}] * 2
        self.document.machines.put(
            MachineEntry("gpu-box", "ssh", "up", 32, 64 * GIB, gpus, price_per_hour=6.98)
        )
        self.document.machines.put(MachineEntry("local", "local", "up", 8, 32 * GIB))
        self.saved()

    def measure(self, **values: Any) -> None:
        """The machine's meters come, with some other values."""
        gpus = tuple(
            GPU(i, "NVIDIA H100", use, used * GIB, 80 * GIB, 610.0, 700.0, 62.0, 1800)
            for i, (use, used) in enumerate(((0.88, 71), (0.74, 70)))
        )
        sample = Sample(
            "gpu-box", NOW, cpu=0.31, memory_used=21 * GIB, memory_total=64 * GIB, gpus=gpus,
            disk_used=120 * GIB, disk_total=500 * GIB, net_received=1e5, net_sent=2e4,
        )  # fmt: skip
        told = replace(sample, **values).to_json()
        self._streamed(wire.Stream("meters", 1, told.encode(), None))

    def list_job(self, id: str, name: str, state: str, **fields: Any) -> JobEntry:
        """A job is listed."""
        entry = JobEntry(id, name, state, "gpu-box", command="train.py", **fields)
        self.document.jobs.put(entry)
        self.saved()
        return entry

    def terminal_entry(self, id: str = "t1", **fields: Any) -> TerminalEntry:
        """A terminal is listed."""
        entry = TerminalEntry(id, **{"title": "bash", "machine": "gpu-box", **fields})
        self.document.terminals.put(entry)
        self.saved()
        return entry

    async def prints(self, id: str, data: str) -> None:
        """The program in a terminal prints; anybody who looks on sees it."""
        room = await self.session.join(f"{self.id}/term/{id}")
        entry = self.document.terminals[id]
        if id not in self.printing:
            self.printing[id] = Emulator(entry.cols, entry.rows)
            self.frames[id] = FrameLog(FrameEncoder(self.printing[id]))
        self.printing[id].feed(data.encode())
        password = "password" in data
        match self.frames[id].publish(password=password):
            case Append(frame):
                FrameArray(room.replica).append(frame)
            case Replace(frame):
                FrameArray(room.replica).restart(frame)
        self.saved()

    # -- the host's answers -------------------------------------------------------------------

    async def query(self, method: str, **params: Any) -> dict[str, Any]:
        return self._act(method, params)

    @property
    def store_failed(self) -> bool:
        return self.disk_full

    async def command(self, method: str, **params: Any) -> dict[str, Any]:
        return self._act(method, params)

    def _act(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self.calls.append((method, params))
        if self.state != "live":
            raise NotFound(f"offline: {self.reason}", "it reconnects by itself; try again then")
        if method in self.refuse:
            raise self.refuse[method]
        answer: dict[str, Any] = getattr(self, "_" + method.replace(".", "_"))(**params)
        return answer

    def asked(self, method: str) -> list[dict[str, Any]]:
        """The parameters of every call of `method`."""
        return [params for name, params in self.calls if name == method]

    def _machines_list(self) -> dict[str, Any]:
        return {"machines": [machine.plain() for machine in self.document.machines.values()]}

    def _machines_plan(self, machine: str) -> dict[str, Any]:
        return {
            "machine": machine, "folder": "/home/ana/studios/calm-otter", "files": 12,
            "bytes": 3_000_000, "back": 1, "conflicts": ["notes.md"],
            "environment": "uv sync --frozen", "warnings": ["no GPU there"],
        }  # fmt: skip

    def _machines_switch(self, machine: str, epoch: int) -> dict[str, Any]:
        here = self.document.info.machine
        self.switching(SwitchEntry(SWITCH, here, machine, self.name, "copying", started=NOW))
        return {}

    def _machines_cancel(self) -> dict[str, Any]:
        assert self.document.switch is not None
        self.switching(replace(self.document.switch, phase="cancelled", ended=NOW + 1))
        return {}

    def _machines_stay(self, machine: str) -> dict[str, Any]:
        self.sleeping(SleepEntry(machine, "awake", note=f"{self.name} keeps it up"))
        return {}

    def sleeping(self, entry: SleepEntry) -> None:
        """The host says how a machine goes to sleep."""
        self.document.sleeps.put(entry)
        self.saved()

    def switching(self, entry: SwitchEntry) -> None:
        """The host says how far a switch is."""
        self.document.switch = entry
        self.saved()

    def _files_list(self, path: str) -> dict[str, Any]:
        below = f"{path}/" if path else ""
        names: dict[str, str] = {}
        for file in self.files:
            if file.startswith(below):
                name, slash, _ = file[len(below) :].partition("/")
                names[name] = "dir" if slash else "file"
        entries = [{"name": n, "kind": k, "size": 1, "mtime": 0} for n, k in names.items()]
        return {"entries": entries, "truncated": False}

    def _files_find(self, query: str, limit: int) -> dict[str, Any]:
        return {"paths": sorted(path for path in self.files if query in path)[:limit]}

    def _files_open(self, path: str) -> dict[str, Any]:
        if path not in self.files:
            raise NotFound(f"no file {path}", "look at the files")
        content = self.files[path]
        if b"\0" in content:
            return {"file": "", "room": "", "readonly": True, "reason": "it is binary"}
        fid = f"f{sorted(self.files).index(path)}"
        key = f"{self.id}/file/{fid}@1"
        if key not in self.session.rooms:
            room = self.session.room(key)
            text = SharedText(room.replica.doc)
            text.insert(0, content.decode())
            self._bring_up(room)
            self.document.files.put(FileEntry(fid, path=path, room=key))
            self.saved()
        return {"file": fid, "room": key, "readonly": False, "reason": ""}

    def _files_read(self, path: str, offset: int, length: int) -> dict[str, Any]:
        content = self.files[path]
        data = base64.b64encode(content[offset : offset + length]).decode()
        return {"data": data, "offset": offset, "size": len(content), "binary": b"\0" in content}

    def _files_create(self, path: str, kind: str) -> dict[str, Any]:
        self.files[path if kind == "file" else f"{path}/.keep"] = b""
        return {}

    def _files_rename(self, path: str, to: str) -> dict[str, Any]:
        self.files[to] = self.files.pop(path)
        return {}

    def _files_delete(self, path: str) -> dict[str, Any]:
        self.trash[path] = self.files.pop(path)
        return {"id": path}

    def _files_trash(self) -> dict[str, Any]:
        deleted = [{"id": path, "path": path, "by": "bob", "time": NOW} for path in self.trash]
        return {"deleted": deleted}

    def _files_restore(self, id: str, to: str) -> dict[str, Any]:
        self.files[id] = self.trash.pop(id)
        return {"path": id}

    def _files_findings(self) -> dict[str, Any]:
        return {"findings": {}}

    def find(self, path: str, *found: Finding) -> None:
        """The host's checker says what is wrong with an open file."""
        file = next(entry.id for entry in self.document.files.values() if entry.path == path)
        self._streamed(wire.Stream(STREAM, 1, to_json(file, found)))

    def _files_status(self) -> dict[str, Any]:
        return {"marks": self.git, "ignored": ["weights.bin"] if self.git else []}

    def _files_save(self, file: str) -> dict[str, Any]:
        return {}

    def _jobs_log(self, job: str, offset: int, length: int) -> dict[str, Any]:
        log = self.logs.get(job, b"")
        data = base64.b64encode(log[offset : offset + length]).decode()
        return {"data": data, "offset": offset, "size": len(log)}

    def _jobs_metrics(self, job: str) -> dict[str, Any]:
        return {"metrics": self.curves.get(job, {}), "marks": self.marks.get(job, [])}

    def _jobs_run(self, script: str, args: list[str], **options: Any) -> dict[str, Any]:
        entry = self.list_job("j9", script.removesuffix(".py"), "starting", by=self.name)
        return entry.plain()

    def _relay_invite(self, role: str, expires: float) -> dict[str, Any]:
        invite = f"wss://relay.example/{self.id}#c0de"
        return {"invite": invite, "role": role, "expires": int(NOW + expires), "id": "i1"}

    def _jobs_ranks(self, job: str) -> dict[str, Any]:
        return {"ranks": self.ranks.get(job, [])}

    def _jobs_move(self, job: str, machine: str, precision: str, restart: bool) -> dict[str, Any]:
        self.moving(job, target=machine, by=self.name, asked=NOW, phase="carrying")
        return {"asked": NOW}

    def _jobs_stay(self, job: str) -> dict[str, Any]:
        self.moving(job, phase="cancelled", note="somebody had it stay")
        return {}

    def moving(self, job: str, **fields: Any) -> None:
        """The host says how far a job's way to another machine is."""
        entry = self.document.jobs[job]
        move = {"source": entry.machine, **(entry.moves[-1] if entry.moves else {}), **fields}
        self.document.jobs.put(replace(entry, moves=[move]))
        self.saved()

    def _jobs_stop(self, job: str) -> dict[str, Any]:
        return {}

    def _terminals_create(self, cols: int, rows: int, **_: Any) -> dict[str, Any]:
        self.terminal_entry("t1", cols=cols, rows=rows, driver=self.name, driver_connection=ME)
        return {"terminal": "t1", "room": f"{self.id}/term/t1"}

    def _terminals_take(self, terminal: str) -> dict[str, Any]:
        self._seat(terminal, self.name, ME)
        return {}

    def _terminals_hand_over(self, terminal: str, to: str) -> dict[str, Any]:
        person = next(p for p in self.people if p.name == to)
        self._seat(terminal, to, person.connection)
        return {}

    def _seat(self, terminal: str, name: str, connection: int) -> None:
        self._list(terminal, driver=name, driver_connection=connection)

    def _list(self, terminal: str, **changed: Any) -> None:
        self.document.terminals.put(replace(self.document.terminals[terminal], **changed))
        self.saved()

    def _terminals_resize(self, terminal: str, cols: int, rows: int) -> dict[str, Any]:
        return {}

    def _terminals_past(self, terminal: str, start: int, count: int) -> dict[str, Any]:
        painting = self.printing[terminal].painted_history(start, count)
        lines = base64.b64encode(pack_lines(painting)).decode()
        return {"lines": lines, "first": painting.first, "total": painting.total}

    def _terminals_rename(self, terminal: str, title: str) -> dict[str, Any]:
        self._list(terminal, title=title, named=True)
        return {}

    def _terminals_ask(self, terminal: str) -> dict[str, Any]:
        self._list(terminal, asking=[self.name])
        return {}

    def _terminals_free(self, terminal: str) -> dict[str, Any]:
        self._list(terminal, driver=None, driver_connection=None, access="open")
        return {}

    def _terminals_lock(self, terminal: str) -> dict[str, Any]:
        self._list(terminal, access="locked")
        return {}

    def _terminals_pin(self, terminal: str, pinned: bool) -> dict[str, Any]:
        self._list(terminal, pinned=pinned)
        return {}

    def _terminals_cut(self) -> dict[str, Any]:
        self._access("cut")
        return {}

    def _terminals_restore(self) -> dict[str, Any]:
        self._access("open")
        return {}

    def _access(self, access: str) -> None:
        for id in list(self.document.terminals):
            self._list(id, access=access, driver=None, driver_connection=None)

    def _terminals_close(self, terminal: str) -> dict[str, Any]:
        self.document.terminals.remove(terminal)
        self.saved()
        return {}


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look four times as often whether the app has nothing more to do."""
    monkeypatch.setattr("textual._wait.SLEEP_GRANULARITY", 1 / 200)
    monkeypatch.setattr("textual._wait.SLEEP_IDLE", 1 / 4000)


TRAIN = b'''import lightning as L
import torch


class CharGPT(L.LightningModule):
    """A small language model."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.embedding = torch.nn.Embedding(vocabulary, 128)

    def training_step(self, batch, _):
        x, y = batch
        loss = self.loss(self(x), y)
        self.log("train_loss", loss, prog_bar=True)
        return loss
'''


@pytest.fixture
def studio() -> StagedStudio:
    """A studio that is empty but for its files."""
    staged = StagedStudio()
    staged.files = {
        "train.py": TRAIN,
        "data.py": b"text = open('input.txt').read()\n",
        "src/model.py": b"# the model\n",
        "src/data/loader.py": b"# loads\n",
        "tests/test_model.py": b"def test(): pass\n",
        "README.md": b"# char-gpt\n",
        "weights.bin": bytes(range(256)) * 8,
    }
    staged.furnish()
    return staged


@asynccontextmanager
async def opened(
    studio: StagedStudio, size: tuple[int, int] = (130, 40), **options: Any
) -> AsyncIterator[Pilot[int]]:
    """The app of `studio`, joined and settled."""
    app = StudioApp(studio, clock=lambda: NOW, **options)
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        yield pilot


QUICK = frozenset(
    {
        "default",
        "open",
        "reopen",
        "search",
        "git",
        "findings",
        "save",
        "seat",
        "history",
        "read",
        "lesson",
    }
)
"""Groups of workers that end by themselves; the others follow something, or wait for a person."""


async def settled(pilot: Pilot[Any]) -> None:
    """Wait until what was gathered is on the screen and no quick worker is at work."""
    app = pilot.app
    for _ in range(100):
        await pilot.pause()
        if isinstance(app, StudioApp) and app._topics:
            app._show()
        elif not any(w.group in QUICK and not w.is_finished for w in app.workers):
            break
    await pilot.pause()


async def until(pilot: Pilot[Any], condition: Callable[[], bool]) -> None:
    """Wait until it is so."""
    while not condition():
        await pilot.pause()


@pytest.fixture
def open_app() -> Callable[..., Any]:
    """`async with open_app(studio, size=...) as pilot`."""
    return opened


async def resized(pilot: Pilot[Any], columns: int, lines: int) -> None:
    """Resize the terminal, and wait until the screen is laid out: Textual does so by a timer."""
    await pilot.resize_terminal(columns, lines)
    while pilot.app.screen.outer_size != (columns, lines):
        await pilot.pause()
    await pilot.pause()


@pytest.fixture
def only() -> dict[str, set[str]]:
    """Commands that are for the open file alone, and for the terminal alone: never both."""
    return {
        "file": {"comment", "bookmark", "break", "mark.next", "authors", "save"},
        "terminal": {
            "take", "hand", "history", "look", "ask", "free", "lock", "name", "pin", "record",
            "link", "pan.left", "pan.right", "pan.up", "pan.down",
        },
    }  # fmt: skip


@pytest.fixture
def resize() -> Callable[..., Any]:
    """`await resize(pilot, columns, lines)`."""
    return resized


@pytest.fixture
def settle() -> Callable[..., Any]:
    """`await settle(pilot)`."""
    return settled


def screen_text(pilot: Pilot[Any]) -> str:
    """What a person sees, one line a row, the spaces at the ends left out."""
    rows = pilot.app.screen._compositor.render_strips()
    lines = ["".join(segment.text for segment in row).rstrip() for row in rows]
    return "\n".join(lines).rstrip() + "\n"


@pytest.fixture
def text_of() -> Callable[..., str]:
    """`text_of(pilot)`: the screen as text."""
    return screen_text


@pytest.fixture
def golden() -> Callable[[str, Pilot[Any]], None]:
    """`golden("name", pilot)` compares the screen with tests/app/golden/name.txt.

    With GOLDEN=1 in the environment the file is written anew.
    """
    folder = Path(__file__).parent / "golden"

    def compare(name: str, pilot: Pilot[Any]) -> None:
        text = screen_text(pilot)
        file = folder / f"{name}.txt"
        if os.environ.get("GOLDEN"):
            folder.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
        assert text == file.read_text(encoding="utf-8")

    return compare


async def crowd(pilot: Pilot[Any], studio: StagedStudio) -> None:
    """Two people, an open file, a terminal, meters, a job with its log and curve."""
    studio.measure()
    studio.logs["j1"] = b"".join(
        f"step {step}/400  loss {4.2 - step / 50:.3f}\n".encode() for step in range(0, 100, 10)
    )
    studio.curves["j1"] = {"train_loss": [(step, 4.2 - step / 200) for step in range(0, 400, 10)]}
    studio.list_job("j0", "baseline", "succeeded", started=NOW - 5000, ended=NOW - 4280, cost=0.41)
    studio.list_job("j1", "char-gpt", "running", started=NOW - 200, cost=0.02)
    studio.terminal_entry("t1", driver="bob", driver_connection=2)
    pilot.app.workspace.open_file("train.py")
    await settled(pilot)
    await settled(pilot)
    text = (await studio.file("train.py")).text
    at = text.anchor(str(text).index("loss"))
    studio.arrive(2, "bob", path="train.py", line=14, anchor=at, head=at)
    await settled(pilot)


@pytest.fixture
def fill() -> Callable[..., Any]:
    """`await fill(pilot, studio)`: see `crowd`."""
    return crowd
