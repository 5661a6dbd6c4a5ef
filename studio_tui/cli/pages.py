"""The app's page and its websocket, for whoever has the token: textual-serve behind a door."""

from __future__ import annotations

import asyncio
import hmac
import secrets
import shlex
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import WSCloseCode, web
from textual_serve.app_service import AppService
from textual_serve.server import Server

LOOPBACK = "127.0.0.1"
COOKIE = "studio-tui"
DRIVER = "studio_tui.app.browser:BrowserDriver"
END_SECONDS = 3.0
"""How long the windows that are open get to leave the studio."""

NO_TOKEN = """403: this page opens by the link that `studio-tui web` printed.

The link of an earlier run is no longer good: each run makes its own.
"""
NOT_HERE = "403: only the page itself may speak to the studio, and this came from another one.\n"
ENTERED = (
    '<!doctype html><meta http-equiv="refresh" content="0; url=./"><a href="./">the studio</a>'
)
# The page's own files alone; without this it would ask a stranger for its font.
CONTENT = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "frame-ancestors 'none'",
    ]
)
HEADERS = {
    "Content-Security-Policy": CONTENT,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Door:
    """Lets in who has the token: by the link at first, by a cookie from then on.

    A browser shows a cookie to every port of a host, and on this one others listen: what a studio
    forwards, say. So everything is below a path that nobody can guess, and the cookie is for that
    path alone.

    Args:
        port: of the page.
    """

    def __init__(self, port: int) -> None:
        self._token = secrets.token_urlsafe(32)
        self.path = f"/{secrets.token_urlsafe(16)}"
        self.link = f"http://{LOOPBACK}:{port}{self.path}/?token={self._token}"

    @web.middleware
    async def admit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """The answer to a request, which is the handler's only for whoever may come in."""
        if request.path == f"{self.path}/" and self._is_token(request.query.get("token", "")):
            return self._entered()
        if not self._is_token(request.cookies.get(COOKIE, "")):
            return web.Response(status=403, text=NO_TOKEN)
        if not self._is_own(request):
            return web.Response(status=403, text=NOT_HERE)
        return await handler(request)

    def _is_token(self, offered: str) -> bool:
        return hmac.compare_digest(offered.encode("utf-8", "replace"), self._token.encode())

    def _entered(self) -> web.Response:
        # No redirect: after one that another site began, the browser would keep the cookie back.
        response = web.Response(text=ENTERED, content_type="text/html")
        response.set_cookie(
            COOKIE, self._token, path=f"{self.path}/", httponly=True, samesite="Strict"
        )
        return response

    @staticmethod
    def _is_own(request: web.Request) -> bool:
        """Whether it is from our own page; only for a websocket must the browser say so."""
        origin = request.headers.get("Origin")
        if origin is None:
            return "Upgrade" not in request.headers
        return urlsplit(origin).netloc == request.host


class Window(AppService):
    """The app of one browser window: a process, and a client of the studio like any other."""

    def _build_environment(self, width: int = 80, height: int = 24) -> dict[str, str]:
        return {**super()._build_environment(width, height), "TEXTUAL_DRIVER": DRIVER}

    async def run(self) -> None:
        """Run the app; when it has ended, the page says so."""
        await super().run()
        await self.remote_close()

    async def stop(self) -> None:
        """End the app, at the latest after a while."""
        assert self._process is not None
        try:
            async with asyncio.timeout(END_SECONDS):
                await super().stop()
        except TimeoutError:
            self._process.kill()
        await self._process.wait()


class Pages(Server):
    """What the browser is served.

    Args:
        command: what shows the studio in a window.
        door: who may come in.
        title: shown until the app is there.
    """

    def __init__(self, command: list[str], door: Door, title: str) -> None:
        super().__init__(f"exec {shlex.join(command)}", title=title)
        self._door = door
        self._open: set[web.WebSocketResponse] = set()

    async def application(self) -> web.Application:
        """Everything behind the door."""
        app = web.Application(middlewares=[self._door.admit])
        app.add_subapp(self._door.path, await super()._make_app())

        async def harden(_: web.Request, response: web.StreamResponse) -> None:
            response.headers.update(HEADERS)

        app.on_response_prepare.append(harden)
        return app

    async def on_startup(self, app: web.Application) -> None:
        """Nothing: the command says what is to be said."""

    async def on_shutdown(self, app: web.Application) -> None:
        """Close the windows; their apps leave the studio."""
        for websocket in list(self._open):
            await websocket.close()

    async def handle_index(self, request: web.Request) -> web.StreamResponse:
        """The page, whose addresses are those that the browser came by: a tunnel has its own."""
        self.public_url = f"http://{request.host}"
        return await super().handle_index(request)

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """One window, from its opening to its end."""
        websocket = web.WebSocketResponse(heartbeat=15)
        await websocket.prepare(request)

        async def close() -> None:
            await websocket.close()

        window = Window(
            self.command,
            write_bytes=websocket.send_bytes,
            write_str=websocket.send_str,
            close=close,
            download_manager=self.download_manager,
        )
        await window.start(*_size(request))
        self._open.add(websocket)
        try:
            await self._process_messages(websocket, window)
        except (ValueError, LookupError, TypeError, AttributeError, AssertionError):
            await websocket.close(code=WSCloseCode.UNSUPPORTED_DATA)  # no page of ours says this
        finally:
            self._open.discard(websocket)
            await window.stop()
        return websocket


def _size(request: web.Request) -> tuple[int, int]:
    """Columns and rows that the page asks for, within reason."""
    asked = (request.query.get("width", ""), request.query.get("height", ""))
    columns, rows = (
        int(text) if text.isascii() and text.isdigit() and len(text) < 4 else usual
        for text, usual in zip(asked, (80, 24), strict=True)
    )
    return max(columns, 20), max(rows, 8)


def command_for(studio: str, person: str | None) -> list[str]:
    """What shows a studio in a window; -P: nothing is imported from the folder it is called in."""
    named = [] if person is None else [f"--as={person}"]
    return [sys.executable, "-P", "-m", "studio_tui", "attach", *named, "--", studio]


async def serve(pages: Pages, listening: socket.socket) -> None:
    """Serve until SIGINT or SIGTERM, then end every window."""
    runner = web.AppRunner(
        await pages.application(), access_log=None, shutdown_timeout=2 * END_SECONDS
    )
    await runner.setup()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        await web.SockSite(runner, listening).start()
        await stop.wait()
    finally:
        await runner.cleanup()
