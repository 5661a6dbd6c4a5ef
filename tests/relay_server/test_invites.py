"""An invite is good once, until it ends, in whichever process it was made."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from pathlib import Path

import pytest

from relay_server.errors import AccessDenied, BadSetting, StoreFailed
from relay_server.invites import InviteBook, link


def book(path: Path | None, now: list[float] | None = None) -> InviteBook:
    times = now or [1000.0]
    return InviteBook(path, clock=lambda: times[0])


@pytest.mark.parametrize("kept", [True, False])
def test_an_invite_is_used_once(tmp_path: Path, kept: bool) -> None:
    invites = book(tmp_path / "i" if kept else None)
    invite, code = invites.make(room="r", role="editor", expires=60, name="Ann", by="Bob")
    assert (invite.room, invite.role, invite.name, invite.by) == ("r", "editor", "Ann", "Bob")
    assert invite.expires == 1060
    assert invites.find(code) == invite
    used = invites.redeem(code)
    assert (used.id, used.used) == (invite.id, True)
    with pytest.raises(AccessDenied, match="used"):
        invites.redeem(code)
    assert invites.get(invite.id) == used
    assert invites.all() == [used]


def test_what_was_never_given_out_is_refused(tmp_path: Path) -> None:
    invites = book(tmp_path / "i")
    _, code = invites.make(room="r", role="editor", expires=60)
    for wrong in ("", code[:-1], code + "x", code.swapcase(), "\ud800"):
        with pytest.raises(AccessDenied, match="not valid"):
            invites.redeem(wrong)
    assert invites.get("no such") is None


def test_it_ends(tmp_path: Path) -> None:
    now = [1000.0]
    invites = book(tmp_path / "i", now)
    _, code = invites.make(room="r", role="editor", expires=60)
    now[0] = 1060.0
    with pytest.raises(AccessDenied, match="expired"):
        invites.redeem(code)


def test_another_process_made_it_and_a_third_used_it(tmp_path: Path) -> None:
    ours, theirs, third = (book(tmp_path / "i") for _ in range(3))
    assert ours.all() == []
    _, code = theirs.make(room="r", role="editor", expires=60)
    assert [invite.used for invite in ours.all()] == [False]
    third.redeem(code)
    with pytest.raises(AccessDenied, match="used"):
        ours.redeem(code)
    assert book(tmp_path / "i").all() == ours.all() == theirs.all()


def test_of_many_at_once_one_wins(tmp_path: Path) -> None:
    _, code = book(tmp_path / "i").make(room="r", role="editor", expires=60)
    books = [book(tmp_path / "i") for _ in range(4)]
    start, won = threading.Barrier(8), []

    def run(invites: InviteBook) -> None:
        start.wait()
        with contextlib.suppress(AccessDenied):
            won.append(invites.redeem(code).id)

    threads = [threading.Thread(target=run, args=(books[n % 4],)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


def test_the_file_is_private_and_holds_no_code(tmp_path: Path) -> None:
    invites = book(tmp_path / "i")
    _, code = invites.make(room="r", role="editor", expires=60)
    invites.redeem(code)
    assert (tmp_path / "i").stat().st_mode & 0o777 == 0o600
    assert code not in (tmp_path / "i").read_text()


def test_a_torn_line_says_nothing_and_harms_no_other(tmp_path: Path) -> None:
    path = tmp_path / "i"
    first, code = book(path).make(room="r", role="editor", expires=60)
    with path.open("ab") as file:
        file.write(b'{"used": "' + first.id.encode())  # killed while it wrote
    invites = book(path)
    assert not invites.find(code).used
    second, other = invites.make(room="r", role="viewer", expires=60)
    again = book(path)
    assert [i.id for i in again.all()] == [first.id, second.id]
    again.redeem(code)
    assert again.redeem(other).id == second.id


@pytest.mark.parametrize(
    "line",
    ["", "x", "[]", "7", "null", '{"used": "nobody"}', '{"used": []}', '{"made": "a"}']
    + [json.dumps(dict.fromkeys("made room role name expires by digest".split(), []))],
)
def test_lines_that_mean_nothing_are_passed_over(tmp_path: Path, line: str) -> None:
    path = tmp_path / "i"
    path.write_text(line + "\n")
    invites = book(path)
    assert invites.all() == []
    _, code = invites.make(room="r", role="viewer", expires=60)
    assert book(path).redeem(code).role == "viewer"


def test_a_file_put_back_by_hand_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "i"
    invites = book(path)
    for _ in range(3):
        invites.make(room="r", role="viewer", expires=60)
    path.write_text("")
    assert invites.all() == []


@pytest.mark.parametrize("wrong", [{"role": "root"}, {"room": ""}, {"expires": 0}])
def test_invites_that_make_no_sense_are_not_made(tmp_path: Path, wrong: dict[str, object]) -> None:
    with pytest.raises(BadSetting):
        book(tmp_path / "i").make(**{"room": "r", "role": "editor", "expires": 1, **wrong})


def test_a_studio_has_so_many_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relay_server.invites.MAX_OPEN", 2)
    now = [1000.0]
    invites = book(None, now)
    for _ in range(2):
        invites.make(room="r", role="editor", expires=60)
    with pytest.raises(BadSetting, match="open"):
        invites.make(room="r", role="editor", expires=60)
    invites.make(room="other", role="editor", expires=60)
    now[0] += 61
    invites.make(room="r", role="editor", expires=60)


def test_what_cannot_be_written_is_not_used_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    invites = book(tmp_path / "i")
    _, code = invites.make(room="r", role="editor", expires=60)
    real = os.write
    monkeypatch.setattr("os.write", lambda file, data: real(file, data[:5]))
    with pytest.raises(StoreFailed):
        invites.redeem(code)
    monkeypatch.undo()
    assert not book(tmp_path / "i").find(code).used
    assert invites.redeem(code).used
    with pytest.raises(StoreFailed):
        InviteBook(tmp_path / "no" / "i").all()


def test_an_invite_is_a_link_with_its_code_as_the_fragment() -> None:
    assert link("wss://r.example/", "calm-otter", "c0de") == "wss://r.example/calm-otter#c0de"
    assert link("ws://r", "*", "c") == "ws://r/%2A#c"
