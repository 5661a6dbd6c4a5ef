"""The table of roles is the whole matrix, and a grant is good for what it names."""

from __future__ import annotations

import pytest

from relay_server import wire
from relay_server.access import ROLES, Grant, Policy, authorize
from relay_server.errors import AccessDenied
from relay_server.lobby import policy_of
from relay_server.wire import Level

MESSAGES: dict[str, wire.Message] = {
    "Token": wire.Token("t"),
    "Granted": wire.Granted("read-write"),
    "Denied": wire.Denied("no"),
    "Step1": wire.Step1(b"\0"),
    "Step2": wire.Step2(b"\0\0"),
    "Update": wire.Update(b"\0\0"),
    "Awareness": wire.Awareness(()),
    "QueryAwareness": wire.QueryAwareness(),
    "Stateless": wire.Stateless(""),
    "CloseRoom": wire.CloseRoom(),
    "SyncStatus": wire.SyncStatus(True),
    "Ping": wire.Ping(),
    "Pong": wire.Pong(),
    "Stream": wire.Stream("input", 0, b""),
    "command": wire.Call(1, "m", b"", True),
    "query": wire.Call(1, "m", b"", False),
    "Reply": wire.Reply(1, True, b""),
    "Ack": wire.Ack(1, Level.DISK),
    "Issued": wire.Issued("t"),
    "History": wire.History("h"),
    "admission": wire.Call(1, "relay.invite", b"", True),
    "admission query": wire.Call(1, "relay.invites", b"", False),
}
ALL = "Step1 Awareness QueryAwareness CloseRoom Ping Pong query".split()
LETS_IN = ["admission", "admission query"]
DOCUMENT = ALL + "Step2 Update command Stream".split()
HOST_WRITES = ALL + "command Stream".split()
MATRIX = {
    ("calm-otter", "host"): [*DOCUMENT, *LETS_IN, "Reply"],
    ("calm-otter", "owner"): [*DOCUMENT, *LETS_IN],
    ("calm-otter", "editor"): DOCUMENT,
    ("calm-otter", "viewer"): ALL,
    ("calm-otter/file/1@0", "host"): [*DOCUMENT, *LETS_IN, "Reply"],
    ("calm-otter/file/1@0", "owner"): [*DOCUMENT, *LETS_IN],
    ("calm-otter/file/1@0", "editor"): DOCUMENT,
    ("calm-otter/file/1@0", "viewer"): ALL,
    ("calm-otter/term/1", "host"): [*DOCUMENT, *LETS_IN, "Reply"],
    ("calm-otter/term/1", "owner"): [*HOST_WRITES, *LETS_IN],
    ("calm-otter/term/1", "editor"): HOST_WRITES,
    ("calm-otter/term/1", "viewer"): ALL,
    ("calm-otter/job/1", "host"): [*DOCUMENT, *LETS_IN, "Reply"],
    ("calm-otter/job/1", "owner"): [*HOST_WRITES, *LETS_IN],
    ("calm-otter/job/1", "editor"): HOST_WRITES,
    ("calm-otter/job/1", "viewer"): ALL,
}


def test_the_matrix_knows_every_message() -> None:
    kinds = {type(m) for m in MESSAGES.values()}
    assert kinds == set(wire.Message.__args__)


@pytest.mark.parametrize("kind", MESSAGES)
@pytest.mark.parametrize("room", sorted({room for room, _ in MATRIX}))
@pytest.mark.parametrize("role", [*ROLES, "", "root"])
def test_role_by_message(room: str, role: str, kind: str) -> None:
    allowed = MATRIX[room, role] if role in ROLES else []
    assert authorize(role, MESSAGES[kind], policy_of(room)) == (kind in allowed)


def test_rooms_that_a_host_can_rebuild_are_not_journaled() -> None:
    assert policy_of("calm-otter").journaled
    assert policy_of("calm-otter/file/1@0").journaled
    assert not policy_of("calm-otter/term/1").journaled
    assert not policy_of("calm-otter/port/1").journaled
    assert policy_of("term/1") == Policy()  # a studio of that name


@pytest.mark.parametrize(
    ("prefix", "room", "covered"),
    [
        ("calm-otter", "calm-otter", True),
        ("calm-otter", "calm-otter/file/1@0", True),
        ("calm-otter", "calm-otters", False),
        ("calm-otter", "calm", False),
        ("calm-otter/file", "calm-otter", False),
        ("*", "anything/at all", True),
    ],
)
def test_a_prefix_covers_whole_names(prefix: str, room: str, covered: bool) -> None:
    assert Grant(None, "editor", prefix, 0, "x").covers(room) == covered


def test_who_may_take_which_role() -> None:
    takes = {
        role: {other for other in ROLES if _may(Grant(None, role, "*", 0, "x"), other)}
        for role in ROLES
    }
    assert takes == {
        "owner": set(ROLES),
        "host": {"host", "viewer"},
        "editor": {"editor", "viewer"},
        "viewer": {"viewer"},
    }
    assert Grant(None, "editor", "*", 0, "x").assume("") == "editor"
    assert not _may(Grant(None, "owner", "*", 0, "x"), "root")


def _may(grant: Grant, role: str) -> bool:
    try:
        return grant.assume(role) == role
    except AccessDenied:
        return False
