"""Tokens hold what they were given, and the table of roles is the whole matrix."""

from __future__ import annotations

import time
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from relay_server import wire
from relay_server.access import AUDIENCE, ROLES, Grant, Keys, Policy, authorize
from relay_server.errors import AccessDenied, BadSetting, RoleChanged, StoreFailed
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


def test_a_token_says_what_it_was_given() -> None:
    keys = Keys.load(None)
    grant = keys.verify(keys.mint(room="calm-otter", role="editor", name="Ann", expires=60))
    assert (grant.room, grant.role, grant.name) == ("calm-otter", "editor", "Ann")
    assert keys.verify(keys.mint(room="*", role="owner")).name is None


def test_every_token_has_its_own_id() -> None:
    keys = Keys.load(None)
    ids = {keys.verify(keys.mint(room="r", role="viewer")).jti for _ in range(10)}
    assert len(ids) == 10


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


def test_a_token_ends() -> None:
    now = [1000.0]
    keys = Keys(Ed25519PrivateKey.generate(), clock=lambda: now[0])
    token = keys.mint(room="r", role="editor", expires=60)
    keys.verify(token)
    now[0] += 61
    with pytest.raises(AccessDenied, match="expired"):
        keys.verify(token)


def test_a_token_is_revoked_in_every_process(tmp_path: Path) -> None:
    ours, theirs = Keys.load(tmp_path / "key.pem"), Keys.load(tmp_path / "key.pem")
    token = ours.mint(room="r", role="editor")
    grant = theirs.verify(token)
    assert not theirs.refresh()
    ours.revoke(grant.jti)
    assert theirs.refresh()
    with pytest.raises(AccessDenied, match="revoked"):
        theirs.verify(token)
    with pytest.raises(AccessDenied, match="revoked"):
        Keys.load(tmp_path / "key.pem").verify(token)


def test_a_role_is_changed_in_every_process(tmp_path: Path) -> None:
    ours, theirs = Keys.load(tmp_path / "key.pem"), Keys.load(tmp_path / "key.pem")
    token = ours.mint(room="r", role="editor", id="abc")
    grant = theirs.verify(token)
    ours.change_role("abc", "viewer")
    assert ours.role("abc") == "viewer"
    assert theirs.refresh()
    assert not theirs.refresh()
    with pytest.raises(RoleChanged):
        theirs.check(grant)
    for keys in (ours, theirs, Keys.load(tmp_path / "key.pem")):
        assert keys.verify(token).role == "viewer"
        keys.check(keys.verify(token))
    ours.change_role("abc", "editor")
    theirs.refresh()
    theirs.check(grant)
    ours.revoke("abc")
    with pytest.raises(AccessDenied, match="revoked"):
        ours.verify(token)


@pytest.mark.parametrize("id", ["", "a b", "a\nb", "x" * 65, "ü"])
def test_what_can_be_no_id_is_not_written_down(tmp_path: Path, id: str) -> None:
    keys = Keys.load(tmp_path / "key.pem")
    with pytest.raises(BadSetting):
        keys.revoke(id)
    with pytest.raises(BadSetting):
        keys.change_role(id, "viewer")
    with pytest.raises(BadSetting):
        keys.change_role("abc", "root")
    assert not (tmp_path / "key.pem.revoked").exists()


def test_a_revocation_that_cannot_be_written_holds_and_is_an_error(tmp_path: Path) -> None:
    keys = Keys.load(tmp_path / "key.pem")
    token = keys.mint(room="r", role="editor", id="abc")
    (tmp_path / "key.pem.revoked").mkdir()
    with pytest.raises(StoreFailed):
        keys.revoke("abc")
    with pytest.raises(AccessDenied):
        keys.verify(token)


def test_steps_of_the_clock_touch_the_expiry_alone() -> None:
    now = [1_000_000.0]
    keys = Keys(Ed25519PrivateKey.generate(), clock=lambda: now[0])
    token = keys.mint(room="r", role="editor", expires=60)
    now[0] -= 3600  # made in what is now the future
    assert keys.verify(token).role == "editor"
    assert Keys(keys._private, clock=lambda: now[0]).verify(token).role == "editor"


def _forged(**changes: object) -> str:
    claims = {"aud": AUDIENCE, "room": "r", "role": "owner", "exp": time.time() + 60, "jti": "x"}
    claims.update(changes)
    claims = {key: value for key, value in claims.items() if value is not None}
    return jwt.encode(claims, KEY, algorithm="EdDSA")


KEY = Ed25519PrivateKey.generate()


@pytest.mark.parametrize(
    "token",
    [
        "",
        "garbage",
        "a.b.c",
        jwt.encode({"aud": AUDIENCE}, "x" * 40, algorithm="HS256"),
        jwt.encode({"aud": AUDIENCE, "room": "r", "role": "owner"}, None, algorithm="none"),
        _forged(aud="another"),
        _forged(jti=None),
        _forged(exp=None),
        _forged(role="root"),
        _forged(role=None),
        _forged(room=""),
        _forged(sub="x" * 3, room=7),
    ],
)
def test_what_is_not_ours_is_refused(token: str) -> None:
    with pytest.raises(AccessDenied):
        Keys(KEY).verify(token)


def test_a_forgery_differs_in_its_key_alone() -> None:
    assert Keys(KEY).verify(_forged()).role == "owner"
    with pytest.raises(AccessDenied):
        Keys.load(None).verify(_forged())


def test_the_key_file_is_private_and_stays_the_same(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "key.pem"
    token = Keys.load(path).mint(room="r", role="editor")
    assert path.stat().st_mode & 0o777 == 0o600
    assert Keys.load(path).verify(token).room == "r"
    assert [p.name for p in path.parent.iterdir()] == ["key.pem"]


def test_a_key_file_that_others_read_is_refused(tmp_path: Path) -> None:
    Keys.load(tmp_path / "key.pem")
    (tmp_path / "key.pem").chmod(0o644)
    with pytest.raises(BadSetting, match="read by others"):
        Keys.load(tmp_path / "key.pem")


def test_a_file_that_is_no_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_text("hello")
    path.chmod(0o600)
    with pytest.raises(BadSetting):
        Keys.load(path)


@pytest.mark.parametrize("wrong", [{"role": "root"}, {"room": ""}, {"expires": 0}])
def test_tokens_that_make_no_sense_are_not_made(wrong: dict[str, object]) -> None:
    with pytest.raises(BadSetting):
        Keys.load(None).mint(**{"room": "r", "role": "editor", "expires": 1, **wrong})
