"""What takes time is done beside the loop, and nothing of it is lost at the end."""

from __future__ import annotations

import asyncio
import threading

from relay_server.errands import Errands
from relay_server.errors import InvalidUpdate
from relay_server.validate import Walked


async def test_an_errand_is_done_elsewhere_and_goes_on_here() -> None:
    errands = Errands(asyncio.get_running_loop())
    told: list[tuple[int, int]] = []
    errands.run(threading.get_ident, lambda there: told.append((there, threading.get_ident())))
    await errands.settle()
    ((there, here),) = told
    assert there != here == threading.get_ident()


async def test_a_walk_says_what_it_found() -> None:
    errands = Errands(asyncio.get_running_loop())
    told: list[Walked | InvalidUpdate] = []
    errands.walk(b"\0\0", told.append)
    errands.walk(b"\xff", told.append)
    await errands.settle()
    good, bad = told
    assert good == b"\0\0"
    assert isinstance(bad, InvalidUpdate)
