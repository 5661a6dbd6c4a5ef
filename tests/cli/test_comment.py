"""Comments on the command line, in a studio with a real host."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from studio_tui.cli.attached import attached

if TYPE_CHECKING:
    from studio_tui.client.studio import Studio

    from .conftest import Hosted, Typed


def test_a_comment_from_the_first_word_to_the_last(
    hosted: Hosted, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    (hosted.folder / "lr.py").write_text("import torch\nlr = 0.1\nprint(lr)\n")
    id = typed("comment", "add", hosted.id, "lr.py", "2", "why \x1b[31m0.1?", "--to", "3").out
    id = id.strip()
    assert typed("comment", "reply", hosted.id, id[:8], "a guess").code == 0
    shown = typed("comment", "ls", hosted.id, "lr.py").out
    assert "lr.py:2" in shown
    assert "↳ a guess" in shown
    assert "\x1b" not in shown
    (thread,) = typed("comment", "ls", hosted.id, "--json").json
    assert (thread["id"], thread["line"], thread["quote"]) == (id, 2, "lr = 0.1\nprint(lr)")
    assert [said["text"] for said in thread["said"]] == ["why \x1b[31m0.1?", "a guess"]
    assert typed("comment", "resolve", hosted.id, id).code == 0
    assert typed("comment", "ls", hosted.id).out.startswith("no comment is open; make one: ")
    assert "(resolved by" in typed("comment", "ls", hosted.id, "--all").out
    assert typed("comment", "resolve", hosted.id, id, "--reopen").code == 0
    with monkeypatch.context() as patch:
        patch.setattr("studio_tui.document.studio.COMMENTS_CAP", 1)
        assert (
            "… and 1 more: everybody's newest are listed" in typed("comment", "ls", hosted.id).err
        )
    assert typed("comment", "rm", hosted.id, id).code == 0
    done = typed("comment", "rm", hosted.id, id)
    assert (done.code, done.error) == (3, f"there is no comment '{id}'")
    done = typed("comment", "add", hosted.id, "lr.py", "99", "x")
    assert (done.code, done.hint) == (2, "lines count from 1")


def test_who_wrote_a_line_is_known_after_they_left(hosted: Hosted) -> None:
    (hosted.folder / "who.py").write_text("from the disk\n\nand this\n")

    async def wrote(studio: Studio) -> str | None:
        file = await studio.file("who.py")
        await file.insert(14, "# by a person\n")
        await file.flush()
        return file.author(2)

    async def seen(studio: Studio) -> list[str | None]:
        file = await studio.file("who.py")
        await studio.until(lambda: file.author(2) is not None)
        return [file.author(line) for line in range(1, 6)]

    name = attached(hosted.id, wrote)
    assert name
    assert attached(hosted.id, seen) == ["", name, None, "", None]
