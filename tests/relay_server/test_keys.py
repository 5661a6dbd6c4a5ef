"""Tokens hold what they were given, until they end, are revoked or get another role."""

from __future__ import annotations

import time
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from relay_server.errors import AccessDenied, BadSetting, RoleChanged, StoreFailed
from relay_server.keys import AUDIENCE, Keys


def test_a_token_says_what_it_was_given() -> None:
    keys = Keys.load(None)
    grant = keys.verify(keys.mint(room="calm-otter", role="editor", name="Ann", expires=60))
    assert (grant.room, grant.role, grant.name) == ("calm-otter", "editor", "Ann")
    assert keys.verify(keys.mint(room="*", role="owner")).name is None


def test_every_token_has_its_own_id() -> None:
    keys = Keys.load(None)
    ids = {keys.verify(keys.mint(room="r", role="viewer")).jti for _ in range(10)}
    assert len(ids) == 10


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
