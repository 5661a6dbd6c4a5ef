"""The door of the app's page: who has the link comes in, and from the page itself."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from studio_tui.cli.pages import Door, Pages, command_for
from studio_tui.cli.web import _listening

APP = """
import sys
print("__GANGLION__", flush=True)
for line in iter(lambda: sys.stdin.buffer.read(1), b""):
    if line == b"q":
        break
"""
"""What textual-serve takes for an app: it ends with its first q, such as that of "quit"."""


@dataclass(frozen=True)
class Site:
    session: aiohttp.ClientSession
    link: str

    @property
    def page(self) -> str:
        return self.link.split("?")[0]

    @property
    def origin(self) -> str:
        return self.page.rpartition("/")[0].rpartition("/")[0]

    async def get(self, address: str, **headers: str) -> tuple[int, str]:
        async with self.session.get(address, headers=headers) as answer:
            return answer.status, await answer.text()

    async def refused(self, **headers: str) -> int:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await self.session.ws_connect(f"{self.page}ws", headers=headers)
        return caught.value.status


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    (tmp_path / "app.py").write_text(APP)
    async with serving([sys.executable, str(tmp_path / "app.py")]) as served:
        yield served


@contextlib.asynccontextmanager
async def serving(command: list[str]) -> AsyncIterator[Site]:
    listening = _listening(0)
    door = Door(listening.getsockname()[1])
    runner = web.AppRunner(
        await Pages(command, door, "a <title>").application(), shutdown_timeout=3
    )
    await runner.setup()
    await web.SockSite(runner, listening).start()
    jar = aiohttp.CookieJar(unsafe=True)  # it would take none from an address in numbers
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        yield Site(session, door.link)
    await runner.cleanup()


async def test_nothing_is_had_without_the_token(site: Site) -> None:
    for path in (
        "",
        "../",
        "ws",
        "static/js/textual.js",
        "download/x",
        "nowhere",
        "?token=",
        "?token=é",
    ):
        status, said = await site.get(site.page + path)
        assert (status, said.splitlines()[0][:4]) == (403, "403:"), path
        assert "the link that `studio-tui web` printed" in said
    assert await site.refused(Origin=site.origin) == 403
    status, _ = await site.get(site.link[:-1])
    assert status == 403
    assert not list(site.session.cookie_jar)


async def test_the_link_lets_in_and_the_address_forgets_it(site: Site) -> None:
    async with site.session.get(site.link) as answer:
        assert answer.status == 200
        cookie = answer.headers["Set-Cookie"]
        assert {"HttpOnly", "SameSite=Strict"} <= set(cookie.split("; "))
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        assert 'url=./"' in await answer.text()
    status, said = await site.get(site.page)
    assert status == 200
    assert f'"ws://{site.page.removeprefix("http://")}ws"' in said
    assert "a &lt;title&gt;" in said
    assert site.link.partition("=")[2] not in said


async def test_another_page_may_not_speak_with_the_cookie(site: Site) -> None:
    await site.get(site.link)
    for origin in ("http://evil.example", "null", f"{site.origin}0", "http://127.0.0.1"):
        assert await site.refused(Origin=origin) == 403
        assert await site.get(site.page, Origin=origin) == (
            403,
            "403: only the page itself may speak to the studio, and this came from another one.\n",
        )
    assert await site.refused() == 403  # no browser leaves it out
    assert (await site.get(site.page))[0] == 200


async def test_no_other_server_on_this_computer_is_shown_the_cookie(site: Site) -> None:
    shown: list[str | None] = []

    async def forwarded(request: web.Request) -> web.Response:
        shown.append(request.headers.get("Cookie"))
        return web.Response()

    app, listening = web.Application(), _listening(0)
    app.router.add_get("/{path:.*}", forwarded)
    other = web.AppRunner(app)
    await other.setup()
    await web.SockSite(other, listening).start()
    await site.get(site.link)
    assert len(site.session.cookie_jar) == 1
    for path in ("", "ws", "static/js/textual.js"):
        await site.get(f"http://127.0.0.1:{listening.getsockname()[1]}/{path}")
    await other.cleanup()
    assert shown == [None] * 3


async def test_a_link_of_another_run_is_no_good(site: Site) -> None:
    status, _ = await site.get(Door(int(site.origin.rpartition(":")[2])).link)
    assert status == 403


@pytest.mark.parametrize("nonsense", ["no json", "{}", "[]", '["stdin"]', '["resize", {}]'])
async def test_nonsense_ends_its_own_window_alone(site: Site, nonsense: str) -> None:
    await site.get(site.link)
    async with (
        site.session.ws_connect(f"{site.page}ws", headers={"Origin": site.origin}) as other,
        site.session.ws_connect(
            f"{site.page}ws?width=999999&height=-1", headers={"Origin": site.origin}
        ) as window,
    ):
        await window.send_str(nonsense)
        closed = await window.receive()
        assert closed.type == aiohttp.WSMsgType.CLOSE
        await other.send_str(json.dumps(["ping", 7]))
        assert json.loads((await other.receive()).data) == ["pong", 7]


async def test_a_window_whose_app_does_not_start_is_closed() -> None:
    async with serving([sys.executable, "-c", "raise SystemExit(3)"]) as site:
        await site.get(site.link)
        async with site.session.ws_connect(
            f"{site.page}ws", headers={"Origin": site.origin}
        ) as window:
            assert (await window.receive()).type == aiohttp.WSMsgType.CLOSE


def test_a_name_and_an_id_are_no_options() -> None:
    assert command_for("calm-otter", "--ca=x")[-4:] == ["attach", "--as=--ca=x", "--", "calm-otter"]
    assert command_for("calm-otter", None)[-3:] == ["attach", "--", "calm-otter"]
