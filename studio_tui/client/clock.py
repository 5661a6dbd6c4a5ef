"""How far this computer's clock is off a relay's: what the relay's own answer says of the time."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime

from studio_tui.client.relays import ANSWER_SECONDS, address
from studio_tui.settings.pins import trust


def skew(
    url: str, timeout: float = ANSWER_SECONDS, clock: Callable[[], float] = time.time
) -> float | None:
    """Seconds that the clock here is ahead of the relay's, at least; below 0 when it is behind.

    None when the relay does not answer in time, or does not tell: then something else is wrong.
    """
    host, port = address(url)
    connection = (
        http.client.HTTPSConnection(host, port, timeout=timeout, context=trust(url))
        if url.startswith("wss:")
        else http.client.HTTPConnection(host, port, timeout=timeout)
    )
    try:
        before = clock()
        connection.request("GET", "/healthz")
        told = connection.getresponse().getheader("Date") or ""
        after = clock()
        there = parsedate_to_datetime(told).timestamp()
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
    # The relay counts whole seconds, and looked at its clock at some time between the two.
    if before > there + 1:
        return before - (there + 1)
    return min(after - there, 0.0)
