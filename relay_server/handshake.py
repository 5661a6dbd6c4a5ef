"""The handshake: what a request says, and what it is answered when it opens no websocket."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, unquote

from websockets.datastructures import Headers
from websockets.frames import CloseCode
from websockets.http11 import Response
from websockets.server import ServerProtocol

from relay_server.wire import Close

if TYPE_CHECKING:
    from websockets.http11 import Request

    from relay_server.health import Answer

_HOST: Final = re.compile(r"[A-Za-z0-9._-]{1,253}(:\d{1,5})?|\[[0-9a-f:]+\](:\d{1,5})?").fullmatch


class Framing(ServerProtocol):
    """The library's protocol, which closes with our own code when a message is too big."""

    def fail(self, code: CloseCode | int, reason: str = "") -> None:
        """See the library."""
        super().fail(Close.TOO_BIG if code == CloseCode.MESSAGE_TOO_BIG else code, reason)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for.

    Attributes:
        path: without the query.
        upgrade: it wants a websocket.
        room: of a y-websocket client; "" for a Hocuspocus one.
        token: of a y-websocket client, in the query or the Authorization header.
        host: the relay's host and port as the client knows them; "" when it says none.
    """

    path: str
    upgrade: bool
    room: str
    token: str
    host: str


def read(request: Request) -> Asked:
    """Reads a request."""
    path, _, query = request.path.partition("?")
    headers = request.headers
    hosts = headers.get_all("Host")
    return Asked(
        path,
        upgrade=headers.get("Upgrade") is not None,
        room=unquote(path).strip("/"),
        token=parse_qs(query).get("token", [""])[0] or _bearer(headers),
        host=hosts[0] if len(hosts) == 1 and _HOST(hosts[0]) else "",
    )


def page(answer: Answer | None) -> Response:
    """The response to a plain GET, whose answer may be that there is nothing."""
    status = HTTPStatus(answer.status) if answer else HTTPStatus.NOT_FOUND
    body = (answer.body if answer else "Nothing here.\n").encode()
    headers = Headers()
    headers["Content-Type"] = answer.content_type if answer else "text/plain"
    headers["Content-Length"] = str(len(body))
    headers["Date"] = formatdate(usegmt=True)
    headers["Connection"] = "close"
    return Response(status, status.phrase, headers, body)


def _bearer(headers: Headers) -> str:
    values = headers.get_all("Authorization")
    scheme, _, token = (values[0] if values else "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
