"""The studio document: registries of files, terminals, jobs and machines, and the chat."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any, Generic, TypeVar

from pycrdt import Array, Map, MapEvent

from studio_tui.document.entries import (
    ChatMessage,
    Entry,
    FileEntry,
    JobEntry,
    LessonEntry,
    MachineEntry,
    PinEntry,
    PipelineEntry,
    PointEntry,
    PortEntry,
    QuestionEntry,
    ScheduleEntry,
    SleepEntry,
    StudioInfo,
    SwitchEntry,
    TerminalEntry,
    read_as,
)
from studio_tui.document.remarks import COMMENTS_CAP, MARKS_CAP, CommentEntry, MarkEntry
from studio_tui.document.replica import Replica, Unsubscribe, unsubscribing
from studio_tui.document.share import shared

CHAT_CAP = 1000
INFO = "studio"
SWITCH = "last"
POINT = "last"

E = TypeVar("E", bound=Entry)


class Registry(Mapping[str, E], Generic[E]):
    """One map of the studio document: id -> entry.

    Each value is one dict with one writer, the host; a pin's, comment's or mark's is whoever made
    it, but anybody may resolve a comment, and a lesson's is whoever sees that a step is done.
    Single-key overwrites by one writer merge their tombstones, so the document stays small however
    often a value changes. A value that is no dict was written by a stranger, and counts as absent.

    Args:
        most: of more entries those that are `shared` out to everybody are all that is listed.
    """

    def __init__(self, replica: Replica, root: str, kind: type[E], most: int | None = None) -> None:
        self._map: Map[Any] = replica.doc.get(root, type=Map)
        self._kind = kind
        self._most = most

    def __getitem__(self, key: str) -> E:
        value = self._map.get(key)
        if not isinstance(value, dict):
            raise KeyError(key)
        return self._kind.read({**value, "id": key})

    def __iter__(self) -> Iterator[str]:
        sound = {key: value for key, value in self._map.items() if isinstance(value, dict)}
        return iter(sorted(sound) if self._most is None else shared(sound, self._most))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @property
    def left_out(self) -> int:
        """How many entries there are beside those that are listed."""
        sound = sum(1 for value in self._map.values() if isinstance(value, dict))
        return 0 if self._most is None else max(0, sound - self._most)

    def put(self, entry: E) -> None:
        """Store `entry` under its id; nothing is written when it is there already."""
        if self.get(entry.id) != entry:
            self._map[entry.id] = entry.plain()

    def remove(self, key: str) -> None:
        """Forget `key`; an unknown one is fine."""
        if key in self._map:
            del self._map[key]

    def observe(self, callback: Callable[[set[str]], None]) -> Unsubscribe:
        """Call `callback(ids)` with the ids that a transaction changed, added or removed."""

        def changed(event: MapEvent) -> None:
            callback(set(event.keys))  # type: ignore[attr-defined]

        return unsubscribing(self._map, self._map.observe(changed))


class StudioDocument:
    """Everything about a studio that must never be lost, and that changes on transitions only."""

    def __init__(self, replica: Replica) -> None:
        self.replica = replica
        self.files = Registry(replica, "files", FileEntry)
        self.terminals = Registry(replica, "terminals", TerminalEntry)
        self.jobs = Registry(replica, "jobs", JobEntry)
        self.machines = Registry(replica, "machines", MachineEntry)
        self.questions = Registry(replica, "questions", QuestionEntry)
        self.pins = Registry(replica, "pins", PinEntry)
        self.ports = Registry(replica, "ports", PortEntry)
        self.pipelines = Registry(replica, "pipelines", PipelineEntry)
        self.schedules = Registry(replica, "schedules", ScheduleEntry)
        self.sleeps = Registry(replica, "sleeps", SleepEntry)
        self.comments = Registry(replica, "comments", CommentEntry, COMMENTS_CAP)
        self.marks = Registry(replica, "marks", MarkEntry, MARKS_CAP)
        self.lessons = Registry(replica, "lessons", LessonEntry)
        self._meta = Registry(replica, "meta", StudioInfo)
        self._switches = Registry(replica, "switches", SwitchEntry)
        self._points = Registry(replica, "points", PointEntry)
        self._chat: Array[Any] = replica.doc.get("chat", type=Array)

    @property
    def info(self) -> StudioInfo:
        """The studio's own entry; empty until the host has written it."""
        return self._meta.get(INFO) or StudioInfo(INFO)

    @info.setter
    def info(self, value: StudioInfo) -> None:
        self._meta.put(value)

    @property
    def switch(self) -> SwitchEntry | None:
        """The studio's way to another machine, under way or the last; None when there was none."""
        return self._switches.get(SWITCH)

    @switch.setter
    def switch(self, value: SwitchEntry) -> None:
        self._switches.put(value)

    @property
    def point(self) -> PointEntry | None:
        """Where somebody pointed last; None when nobody has."""
        return self._points.get(POINT)

    @point.setter
    def point(self, value: PointEntry) -> None:
        self._points.put(value)

    def take_over(self, before: StudioDocument) -> None:
        """Become what the studio was on another relay; nothing changes where it is that already.

        What the host wrote there alone counts, and what people wrote here stays beside it. Open
        files are not taken: their texts are in rooms that this relay does not have.
        """
        for mine, theirs in zip(self._of_host(), before._of_host(), strict=True):
            for key in set(mine) - set(theirs):
                mine.remove(key)
            _add(mine, theirs)
        for mine, theirs in zip(self._of_people(), before._of_people(), strict=True):
            _add(mine, theirs)
        with self.replica.doc.transaction():
            for message in [] if self.chat else before.chat:
                self._chat.append(asdict(message))

    def _of_host(self) -> list[Registry[Any]]:
        return [
            self.terminals, self.jobs, self.machines, self.ports, self.pipelines, self.schedules,
            self.sleeps, self._meta, self._switches,
        ]  # fmt: skip

    def _of_people(self) -> list[Registry[Any]]:
        return [self.pins, self.comments, self.marks, self.lessons]

    def say(self, person: str, text: str, time: float) -> None:
        """Add a chat message; the oldest leave when there are more than `CHAT_CAP`."""
        with self.replica.doc.transaction():
            self._chat.append(asdict(ChatMessage(person, text, time)))
            excess = len(self._chat) - CHAT_CAP
            if excess > 0:
                del self._chat[:excess]

    @property
    def chat(self) -> list[ChatMessage]:
        """The messages, oldest first."""
        return [read_as(ChatMessage, item) for item in self._chat if isinstance(item, dict)]

    def observe(self, callback: Callable[[], None]) -> Unsubscribe:
        """Call `callback()` after any change to the studio document."""
        registries: list[Registry[Any]] = [
            self.files, self.questions, self._points, *self._of_host(), *self._of_people(),
        ]  # fmt: skip
        stops = [registry.observe(lambda _: callback()) for registry in registries]
        stops.append(unsubscribing(self._chat, self._chat.observe(lambda _: callback())))

        def stop() -> None:
            for each in stops:
                each()

        return stop


def _add(mine: Registry[E], theirs: Registry[E]) -> None:
    for entry in theirs.values():
        mine.put(entry)
