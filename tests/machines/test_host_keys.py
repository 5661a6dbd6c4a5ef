"""Known, new, changed, revoked: what a host's key is, and what is said about it."""

from __future__ import annotations

import stat
from pathlib import Path

import asyncssh
import pytest

from studio_tui.machines.host_keys import HostKeyChanged, HostKeys, HostKeyUnknown, known_keys


def key() -> asyncssh.SSHKey:
    return asyncssh.generate_private_key("ssh-ed25519").convert_to_public()


def line(name: str, of: asyncssh.SSHKey) -> str:
    return f"{name} {of.export_public_key().decode()}"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return tmp_path / "state" / "known_hosts"


def keys(own: Path, *files: Path, port: int = 22, strict: bool = False) -> HostKeys:
    return HostKeys("box", port, "box (ann@box)", files, own, strict=strict)


def test_a_known_key_is_trusted(tmp_path: Path, own: Path) -> None:
    file, one, two, other = tmp_path / "known", key(), key(), key()
    file.write_text(line("box,10.0.0.7", one) + line("b?x", two) + line("other", other))
    assert keys(own, file).trusted() == ([one, two], [], [])


def test_a_port_is_part_of_the_name(tmp_path: Path, own: Path) -> None:
    file, one, two = tmp_path / "known", key(), key()
    file.write_text(line("box", one) + line("[box]:2222", two))
    assert keys(own, file).trusted()[0] == [one]
    assert keys(own, file, port=2222).trusted()[0] == [two]


def test_authorities_and_revoked_keys(tmp_path: Path, own: Path) -> None:
    file, authority, revoked = tmp_path / "known", key(), key()
    file.write_text(line("@cert-authority *", authority) + line("@revoked *", revoked))
    assert keys(own, file).trusted() == ([], [authority], [revoked])
    with pytest.raises(HostKeyChanged, match="was revoked"):
        keys(own, file).judge(revoked)


def test_a_new_key_is_a_question_and_stored_on_yes(tmp_path: Path, own: Path) -> None:
    new = key()
    unknown = keys(own, tmp_path / "none", port=2222)
    question = unknown.judge(new)
    assert (question.host, question.kind) == ("[box]:2222", "ssh-ed25519")
    assert question.label == "box (ann@box)"
    assert question.fingerprint == new.get_fingerprint()
    assert question.fingerprint.startswith("SHA256:")
    assert not own.exists()
    unknown.accept(question)
    assert unknown.trusted()[0] == [new]
    assert stat.S_IMODE(own.stat().st_mode) == 0o600
    assert keys(own, port=2222).trusted()[0] == [new]
    assert keys(own).trusted()[0] == []


def test_what_is_accepted_later_stands_beside_what_was_accepted_before(own: Path) -> None:
    first, second = key(), key()
    one, two = keys(own), keys(own, port=2222)
    one.accept(one.judge(first))
    two.accept(two.judge(second))
    assert keys(own).trusted()[0] == [first]
    assert keys(own, port=2222).trusted()[0] == [second]


def test_another_key_than_the_known_one(tmp_path: Path, own: Path) -> None:
    file, old, new = tmp_path / "known", key(), key()
    file.write_text(f"# a note\n\n{line('box', old)}")
    with pytest.raises(HostKeyChanged) as raised:
        keys(own, file).judge(new)
    for part in (new.get_fingerprint(), old.get_fingerprint(), f"{file}:3"):
        assert part in raised.value.message
    assert f'ssh-keygen -R "box" -f {file}' in raised.value.hint
    with pytest.raises(HostKeyChanged):
        keys(own, file, strict=True).judge(new)


def test_another_key_than_the_accepted_one(own: Path) -> None:
    known = keys(own)
    known.accept(known.judge(key()))
    with pytest.raises(HostKeyChanged) as raised:
        known.judge(key())
    assert f"remove line 1 of {own}" in raised.value.hint


def test_a_key_of_another_kind_is_another_key(tmp_path: Path, own: Path) -> None:
    file = tmp_path / "known"
    file.write_text(line("box", key()))
    with pytest.raises(HostKeyChanged):
        keys(own, file).judge(asyncssh.generate_private_key("ecdsa-sha2-nistp256"))


def test_strict_refuses_what_is_new(own: Path) -> None:
    with pytest.raises(HostKeyUnknown, match="StrictHostKeyChecking yes"):
        keys(own, strict=True).judge(key())


@pytest.mark.parametrize(
    "nonsense",
    ["box", "box ssh-ed25519", "box ssh-ed25519 !!!", "|1|x|y ssh-ed25519 AAAA", "@what box k v"]
    + ["\x00\xff"],
)
def test_a_line_that_makes_no_sense_hides_no_other(tmp_path: Path, nonsense: str) -> None:
    file, good = tmp_path / "known", key()
    file.write_text(f"{nonsense}\n{line('box', good)}")
    assert [(known.line, known.key) for known in known_keys(file, "box")] == [(2, good)]


def test_a_name_is_looked_up_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "known"
    file.write_text(line("!box,*", key()) + line("BOX", key()))
    assert not list(known_keys(file, "box"))


def test_a_file_that_cannot_be_read_knows_nothing(tmp_path: Path) -> None:
    assert list(known_keys(tmp_path, "box")) == []
