"""The status of a studio, as JSON with stable keys and for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from studio_tui.cli.attached import attached
from studio_tui.cli.status import readable, report
from studio_tui.client import locate
from studio_tui.document.presence import Gaze

if TYPE_CHECKING:
    from studio_tui.client.studio import Studio

    from .conftest import Hosted, Typed


def test_a_studio_that_nobody_uses(hosted: Hosted, typed: Typed) -> None:
    told = typed("status", hosted.id, "--json").json
    relay = told.pop("relay")
    assert relay["state"] == "live"
    assert relay["url"].startswith("ws://127.0.0.1:")
    assert told == {
        "id": hosted.id,
        "name": "work",
        "dir": str(hosted.folder),
        "machine": "local",
        "epoch": 1,
        "host": "here",
        "people": [],
        "files": [],
        "terminals": [],
        "jobs": [],
        "unsaved": 0,
    }


def test_people_files_terminals_and_jobs(hosted: Hosted) -> None:
    (hosted.folder / "train.py").write_text("x = 1\n")

    async def work(studio: Studio) -> dict[str, Any]:
        async with locate.attach(hosted.id, "bob") as bob:
            await bob.file("train.py")
            term = await bob.terminal(command=["cat"], cols=50, rows=7, title="notes")
            job = await bob.run(command=["true"], name="short")
            await job.wait()
            bob.look(Gaze("train.py", 3))
            await studio.until(lambda: any(p.gaze.line for p in studio.people))
            told = await report(studio)
            await term.close()
            await job.remove()
            return told

    told = attached(hosted.id, work)
    assert told["people"] == [{"name": "bob", "role": "owner", "file": "train.py", "line": 3}]
    assert told["files"] == [{"path": "train.py", "state": "saved", "note": ""}]
    (terminal,) = told["terminals"]
    assert terminal == {
        "id": terminal["id"], "title": "notes", "machine": "local", "driver": "bob", "cols": 50,
        "rows": 7, "state": "running",
    }  # fmt: skip
    (job,) = told["jobs"]
    assert {"id", "name", "state", "machine", "command", "exit_code", "precision", "devices",
            "nodes", "started", "ended", "cost", "notes"} <= set(job)  # fmt: skip

    text = readable(told)
    assert "people     bob (owner) at train.py:3" in text
    assert "notes  driven by bob" in text
    assert "short  succeeded" in text


def test_a_name_from_somebody_else_is_no_command_for_the_terminal() -> None:
    told = {
        "id": "calm-otter", "name": "\x1b]0;owned\x07", "machine": "local",
        "relay": {"url": "ws://x", "state": "live"}, "host": "here", "files": [], "unsaved": 0,
        "people": [{"name": "eve\x1b[2J", "role": "viewer", "file": None, "line": None}],
        "terminals": [{"id": "t", "title": "a\nb", "driver": None}], "jobs": [],
    }  # fmt: skip
    text = readable(told)
    assert "\x1b" not in text
    assert len(text.splitlines()) == 5


def test_a_host_that_is_away_is_told_not_waited_for(
    hosted: Hosted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio_tui.cli.status.HOST_SECONDS", 0.05)

    async def work(studio: Studio) -> dict[str, Any]:
        studio._people = []
        return await report(studio)

    told = attached(hosted.id, work)
    assert told["host"] == "away"
    assert "not saved when the host was last here" in readable(told)
