"""Finding a studio: this user's own, one on a relay with a token for it, or one by its invite."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Self

from studio_tui.client import relays
from studio_tui.client.invite import Invite, is_invite, read_invite
from studio_tui.client.studio import Studio
from studio_tui.document.presence import read_person
from studio_tui.errors import NotFound, Refused, StudioError
from studio_tui.settings import joined, load, pins, secrets, studios
from studio_tui.settings.joined import Joined
from studio_tui.settings.names import valid_id
from studio_tui.sync.exchange import exchange
from studio_tui.sync.link import Endpoint
from studio_tui.sync.room import Room
from studio_tui.sync.session import Session

JOIN_SECONDS = 5.0
HOST_SECONDS = 1.0

Locator = Callable[[], Awaitable[Endpoint]]
"""Finds a studio's relay; asked again before each attempt to connect, as it may have moved."""


def attach(studio: str, name: str | None = None) -> Studio:
    """The studio with this id or invite, ready to be entered with `async with`.

    Entering raises NotFound when the studio is on a relay and its host is not there, Refused when
    the relay does not let this user in or does not take the invite. An invite is used up by the
    first time that its studio is looked for; afterwards the studio is attached to by its id.

    Args:
        studio: an id such as "calm-otter", or an invite.
        name: display name; the configured one, else the user's login name, when None.

    Raises:
        NotFound: no such studio is known here, or its host is not running.
        UsageFault: it is a damaged invite.
    """
    shown = name or load.person_name(load.load().settings)
    if is_invite(studio):
        invite = read_invite(studio)
        return Visited(invite.studio, Invited(invite), shown)
    found = locator(studio)
    return (Studio if isinstance(found, Own) else Visited)(studio, found, shown)


class Visited(Studio):
    """Somebody else's studio: once it let this user in, it is listed with the user's own."""

    async def __aenter__(self) -> Self:
        try:
            await super().__aenter__()
        except Refused:
            # That an invite is not taken, such as one that was used, says nothing of the studio.
            if not isinstance(self._locate, Invited):
                joined.forget(self.id)
            raise
        role = "" if self.me is None else self.me.role
        joined.remember(Joined(self.id, self.url, self.document.info.name, role))
        return self


def locator(studio: str) -> Locator:
    """What finds the studio's relay.

    Raises:
        NotFound: it is this user's own and does not run, or nobody could know it.
    """
    try:
        record = studios.find(studio)
    except NotFound as unknown:
        if not valid_id(studio) or not relays.tokens(studio):
            raise
        return Elsewhere(studio, unknown)
    if not studios.alive(record):
        raise _stopped(record)
    return Own(studio)


class Own:
    """Where a studio of this user is reached now: a restarted host may listen elsewhere."""

    def __init__(self, studio: str) -> None:
        self._studio = studio

    async def __call__(self) -> Endpoint:
        """The relay.

        Raises:
            NotFound: the host is gone, and its relay with it. Without the host a team's relay
                still has the documents.
        """
        record = studios.find(self._studio)
        if record.relay is None and not studios.alive(record):
            raise _stopped(record)
        return Endpoint(record.url, record.token(), pins.trust(record.url))


class Elsewhere:
    """Where somebody else's studio is reached: at the first of this user's relays that has it.

    Args:
        studio: its id.
        unknown: raised when there is no relay to ask.
        relay: the one that is known to have it; None to look for it.
    """

    def __init__(self, studio: str, unknown: NotFound, relay: str | None = None) -> None:
        self._studio = studio
        self._unknown = unknown
        self._relay = relay

    async def __call__(self) -> Endpoint:
        """The relay; looked for once, and then the same one with the token in force.

        Raises:
            NotFound: no relay has this studio with its host.
            Refused: the one relay there is does not let this user in.
        """
        tokens = relays.tokens(self._studio)
        if self._relay is None:
            self._relay = await self._found(tokens)
        if self._relay not in tokens:
            raise NotFound(
                f"there is no token for {self._relay} any more", f"studio-tui login {self._relay}"
            )
        return Endpoint(self._relay, tokens[self._relay], pins.trust(self._relay))

    async def _found(self, tokens: dict[str, str]) -> str:
        """The first relay to say that it has the studio; a slow one holds up nobody."""
        problems: list[StudioError] = []
        waiting = {
            asyncio.create_task(look(self._studio, Endpoint(url, token, pins.trust(url))))
            for url, token in tokens.items()
        }
        try:
            while waiting:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    found = task.result()
                    if isinstance(found, str):
                        return found
                    problems.append(found)
        finally:
            for task in waiting:
                task.cancel()
            if waiting:
                await asyncio.wait(waiting)
        raise self._nowhere(problems)

    def _nowhere(self, problems: list[StudioError]) -> StudioError:
        if len(problems) < 2:
            return problems[0] if problems else self._unknown
        said = "; ".join(problem.message for problem in problems)
        return NotFound(f"no studio {self._studio!r}: {said}", self._unknown.hint)


class Invited:
    """Where somebody else's studio is reached by an invite, which is exchanged once.

    The token it gives is kept, for this studio at this relay.
    """

    def __init__(self, invite: Invite) -> None:
        self._invite: Invite | None = invite
        unknown = NotFound(f"no studio {invite.studio!r}", "ask for a new invite")
        self._place = Elsewhere(invite.studio, unknown, invite.relay)

    async def __call__(self) -> Endpoint:
        """The relay.

        Raises:
            NotFound: it does not answer.
            Refused: it does not take the invite.
        """
        if self._invite is not None:
            await redeem(self._invite)
            self._invite = None
        return await self._place()


async def redeem(invite: Invite) -> None:
    """Use an invite up, and keep the token that it gives.

    Raises:
        NotFound: the relay cannot be reached.
        Refused: it does not take the invite: used, expired, revoked or unknown.
    """
    # Looked at first: where no token can be kept, no invite is used up.
    before = secrets.kept_tokens(invite.studio)
    if not await _answers(invite.relay):
        raise _silent(invite.relay)
    try:
        endpoint = Endpoint(invite.relay, invite.code, pins.trust(invite.relay))
        token = await exchange(endpoint, invite.studio)
    except Refused as problem:
        if invite.relay in before:
            known = f"you were let in before: studio-tui attach {invite.studio}"
            raise Refused(problem.message, known) from None
        raise
    secrets.save_token(invite.relay, token, invite.studio)
    joined.remember(Joined(invite.studio, invite.relay))


async def look(studio: str, endpoint: Endpoint) -> str | StudioError:
    """The relay's URL if the studio and its host are there, else why it is not to be had."""

    async def here() -> Endpoint:
        return endpoint

    if not await _answers(endpoint.url):
        return _silent(endpoint.url)
    try:
        async with Session(here) as session:
            room = await session.join(studio, timeout=JOIN_SECONDS)
            async with asyncio.timeout(HOST_SECONDS):
                await session.until(lambda: _has_host(room))
    except TimeoutError:
        return NotFound(
            f"nobody hosts {studio} on {endpoint.url} now",
            "is the id right? whoever has its folder starts it: studio-tui open",
        )
    except StudioError as problem:
        return problem
    return endpoint.url


async def _answers(url: str) -> bool:
    """As `relays.answers`, but it can be given up at any time."""
    try:
        async with asyncio.timeout(relays.ANSWER_SECONDS):
            _, writer = await asyncio.open_connection(*relays.address(url))
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


def _has_host(room: Room) -> bool:
    people = (read_person(state) for state in room.presence.values())
    return any(person is not None and person.role == "host" for person in people)


def _silent(url: str) -> NotFound:
    return NotFound(f"relay {url} does not answer", "is it running, and reachable?")


def _stopped(record: studios.StudioRecord) -> NotFound:
    return NotFound(
        f"studio {record.id} is not running", f"start it again: studio-tui open {record.dir}"
    )
