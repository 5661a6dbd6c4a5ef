"""Recordings on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from studio_tui.cli.attached import attached

if TYPE_CHECKING:
    from studio_tui.client.studio import Studio

    from .conftest import Hosted, Typed


def test_a_recording_from_start_to_end(hosted: Hosted, typed: Typed, tmp_path: Path) -> None:
    async def begin(studio: Studio) -> str:
        return (await studio.terminal(command=["cat"], title="work")).id

    async def use(studio: Studio) -> None:
        term = await studio.terminal(terminal)
        await term.type("hello there\n")
        await term.until("hello there")

    async def end(studio: Studio) -> None:
        await (await studio.terminal(terminal)).close()

    assert typed("record", "ls", hosted.id).out.startswith("no recording yet")
    terminal = attached(hosted.id, begin)
    id = typed("record", "start", hosted.id, "work").out.strip()
    again = typed("record", "start", hosted.id, terminal)
    assert (again.code, again.error) == (1, "this terminal is being recorded already")
    attached(hosted.id, use)
    assert "recording" in typed("record", "ls", hosted.id).out
    stopped = typed("record", "stop", hosted.id, "work", "--json")
    assert stopped.json == {"id": id}
    (listed,) = typed("record", "ls", hosted.id, "--json").json
    assert (listed["id"], listed["title"], listed["live"]) == (id, "work", False)

    printed = typed("record", "get", hosted.id, id).out
    assert json.loads(printed.splitlines()[0])["version"] == 3
    assert "hello there" in printed
    assert len(printed) == listed["bytes"]
    file = tmp_path / "work.cast"
    assert typed("record", "get", hosted.id, id, "-o", str(file)).code == 0
    assert file.read_text() == printed
    assert typed("record", "rm", hosted.id, id).code == 0

    gone = typed("record", "get", hosted.id, id, "-o", str(tmp_path / "none.cast"))
    assert (gone.code, gone.error) == (3, f"there is no recording {id!r}")
    assert not (tmp_path / "none.cast").exists()
    attached(hosted.id, end)
    missing = typed("record", "start", hosted.id, "work")
    assert (missing.code, missing.error) == (3, f"no terminal 'work' in {hosted.id}")
