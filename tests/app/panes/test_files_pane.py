"""The files: opened, found, made, renamed, deleted."""

from __future__ import annotations

from typing import Any

import pytest

from studio_tui.errors import NotFound, StudioError


@pytest.fixture
async def pilot(studio: Any, open_app: Any, settle: Any) -> Any:
    async with open_app(studio) as opened:
        await opened.press("f2")
        await settle(opened)
        yield opened


def files(pilot: Any) -> Any:
    return pilot.app.workspace.files_pane


async def test_enter_opens_folders_and_files(pilot: Any, settle: Any, text_of: Any) -> None:
    await pilot.press("enter")
    await settle(pilot)
    assert "▾ src" in text_of(pilot)
    assert "model.py" in text_of(pilot)
    await pilot.press("down", "down", "enter")
    await settle(pilot)
    await settle(pilot)
    assert pilot.app.workspace.work_pane.path == "src/model.py"


async def test_finding_a_file_anywhere(pilot: Any, settle: Any, text_of: Any) -> None:
    await pilot.press("slash", *"load")
    await settle(pilot)
    assert "src/data/loader.py" in text_of(pilot)
    await pilot.press("enter")
    await settle(pilot)
    await settle(pilot)
    assert pilot.app.workspace.work_pane.path == "src/data/loader.py"
    assert not files(pilot).has_class("-searching")


async def test_the_search_is_walked_and_left_by_key(pilot: Any, settle: Any, text_of: Any) -> None:
    await pilot.press("slash", *"nothing")
    await settle(pilot)
    assert "no file has that in its" in text_of(pilot)
    await pilot.press("escape")
    await settle(pilot)
    assert pilot.app.focused is files(pilot).file_tree
    await pilot.press("slash", *".py", "down", "down", "up", "enter")
    await settle(pilot)
    await settle(pilot)
    assert pilot.app.workspace.work_pane.path == "src/data/loader.py"


async def test_a_new_file_is_made_where_the_cursor_is_and_opened(
    pilot: Any, studio: Any, settle: Any
) -> None:
    await pilot.press("n")
    await settle(pilot)
    await pilot.press(*"new.py", "enter")
    await settle(pilot)
    await settle(pilot)
    assert studio.asked("files.create") == [{"path": "src/new.py", "kind": "file"}]
    assert pilot.app.workspace.work_pane.path == "src/new.py"


async def test_a_name_with_a_slash_at_its_end_is_a_folder(
    pilot: Any, studio: Any, settle: Any
) -> None:
    await pilot.press("n")
    await settle(pilot)
    await pilot.press(*"deep/", "enter")
    await settle(pilot)
    assert studio.asked("files.create") == [{"path": "src/deep", "kind": "dir"}]


async def test_renaming(pilot: Any, studio: Any, settle: Any, text_of: Any) -> None:
    await pilot.press("end", "r")
    await settle(pilot)
    await pilot.press(*"2", "enter")
    await settle(pilot)
    await settle(pilot)
    assert studio.asked("files.rename") == [{"path": "weights.bin", "to": "weights.bin2"}]
    assert "weights.bin2" in text_of(pilot)


async def test_deleting_asks_once_and_says_who_looks_at_it(
    pilot: Any, studio: Any, settle: Any, text_of: Any
) -> None:
    studio.arrive(2, "bob", path="train.py", line=3)
    await pilot.press("end", "up", "d")
    await settle(pilot)
    assert "train.py goes into the trash, for everybody" in text_of(pilot)
    assert "bob looks at it now." in text_of(pilot)
    await pilot.press("enter")
    await settle(pilot)
    assert studio.asked("files.delete") == []
    await pilot.press("d")
    await settle(pilot)
    await pilot.press("y")
    await settle(pilot)
    await settle(pilot)
    assert studio.asked("files.delete") == [{"path": "train.py"}]
    assert [node.data.path for node in files(pilot).file_tree.root.children][-1] == "weights.bin"


async def test_what_goes_wrong_stands_here(pilot: Any, studio: Any, settle: Any) -> None:
    studio.refuse["files.list"] = StudioError("the folder cannot be read", "check its rights")
    await pilot.press("u")
    await settle(pilot)
    assert files(pilot).notice.words == "! the folder cannot be read · check its rights"
    del studio.refuse["files.list"]
    await pilot.press("u")
    await settle(pilot)
    assert not files(pilot).notice.display


async def test_offline_the_tree_stays(pilot: Any, studio: Any, settle: Any, text_of: Any) -> None:
    studio.offline()
    studio.refuse["files.list"] = NotFound("offline")
    files(pilot).reload()
    await settle(pilot)
    assert "README.md" in text_of(pilot)
    assert not files(pilot).notice.display


async def test_who_looks_at_a_file_and_its_mark(pilot: Any, studio: Any, settle: Any) -> None:
    studio.arrive(2, "bob", path="README.md")
    await settle(pilot)
    tree = files(pilot).file_tree
    node = next(node for node in tree.root.children if node.data.path == "README.md")
    label = tree.render_label(node, tree.rich_style, tree.rich_style).plain
    assert label == f"  README.md{' ' * (tree.size.width - 14)}bob"


async def test_what_was_deleted_is_brought_back(
    pilot: Any, studio: Any, settle: Any, text_of: Any
) -> None:
    await pilot.press("t")
    await settle(pilot)
    assert "the trash is empty" in text_of(pilot)
    studio.trash["old/[b]name.py"] = b""
    await pilot.press("t")
    await settle(pilot)
    assert "old/[b]name.py  bob" in text_of(pilot)
    await pilot.press("enter")
    await settle(pilot)
    assert studio.asked("files.restore") == [{"id": "old/[b]name.py", "to": ""}]
    assert "is back" in text_of(pilot)


async def test_git_marks_what_has_changed(
    pilot: Any, studio: Any, settle: Any, text_of: Any
) -> None:
    studio.git = {"train.py": "M", "src/data": "?"}
    await pilot.press("u")
    await settle(pilot)
    rows = {
        row.split("│")[1].split()[-2]: row.split("│")[1].split()[-1]
        for row in text_of(pilot).splitlines()
        if row.count("│") > 1 and len(row.split("│")[1].split()) > 1
    }
    assert (rows["train.py"], rows["src"]) == ("M", "M")
    assert "data.py" not in rows
