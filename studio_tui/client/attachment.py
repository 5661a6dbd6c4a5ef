"""One connection to a studio: the document, the people, and the host that answers."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Literal, Self

from studio_tui.client.followed import Followed, Shared
from studio_tui.document.presence import Gaze, Person, read_person, write_gaze
from studio_tui.document.studio import StudioDocument
from studio_tui.errors import NotFound, StudioError
from studio_tui.sync import Stream
from studio_tui.sync.link import Endpoint
from studio_tui.sync.session import Session

Topic = Literal["link", "people", "document", "meters", "saved", "switch", "findings"]

PRESENCE_PERIOD = 0.05
STAMP_SECONDS = 5.0
LISTED_SECONDS = 5.0
NEWS_SECONDS = 2.0
DELIVERY_SECONDS = 5.0


class Attachment:
    """What all that one does in a studio goes through; use as an async context manager.

    Leaving waits a moment for edits that are on their way, and raises StudioError when they did
    not reach the relay; leaving because of an error waits for nothing.

    Args:
        id: the studio's id, also its relay room.
        locate: finds the relay, see `studio_tui.sync.link.Link`; what it raises, entering raises.
        name: display name to ask for.
    """

    def __init__(self, id: str, locate: Callable[[], Awaitable[Endpoint]], name: str = "") -> None:
        self.id = id
        self.session = Session(locate, name)
        self._locate = locate
        self._room = self.session.room(id)
        self.document = StudioDocument(self._room.replica)
        self._observers: dict[int, Callable[[Topic], None]] = {}
        self._observer_ids = itertools.count()
        self._heard: dict[str, tuple[Topic, Callable[[bytes], bool]]] = {}
        self._followed = Followed(self.session)
        self._people: list[Person] = []
        self._gaze = Gaze()
        self._attention = ("", 0)
        self._gaze_timer: asyncio.TimerHandle | None = None
        self._room.on_presence = self._presence_changed
        self._room.on_stream = self._streamed
        self._stop_document = self.document.observe(self._document_changed)
        self._was: tuple[Any, ...] = ()
        self.session.on_change = self._session_changed

    async def __aenter__(self) -> Self:
        # The link would ask for ever; a studio that is not there is told at once.
        await self.find()
        await self.session.__aenter__()
        self._room.show(write_gaze(self._gaze, *self._attention))
        try:
            await self.session.join(self.id)
            # Roles and seats go by connection: what is done next may depend on ours.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STAMP_SECONDS):
                    await self.until(lambda: self.me is not None)
        except BaseException:
            await self._leave()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                await self._delivered()
        finally:
            await self._leave()

    async def find(self) -> None:
        """Find the studio without entering it; raises what entering would when it is not there."""
        await self._locate()

    async def _delivered(self) -> None:
        """Give what was written here last a moment to reach the relay."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DELIVERY_SECONDS):
                await self.until(lambda: not self.undelivered)
        if self.undelivered:
            raise StudioError(
                f"{self.undelivered} of the last edits did not reach the relay and are lost",
                "wait for `await file.saved()` before leaving",
            )

    async def _leave(self) -> None:
        if self._gaze_timer is not None:
            self._gaze_timer.cancel()
        self._stop_document()
        self._followed.release()
        await self.session.__aexit__(None, None, None)

    # -- state --------------------------------------------------------------------------------

    @property
    def state(self) -> str:
        """ "connecting", "live" or "offline"."""
        return self.session.state.value

    @property
    def reason(self) -> str:
        """Why the studio is offline; empty while it is live."""
        return self.session.link.reason

    @property
    def url(self) -> str:
        """The relay's address, as of the last attempt to connect."""
        return self.session.link.url

    @property
    def round_trip(self) -> float | None:
        """Seconds from here to the relay and back; None while offline or not yet measured."""
        return self.session.link.round_trip

    @property
    def unsaved(self) -> int:
        """Edits made here that the relay has not yet confirmed as durable."""
        return self.session.unsaved

    @property
    def undelivered(self) -> int:
        """Those of the unsaved edits that the relay has not even taken in."""
        return sum(room.undelivered for room in self.session.rooms.values())

    @property
    def store_failed(self) -> bool:
        """The relay has edits of ours that it could not write to its disk."""
        return any(room.store_failed for room in self.session.rooms.values())

    @property
    def problem(self) -> StudioError | None:
        """What keeps edits made here from the relay, other than the link; None when nothing."""
        found = (room.problem for room in self.session.rooms.values())
        return next(filter(None, found), None)

    @property
    def people(self) -> list[Person]:
        """Everybody here, the studio's host left out, in the order they came."""
        return [person for person in self._people if person.role != "host"]

    @property
    def me(self) -> Person | None:
        """This connection as the relay stamped it; None until it is live."""
        state = self._room.presence.get(self._room.replica.client_id)
        return None if state is None else read_person(state)

    @property
    def host_here(self) -> bool:
        """Whether the studio's host is connected: without it there are documents but no hands."""
        return self.host_connection is not None

    @property
    def host_connection(self) -> int | None:
        """The number of the host's connection."""
        return next((p.connection for p in reversed(self._people) if p.role == "host"), None)

    @property
    def reachable(self) -> bool:
        """Whether calls are answered now: the link is up and the host is here."""
        return self.state == "live" and self.host_here

    @property
    def writable(self) -> bool:
        """False for a viewer."""
        return self._room.writable

    def observe(self, callback: Callable[[Topic], None]) -> Callable[[], None]:
        """Call `callback(topic)` after every change; the returned function ends it."""
        key = next(self._observer_ids)
        self._observers[key] = callback

        def stop() -> None:
            self._observers.pop(key, None)

        return stop

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until `condition()` holds, looked at after everything that arrives.

        Raises:
            StudioError: the relay has closed the connection for good; what `condition` raises.
        """
        await self.session.until(condition)

    async def _listed(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for the document to show what a call just made: it travels beside the reply."""
        try:
            async with asyncio.timeout(LISTED_SECONDS):
                await self.until(condition)
        except TimeoutError:
            hint = f"see: studio-tui status {self.id}"
            raise NotFound(f"there is no {what} in {self.id}", hint) from None

    def forget(self, shared: Shared) -> None:
        """Leave the room of something that nobody here follows any more."""
        self._followed.forget(shared)

    # -- asking the host ----------------------------------------------------------------------

    async def query(self, method: str, **params: Any) -> dict[str, Any]:
        """Ask the host something that changes nothing; viewers may.

        Raises:
            StudioError: the host's own error; NotFound when it is away or the link is down.
        """
        return await self.session.call(self.id, method, params, changes=False)

    async def command(self, method: str, **params: Any) -> dict[str, Any]:
        """Have the host do something; owners and editors may. Raises as `query` does."""
        return await self.session.call(self.id, method, params, changes=True)

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """As `query`, but waits while the host cannot be reached, then asks again."""
        while True:
            await self.until(lambda: self.reachable)
            host = self.host_connection
            try:
                return await self.query(method, **params)
            except NotFound:
                if not await self._has_left(host):
                    raise

    async def _has_left(self, host: int | None) -> bool:
        """Whether `host` has left: the refusal of a call may be ahead of the news of that."""
        try:
            async with asyncio.timeout(NEWS_SECONDS):
                await self.until(lambda: not self.reachable or self.host_connection != host)
        except TimeoutError:
            return False
        return True

    # -- presence -----------------------------------------------------------------------------

    def look(self, gaze: Gaze) -> None:
        """Show the others what this person looks at; at most 20 times a second leave here."""
        if gaze != self._gaze:
            self._gaze = gaze
            self._publish_soon()

    def attend(self, place: str, following: int = 0) -> None:
        """Show the others which place of the screen has this person's keys, and whom they follow.

        Args:
            place: its id; "" for no screen.
            following: the connection of another person, 0 for nobody.
        """
        if (place, following) != self._attention:
            self._attention = place, following
            self._publish_soon()

    def _publish_soon(self) -> None:
        if self._gaze_timer is None:
            loop = asyncio.get_running_loop()
            self._gaze_timer = loop.call_later(PRESENCE_PERIOD, self._publish_gaze)

    def _publish_gaze(self) -> None:
        self._gaze_timer = None
        # What is too long to be shown, such as a very deep path, is not.
        with contextlib.suppress(ValueError):
            self._room.show(write_gaze(self._gaze, *self._attention))

    def _presence_changed(self) -> None:
        people = [read_person(state) for state in self._room.presence.values()]
        self._people = sorted((p for p in people if p is not None), key=lambda p: p.connection)
        self._tell("people")

    # -- what arrives -------------------------------------------------------------------------

    def _hear(self, stream: str, topic: Topic, take: Callable[[bytes], bool]) -> None:
        """Have `take` given what the host streams; observers are told `topic` if it returns so."""
        self._heard[stream] = topic, take

    def _streamed(self, message: Stream) -> None:
        if message.stream in self._heard:
            topic, take = self._heard[message.stream]
            if take(message.data):
                self._tell(topic)

    def _document_changed(self) -> None:
        self._followed.forget_gone()
        self._tell("document")

    def _session_changed(self) -> None:
        link = (self.state, self.reason, self.round_trip)
        problem = self.problem
        saved = (self.unsaved, self.store_failed, problem and problem.message)
        before, self._was = self._was, (link, saved)
        if not before or before[0] != link:
            self._tell("link")
        if not before or before[1] != saved:
            self._tell("saved")

    def _tell(self, topic: Topic) -> None:
        for callback in list(self._observers.values()):
            callback(topic)
