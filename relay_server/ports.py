"""The ports that a relay listens on, with TLS or without."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from typing import TYPE_CHECKING

from relay_server.errors import BadSetting, PortTaken
from relay_server.places import ACCEPTS, QUEUE

if TYPE_CHECKING:
    from collections.abc import Callable

    from relay_server.settings import RelaySettings


class Ports:
    """The open ports of one relay.

    Args:
        settings: tell the host and the certificate.
    """

    def __init__(self, settings: RelaySettings) -> None:
        self._settings = settings
        self._servers: list[asyncio.Server] = []

    async def open(self, port: int, connect: Callable[[], asyncio.BaseProtocol]) -> int:
        """Listens on a port, 0 taking a free one; the port.

        Raises:
            BadSetting: no such host, or a certificate that is none.
            PortTaken: something else listens there.
        """
        host = self._settings.host
        try:
            server = await asyncio.get_running_loop().create_server(
                connect, host, port, ssl=_tls(self._settings), backlog=ACCEPTS
            )
            queue_connections(server)
        except socket.gaierror as error:
            raise BadSetting(
                f"no such address: {host}", "--host 127.0.0.1, or 0.0.0.0 for all"
            ) from error
        except OSError as error:
            raise PortTaken(
                f"cannot listen on {host}:{port}: {_why(error)}",
                "stop what listens there, or choose another with --port (0 takes a free one)",
            ) from error
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    def shut(self) -> None:
        """Lets nobody else in."""
        for server in self._servers:
            server.close()

    async def close(self) -> None:
        """Ends, once every connection has."""
        self.shut()
        for server in self._servers:
            await server.wait_closed()


def queue_connections(server: asyncio.Server) -> None:
    """Lets more connections wait than are accepted in one turn, the two being one to asyncio."""
    for listening in server.sockets:
        with socket.socket(fileno=os.dup(listening.fileno())) as same:
            same.listen(QUEUE)


def _why(error: OSError) -> str:
    return os.strerror(error.errno).lower() if error.errno else str(error)


def _tls(settings: RelaySettings) -> ssl.SSLContext | None:
    if settings.tls_cert is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.tls_cert, settings.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise BadSetting(
            f"certificate {settings.tls_cert} cannot be used: {error}", "give PEM files"
        ) from error
    return context
