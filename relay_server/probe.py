"""`python -m relay_server.probe URL`: ends with 0 when it is answered with 200; a health check."""

from __future__ import annotations

import http.client
import ssl
import sys
from urllib.parse import urlsplit

TIMEOUT = 2.0


def answers(url: str) -> bool:
    """Whether a GET of the URL is answered with 200, in time.

    Where a certificate is needed it is not looked at: the probe asks its own machine.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 80
    plain = http.client.HTTPConnection(host, port, timeout=TIMEOUT)
    context = ssl._create_unverified_context()
    secure = http.client.HTTPSConnection(host, port, timeout=TIMEOUT, context=context)
    return any(_answers(connection, parts.path or "/") for connection in (plain, secure))


def _answers(connection: http.client.HTTPConnection, path: str) -> bool:
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(not answers(sys.argv[1]))
