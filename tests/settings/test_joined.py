"""The record of the studios of others that this user joined."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio_tui.settings import joined, paths
from studio_tui.settings.joined import Joined

OTTER = Joined("calm-otter", "wss://box", "work", "editor")


def test_what_was_joined_is_kept_until_it_is_forgotten(studio_home: Path) -> None:
    joined.remember(OTTER)
    joined.remember(Joined("bold-lynx", "wss://box"))
    joined.remember(Joined("calm-otter", "wss://other", "work", "viewer"))
    assert joined.all_joined() == [
        Joined("bold-lynx", "wss://box", "", ""),
        Joined("calm-otter", "wss://other", "work", "viewer"),
    ]
    joined.forget("bold-lynx")
    joined.forget("never-was")
    assert [studio.id for studio in joined.all_joined()] == ["calm-otter"]


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"id": "calm-otter"}'])
def test_a_damaged_record_is_left_out_and_replaced(damage: str, studio_home: Path) -> None:
    joined.remember(OTTER)
    (paths.state_folder() / "joined" / "calm-otter.json").write_text(damage)
    assert joined.all_joined() == []
    joined.remember(OTTER)
    assert joined.all_joined() == [OTTER]


def test_where_nothing_can_be_written_nobody_is_kept_out(studio_home: Path) -> None:
    (paths.state_folder() / "joined").write_text("not a folder")
    joined.remember(OTTER)
    joined.forget(OTTER.id)
