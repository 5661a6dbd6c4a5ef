"""Exchanging an invite's code for a token: one question to the relay, asked once."""

from __future__ import annotations

import asyncio

from websockets.exceptions import ConnectionClosed

from relay_server import wire
from relay_server.errors import WireError
from studio_tui.document.presence import printable
from studio_tui.errors import NotFound, Refused, StudioError
from studio_tui.sync.link import REASON_CAP, Endpoint, Timing, dial
from studio_tui.sync.room import CLIENT

PREFIX = "invite:"  # of a Token message's token that is a code
PATIENT = Timing()


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
    connection = await dial(endpoint, timing)
    try:
        await connection.send(wire.encode(room, wire.Token(PREFIX + endpoint.token, CLIENT)))
        async with asyncio.timeout(timing.answer):
            while True:
                message = wire.decode(await connection.recv(decode=False))[1]
                if isinstance(message, wire.Issued):
                    return message.token
                if isinstance(message, wire.Denied):
                    raise _refused(message.reason)
    except (ConnectionClosed, TimeoutError) as problem:
        if connection.close_code == wire.Close.TOKEN:
            raise _refused(connection.close_reason or "") from None
        raise NotFound(
            f"the relay {endpoint.url} did not answer the invite",
            "try it again; if it is used now, ask for a new one",
        ) from problem
    except WireError as problem:
        raise StudioError(
            f"what answers at {endpoint.url} does not speak the relay's protocol",
            "is the invite whole, and are the versions alike?",
        ) from problem
    finally:
        connection.transport.abort()


def _refused(reason: str) -> Refused:
    said = printable(reason, REASON_CAP) or "the relay does not take the invite"
    return Refused(said, "ask whoever sent it for a new one: studio-tui share")
