"""Looking at a shared terminal neither takes nor resizes it."""

from __future__ import annotations

from typing import Any

import pytest

from studio_tui.app.widgets.terminal_source import Seen

KEY, SIZE = {"key": "x", "char": "x"}, {"resize": [80, 24]}


@pytest.mark.parametrize(
    ("driver", "driving", "mine", "sent"),
    [
        ({"driver": "ana", "driver_connection": 1}, True, True, [[SIZE], [KEY]]),
        ({}, True, False, [[KEY]]),
        ({"driver": "bob", "driver_connection": 2}, False, False, [[KEY]]),
    ],
)
async def test_only_whoever_has_the_keyboard_sizes_it(
    studio: Any, driver: dict[str, Any], driving: bool, mine: bool, sent: list[Any]
) -> None:
    async with studio:
        studio.terminal_entry("t1", **driver)
        seen = Seen(await studio.terminal("t1"))
        assert (seen.driver, seen.driving, seen.mine) == (driver.get("driver"), driving, mine)
        seen.send([SIZE])
        seen.send([KEY])
        assert [events for _, events in studio.sent] == sent


async def test_what_is_closed_or_offline_is_nobodys(studio: Any) -> None:
    async with studio:
        studio.terminal_entry("t1", driver="ana", driver_connection=1)
        seen = Seen(await studio.terminal("t1"))
        studio.offline()
        assert (seen.driving, seen.mine) == (False, False)
        studio.online()
        assert seen.mine
        studio.document.terminals.remove("t1")
        assert (seen.driver, seen.driving, seen.mine) == (None, False, False)
