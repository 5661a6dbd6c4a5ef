"""Finding a studio by its id: this user's own, or one on a relay that this user is logged in to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from studio_tui.client.studio import Studio
from studio_tui.errors import NotFound
from studio_tui.settings import load, secrets, studios
from studio_tui.sync.link import Endpoint


def attach(studio: str, name: str | None = None) -> Studio:
    """The studio with this id, ready to be entered with `async with`.

    Args:
        studio: an id such as "calm-otter".
        name: display name; the configured one, else the user's login name, when None.

    Raises:
        NotFound: no such studio is known here, or its host is not running.
    """
    settings = load.load().settings
    shown = name or load.person_name(settings)
    return Studio(studio, locator(studio), shown)


def locator(studio: str) -> Callable[[], Awaitable[Endpoint]]:
    """What finds the studio's relay, again before each attempt to connect.

    A restarted host may listen elsewhere, so the address is read each time. The first look is
    taken at once, so that a wrong id fails here.
    """
    endpoint(studio)

    async def locate() -> Endpoint:
        return endpoint(studio)

    return locate


def endpoint(studio: str) -> Endpoint:
    """Where the studio is reached now.

    Raises:
        NotFound: it is unknown, or it is this user's own and its host does not run.
    """
    try:
        record = studios.find(studio)
    except NotFound:
        relay = load.load().settings.relay
        token = secrets.token_for(relay) if relay else None
        if relay and token:
            return Endpoint(relay, token)
        raise
    if record.relay is None and not studios.alive(record):
        raise NotFound(
            f"studio {studio} is not running", f"start it again: studio-tui open {record.dir}"
        )
    return Endpoint(record.url, record.token())
