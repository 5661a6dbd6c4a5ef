"""The host stamps who points, and takes no more than fits."""

from __future__ import annotations

from typing import Any

import pytest

from relay_server.wire import Sender
from studio_tui.document.replica import Replica
from studio_tui.document.studio import StudioDocument
from studio_tui.errors import UsageFault
from studio_tui.host.calls import Params
from studio_tui.host.pointing import pointing


async def test_who_points_where_and_when() -> None:
    document = StudioDocument(Replica())
    method = pointing(document, lambda: 7.0)
    assert method.changes  # so that a viewer may not
    told = {"path": "a.py", "line": 3, "text": "look\x1b[2J\nhere", "by": "mallory"}
    assert await method.answer(Params(told, Sender(1, "ci", "editor"))) == {}
    place = document.point
    assert place is not None
    assert (place.path, place.line, place.text) == ("a.py", 3, "look[2Jhere")
    assert (place.by, place.time) == ("ci", 7.0)


@pytest.mark.parametrize(
    "params", [{}, {"path": "a", "line": -1}, {"path": "a", "text": "x" * 501}, {"path": 7}]
)
async def test_nonsense_is_refused(params: dict[str, Any]) -> None:
    document = StudioDocument(Replica())
    method = pointing(document, lambda: 7.0)
    with pytest.raises(UsageFault):
        await method.answer(Params(params, Sender(1, "ci", "editor")))
    assert document.point is None
