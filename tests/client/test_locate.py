"""Finding a studio: this user's own, or somebody else's on a relay with a token for it."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from relay_server.invites import InviteBook
from relay_server.serve import Relay, serve
from relay_server.settings import RelaySettings
from studio_tui.client import locate, start
from studio_tui.client.invite import read_invite
from studio_tui.errors import NotFound, Refused, StudioError
from studio_tui.settings import joined, pins, secrets, studios
from studio_tui.settings.studios import StudioRecord
from studio_tui.sync.link import Endpoint
from studio_tui.sync.session import Session

if TYPE_CHECKING:
    from studio_tui.client.sharing import Invitation

    from .conftest import Hosted, Stage


async def test_a_studio_of_this_user(hosted: Hosted) -> None:
    async with locate.attach(hosted.id) as studio:
        assert studio.me is not None
        assert studio.me.role == "owner"
        assert studio.me.name
    async with locate.attach(hosted.id, "cleo") as studio:
        assert studio.me is not None
        assert studio.me.name == "cleo"
    assert joined.all_joined() == []


def test_a_studio_that_nobody_knows_names_the_nearest(hosted: Hosted) -> None:
    near = hosted.id[:-1] + "q"  # which ends no animal's name
    with pytest.raises(NotFound, match=near) as caught:
        locate.attach(near)
    assert hosted.id in caught.value.hint


@pytest.mark.parametrize("id", ["", "../x", "Calm Otter", "x" * 99, "calm-otter/file/f1"])
def test_what_can_be_no_id_is_asked_for_nowhere(id: str) -> None:
    secrets.save_token("ws://127.0.0.1:9", "token")
    with pytest.raises(NotFound):
        locate.attach(id)


def stopped(folder: Path, relay: str | None, url: str, token: str = "token") -> StudioRecord:
    """The record of a studio whose host does not run."""
    file = folder / "token"
    file.write_text(token)
    record = StudioRecord("calm-otter", "work", str(folder), relay, url, str(file), 0, 1.0)
    studios.save(record)
    return record


@pytest.mark.parametrize("relay", [None, "ws://127.0.0.1:9"])
def test_a_studio_that_is_stopped_says_how_to_start_it(tmp_path: Path, relay: str | None) -> None:
    stopped(tmp_path, relay, "ws://127.0.0.1:9")
    with pytest.raises(NotFound, match="calm-otter is not running") as caught:
        locate.attach("calm-otter")
    assert caught.value.hint == f"start it again: studio-tui open {tmp_path}"


async def test_without_the_host_a_teams_relay_is_there_and_ones_own_is_not(tmp_path: Path) -> None:
    stopped(tmp_path, "ws://127.0.0.1:9", "ws://127.0.0.1:9", "mine")
    endpoint = await locate.Own("calm-otter")()
    assert (endpoint.url, endpoint.token) == ("ws://127.0.0.1:9", "mine")
    stopped(tmp_path, None, "ws://127.0.0.1:9")
    with pytest.raises(NotFound, match="not running"):
        await locate.Own("calm-otter")()


# -- somebody else's --------------------------------------------------------------------------


async def test_a_studio_on_a_relay_with_a_token_for_it(stage: Stage) -> None:
    secrets.save_token(stage.relay.url, (await stage.locator("editor")()).token)
    async with locate.attach(stage.id, "bob") as studio:
        assert studio.me is not None
        assert (studio.me.name, studio.me.role) == ("bob", "editor")
        assert [person.name for person in studio.people] == ["bob"]
    assert [(each.id, each.role) for each in joined.all_joined()] == [(stage.id, "editor")]


async def test_a_studio_that_lets_one_in_no_more_is_not_listed(stage: Stage) -> None:
    made = await invitation(stage)
    async with locate.attach(made.invite, "bob") as studio:
        assert [each.relay for each in joined.all_joined()] == [studio.url]
    async with stage.studio("owen") as owner:
        await owner.guests.revoke(made.id)
    assert isinstance(await refused(stage.id), Refused)
    assert joined.all_joined() == []


async def test_it_is_looked_for_on_every_relay(stage: Stage) -> None:
    async with serve(RelaySettings(port=0)) as other:
        nobody = socket.create_server(("127.0.0.1", 0))
        secrets.save_token(f"ws://127.0.0.1:{nobody.getsockname()[1]}", "token")
        nobody.close()
        secrets.save_token(other.url, other.keys.mint(room="*", role="owner"))
        secrets.save_token(stage.relay.url, (await stage.locator("viewer")()).token)
        async with locate.attach(stage.id) as studio:
            assert studio.url == stage.relay.url
            assert not studio.writable


async def test_a_relay_of_the_environment(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDIO_RELAY", stage.relay.url)
    monkeypatch.setenv("STUDIO_RELAY_TOKEN", (await stage.locator("owner")()).token)
    async with locate.attach(stage.id) as studio:
        assert studio.reachable


async def refused(studio: str) -> StudioError:
    """Why a studio cannot be joined."""
    with pytest.raises(StudioError) as caught:
        async with locate.attach(studio):
            pass
    return caught.value


async def test_a_studio_whose_host_is_not_there(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locate, "HOST_SECONDS", 0.05)
    secrets.save_token(stage.relay.url, stage.relay.keys.mint(room="*", role="owner"))
    await stage.lose_host()
    for studio in (stage.id, "never-was"):
        problem = await refused(studio)
        assert isinstance(problem, NotFound)
        assert f"nobody hosts {studio} on {stage.relay.url}" in problem.message


async def test_a_token_for_another_studio_is_refused(stage: Stage) -> None:
    secrets.save_token(stage.relay.url, (await stage.locator("owner")()).token)
    problem = await refused("bold-lynx")
    assert isinstance(problem, Refused)
    assert "not good for this room" in problem.message


async def test_a_relay_that_does_not_answer() -> None:
    secrets.save_token("ws://127.0.0.1:9", "token")
    problem = await refused("calm-otter")
    assert isinstance(problem, NotFound)
    assert problem.message == "relay ws://127.0.0.1:9 does not answer"


async def test_of_several_relays_each_says_why_not(stage: Stage) -> None:
    secrets.save_token("ws://127.0.0.1:9", "token")
    secrets.save_token(stage.relay.url, (await stage.locator("owner")()).token)
    problem = await refused("bold-lynx")
    assert isinstance(problem, NotFound)
    assert "does not answer" in problem.message
    assert "not good for this room" in problem.message


async def test_it_is_found_once_and_then_reached_with_the_token_in_force(stage: Stage) -> None:
    first = (await stage.locator("owner")()).token
    secrets.save_token(stage.relay.url, first)
    locator = locate.locator(stage.id)
    assert await locator() == Endpoint(stage.relay.url, first)
    await stage.lose_host()
    second = (await stage.locator("viewer")()).token
    secrets.save_token(stage.relay.url, second)
    assert await locator() == Endpoint(stage.relay.url, second)
    secrets.forget_token(stage.relay.url)
    with pytest.raises(NotFound, match="no token for") as caught:
        await locator()
    assert caught.value.hint == f"studio-tui login {stage.relay.url}"


async def test_looking_for_a_studio_shows_nobody_to_those_who_are_there(stage: Stage) -> None:
    ana = await stage.attach("ana")
    seen: list[int] = []
    ana.observe(lambda topic: seen.append(len(ana.people)) if topic == "people" else None)
    secrets.save_token(stage.relay.url, (await stage.locator("owner")()).token)
    await locate.locator(stage.id)()
    bob = await stage.attach("bob")
    async with asyncio.timeout(15):
        await ana.until(lambda: len(ana.people) == 2)
    assert bob.me is not None
    assert max(seen) == 2


async def test_two_homes_and_a_team_relay(
    tmp_path: Path, studio_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One person's host and another person's app meet at a relay that is neither's."""
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "a.txt").write_text("from disk\n")
    store = f"sqlite:///{tmp_path}/relay.db"
    async with serve(RelaySettings(port=0, store=store)) as relay:
        secrets.save_token(relay.url, relay.keys.mint(room="*", role="owner"))
        record = await asyncio.to_thread(start.ensure, tmp_path / "work", relay.url)
        try:
            monkeypatch.setenv("STUDIO_HOME", str(tmp_path / "bobs"))
            bobs = relay.keys.mint(room=record.id, role="editor", name="bob")
            secrets.save_token(relay.url, bobs)
            async with locate.attach(record.id) as studio:
                text = await studio.file("a.txt")
                await text.insert(0, "by bob, ")
                await text.flush()
            assert (tmp_path / "work" / "a.txt").read_text() == "by bob, from disk\n"
        finally:
            monkeypatch.setenv("STUDIO_HOME", str(studio_home))
            await asyncio.to_thread(start.stop, record)


def test_the_sessions_of_a_look_are_closed(relay_is_quiet: None) -> None:
    """See the fixture."""


@pytest.fixture
async def relay_is_quiet() -> None:
    async with serve(RelaySettings(port=0)) as relay:
        await _hosted_look(relay)
        async with asyncio.timeout(5):
            while relay.crowd:
                await asyncio.sleep(0.01)


async def _hosted_look(relay: Relay) -> None:
    token = relay.keys.mint(room="*", role="owner")

    async def here() -> Endpoint:
        return Endpoint(relay.url, token)

    async with Session(here, "host", "host") as host:
        room = await host.join("calm-otter")
        room.show({"host": "calm-otter"})
        assert await locate.look("calm-otter", await here()) == relay.url


# -- by an invite -----------------------------------------------------------------------------


async def invitation(stage: Stage, role: str = "editor", name: str | None = None) -> Invitation:
    """A new invite to the stage's studio."""
    async with stage.studio("owen") as owner:
        return await owner.guests.invite(role, 60, name)


async def test_an_invite_lets_in_once_and_the_id_from_then_on(stage: Stage) -> None:
    made = await invitation(stage, "editor")
    attached = locate.attach(made.invite, "bob")
    await attached.find()
    async with attached as studio:
        assert studio.id == stage.id
        assert studio.me is not None
        assert (studio.me.name, studio.me.role) == ("bob", "editor")
    async with locate.attach(stage.id, "bob") as studio:
        assert studio.writable
    assert list(secrets.kept_tokens(stage.id)) == [stage.relay.url]
    assert secrets.kept_tokens() == {}
    problem = await refused(made.invite)
    assert isinstance(problem, Refused)
    assert problem.message == "the invite was used already"
    assert [each.id for each in joined.all_joined()] == [stage.id]
    assert problem.hint == f"you were let in before: studio-tui attach {stage.id}"


async def test_an_invite_that_pins_the_name(stage: Stage) -> None:
    made = await invitation(stage, "viewer", "cleo")
    async with locate.attach(made.invite, "bob") as studio:
        assert studio.me is not None
        assert studio.me.name == "cleo"
        assert not studio.writable


async def test_an_invite_goes_to_its_own_relay_and_needs_no_host(stage: Stage) -> None:
    """A studio of the same id elsewhere, and one's own token for that, do not come into it."""
    made = await invitation(stage, "viewer")
    async with serve(RelaySettings(port=0)) as other:
        secrets.save_token(other.url, other.keys.mint(room="*", role="owner"))
        await stage.lose_host()
        async with locate.attach(made.invite) as studio:
            assert studio.url == stage.relay.url
            assert studio.me is not None
            assert studio.me.role == "viewer"


@pytest.mark.parametrize("why", ["unknown", "used", "revoked", "for another studio"])
async def test_an_invite_that_is_not_taken(why: str, stage: Stage, studio_home: Path) -> None:
    made = await invitation(stage)
    text = made.invite
    match why:
        case "unknown":
            text = f"{stage.relay.url}/{stage.id}#no-such-code"
        case "used":
            await locate.redeem(read_invite(text))
            secrets.forget_token(stage.relay.url, stage.id)
        case "revoked":
            async with stage.studio("owen") as owner:
                await owner.guests.revoke(made.id)
        case _:
            text = text.replace(stage.id, "bold-lynx")
    problem = await refused(text)
    assert isinstance(problem, Refused)
    assert text.partition("#")[2] not in problem.message + problem.hint
    assert "new one" in problem.hint
    assert not secrets.kept_tokens(stage.id)


async def test_an_invite_to_a_relay_with_a_certificate_of_its_own(
    certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    cert, key = certificate
    settings = RelaySettings(port=0, tls_cert=cert, tls_key=key, key_path=tmp_path / "relay.key")
    async with serve(settings) as relay:
        book = InviteBook.beside(settings.key_path)
        _, code = book.make(room="calm-otter", role="editor", expires=60, name=None, by="me")
        invite = read_invite(f"{relay.url}/calm-otter#{code}")
        with pytest.raises(NotFound, match="not trusted, self-signed certificate; .+--ca FILE"):
            await locate.redeem(invite)
        pins.pin(relay.url, cert)
        await locate.redeem(invite)
        token = secrets.kept_tokens("calm-otter")[relay.url]
        assert isinstance(
            await locate.look("calm-otter", Endpoint(relay.url, token, pins.trust(relay.url))),
            NotFound,  # let in, but nobody hosts it
        )


async def test_an_invite_to_a_relay_that_does_not_answer() -> None:
    problem = await refused("ws://127.0.0.1:9/calm-otter#code")
    assert isinstance(problem, NotFound)
    assert problem.message == "relay ws://127.0.0.1:9 does not answer"


async def test_where_no_token_can_be_kept_no_invite_is_used_up(
    stage: Stage, studio_home: Path
) -> None:
    secrets.save_token("ws://box", "token")
    file = studio_home / "config" / "secrets.json"
    file.chmod(0o644)
    made = await invitation(stage)
    assert "others can read" in (await refused(made.invite)).message
    file.chmod(0o600)
    async with locate.attach(made.invite) as studio:
        assert studio.writable


async def test_a_guest_whose_invite_is_revoked_is_put_out(stage: Stage) -> None:
    made = await invitation(stage)
    async with stage.studio("owen") as owner, locate.attach(made.invite, "bob") as studio:
        await owner.guests.revoke(made.id)
        with pytest.raises(Refused):
            async with asyncio.timeout(10):
                await studio.until(lambda: False)
    assert isinstance(await refused(stage.id), Refused)


async def test_a_guest_whose_role_is_changed_comes_back_with_it(stage: Stage) -> None:
    made = await invitation(stage, "editor")
    async with stage.studio("owen") as owner, locate.attach(made.invite, "bob") as studio:
        assert studio.writable
        await owner.command("relay.role", id=made.id, role="viewer")
        async with asyncio.timeout(10):
            await studio.until(lambda: not studio.writable)
            await studio.until(lambda: studio.me is not None and studio.me.role == "viewer")
        assert studio.session.failure is None
