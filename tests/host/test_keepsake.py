"""What a host knew of its studio is there on a relay that never had it."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from studio_tui.document.entries import FileEntry, JobEntry, StudioInfo
from studio_tui.document.remarks import CommentEntry
from studio_tui.document.replica import Replica
from studio_tui.document.studio import INFO, StudioDocument
from studio_tui.host import keepsake
from studio_tui.host.keepsake import Keepsake
from tests.host.conftest import eventually


def a_studio() -> StudioDocument:
    document = StudioDocument(Replica())
    document.info = StudioInfo(INFO, name="first", machine="box")
    document.files.put(FileEntry("f", "a.py", "s/file/f@1"))
    document.jobs.put(JobEntry("j1", "train", "succeeded"))
    document.comments.put(CommentEntry("c1", text="why?"))
    document.say("ana", "hello", 1.0)
    return document


async def test_it_is_kept_as_it_changes_and_handed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keepsake, "PACE", 0.0)
    kept, before = Keepsake(tmp_path / "document"), a_studio()
    keeping = asyncio.create_task(kept.keep(before))
    await eventually((tmp_path / "document").exists)
    before.jobs.put(JobEntry("j2", "again"))
    keeping.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await keeping
    assert (tmp_path / "document").stat().st_mode & 0o077 == 0

    after = StudioDocument(Replica())
    kept.hand_over(after)
    assert dict(after.jobs) == dict(before.jobs)
    assert after.comments["c1"].text == "why?"
    assert (after.info, after.chat) == (before.info, before.chat)
    assert not after.files  # their texts are elsewhere

    seen = after.replica.state_vector()
    kept.hand_over(after)
    assert after.replica.state_vector() == seen


def test_nothing_kept(tmp_path: Path) -> None:
    document = a_studio()
    kept = Keepsake(tmp_path / "document")
    kept.hand_over(document)
    (tmp_path / "document").write_bytes(b"\xff damaged")
    kept.hand_over(document)
    assert list(document.jobs) == ["j1"]
