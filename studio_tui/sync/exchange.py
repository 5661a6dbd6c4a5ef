"""One question to the relay, asked once: what an invite is good for, whether it takes a token."""

from __future__ import annotations

import asyncio
import json

from websockets.exceptions import ConnectionClosed

from relay_server import wire
from relay_server.errors import WireError
from studio_tui.document.presence import printable
from studio_tui.errors import NotFound, Refused, StudioError
from studio_tui.sync.link import REASON_CAP, Endpoint, Timing, dial
from studio_tui.sync.room import CLIENT

PREFIX = "invite:"  # of a Token message's token that is a code
PATIENT = Timing()
NO_HISTORY = json.dumps({"history": "-"})
"""Claims a copy of a document that no room has: whoever may join is told so, and has not joined."""


async def exchange(endpoint: Endpoint, room: str, timing: Timing = PATIENT) -> str:
    """The token that an invite is good for; the invite is used up by it.

    Never asked again by itself: when the answer is lost on its way, the invite may be used.

    Args:
        endpoint: the relay; its token is the invite's code.
        room: the studio that the invite names.
        timing: how long things may take.

    Raises:
        NotFound: the relay cannot be reached, or did not answer.
        Refused: it does not take the invite: used, expired, revoked or unknown.
        StudioError: what answers is no relay.
    """
    asked = wire.Token(PREFIX + endpoint.token, CLIENT)
    try:
        answer = await _answer(endpoint, room, asked, timing)
    except TimeoutError as problem:
        raise NotFound(
            f"the relay {endpoint.url} did not answer the invite",
            "try it again; if it is used now, ask for a new one",
        ) from problem
    if isinstance(answer, wire.Issued):
        return answer.token
    reason = answer.reason if isinstance(answer, wire.Denied) else ""
    said = printable(reason, REASON_CAP) or "the relay does not take the invite"
    raise Refused(said, "ask whoever sent it for a new one: studio-tui share")


async def check(endpoint: Endpoint, room: str, timing: Timing = PATIENT) -> None:
    """Ask whether the relay takes a token; nothing is joined.

    Args:
        endpoint: the relay, and the token.
        room: one that the token should be good for.
        timing: how long things may take.

    Raises:
        NotFound: the relay cannot be reached, or did not answer.
        Refused: it does not take the token.
        StudioError: what answers is no relay.
    """
    asked = wire.Token(endpoint.token, CLIENT, NO_HISTORY)
    try:
        answer = await _answer(endpoint, room, asked, timing)
    except TimeoutError as problem:
        raise NotFound(f"the relay {endpoint.url} did not answer", "try it again") from problem
    if isinstance(answer, wire.Denied):
        said = printable(answer.reason, REASON_CAP) or "no reason given"
        raise Refused(
            f"{endpoint.url} does not take the token: {said}",
            "make one on the relay: studio-relay token STUDIO --role owner",
        )


async def _answer(
    endpoint: Endpoint, room: str, asked: wire.Token, timing: Timing
) -> wire.Issued | wire.History | wire.Denied:
    """What the relay says first; TimeoutError when that is nothing."""
    connection = await dial(endpoint, timing)
    try:
        await connection.send(wire.encode(room, asked))
        async with asyncio.timeout(timing.answer):
            while True:
                message = wire.decode(await connection.recv(decode=False))[1]
                if isinstance(message, wire.Issued | wire.History | wire.Denied):
                    return message
    except ConnectionClosed as problem:
        if connection.close_code == wire.Close.TOKEN:
            return wire.Denied(connection.close_reason or "")
        raise TimeoutError from problem
    except WireError as problem:
        raise StudioError(
            f"what answers at {endpoint.url} does not speak the relay's protocol",
            "is the address whole, and are the versions alike?",
        ) from problem
    finally:
        connection.transport.abort()
