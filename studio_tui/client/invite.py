"""An invite: the line that lets somebody into a studio, once."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote

from studio_tui.errors import UsageFault
from studio_tui.settings.names import valid_id
from studio_tui.settings.secrets import relay_key

HINT = "paste the whole of it, quoted: 'wss://HOST/STUDIO#CODE'"


@dataclass(frozen=True)
class Invite:
    """What `RELAY/STUDIO#CODE` says.

    Attributes:
        relay: the relay's URL, see `secrets.relay_key`.
        studio: the studio's id.
        code: what is exchanged for a token; shown nowhere.
    """

    relay: str
    studio: str
    code: str = field(repr=False)


def is_invite(text: str) -> bool:
    """Whether `text` is meant as an invite; a studio's id never is."""
    return "://" in text


def read_invite(text: str) -> Invite:
    """The invite in `text`.

    Raises:
        UsageFault: it is none, or a part of one; the error never says the code.
    """
    place, _, code = text.strip().partition("#")
    relay, _, room = place.rpartition("/")
    studio = unquote(room)
    if not valid_id(studio):
        raise UsageFault("the invite names no studio", HINT)
    relay = relay_key(relay)
    if not code or not code.isascii() or not code.isprintable() or " " in code:
        raise UsageFault(f"the invite to {studio} has no code", HINT)
    return Invite(relay, studio, code)
