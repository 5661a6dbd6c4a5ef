"""Ports that cannot be had are errors with a hint."""

from __future__ import annotations

import asyncio

import pytest

from relay_server.errors import BadSetting, PortTaken
from relay_server.ports import Ports
from relay_server.settings import RelaySettings


async def test_a_port_is_open_until_it_is_shut() -> None:
    ports = Ports(RelaySettings())
    port = await ports.open(0, asyncio.Protocol)
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    with pytest.raises(PortTaken) as caught:
        await Ports(RelaySettings()).open(port, asyncio.Protocol)
    assert "--port" in caught.value.hint
    writer.close()
    ports.shut()
    with pytest.raises(OSError, match=str(port)):
        await asyncio.open_connection("127.0.0.1", port)


async def test_a_host_that_is_none() -> None:
    with pytest.raises(BadSetting, match="no such address"):
        await Ports(RelaySettings(host="no such host")).open(0, asyncio.Protocol)
