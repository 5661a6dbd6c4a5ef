"""The table of commands: nothing twice."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from studio_tui.app.commands import COMMANDS, LEADER, bindings


def twice(items: list[str]) -> list[str]:
    return [item for item, count in Counter(items).items() if count > 1 and item]


def test_ids_keys_and_labels_are_all_different() -> None:
    keys = [key for command in COMMANDS for key in command.key.split(",")]
    assert twice([command.id for command in COMMANDS]) == []
    assert twice(keys) == []
    assert twice([command.label for command in COMMANDS]) == []


@pytest.mark.parametrize("foreign", ["file", "terminal"])
def test_letters_are_different_where_they_are_offered(
    foreign: str, only: dict[str, set[str]]
) -> None:
    offered = [command.letter for command in COMMANDS if command.id not in only[foreign]]
    assert twice(offered) == []


async def test_what_is_for_a_file_alone_is_not_offered_in_a_terminal(
    studio: Any, open_app: Any, settle: Any, only: dict[str, set[str]]
) -> None:
    async with open_app(studio) as pilot:
        studio.terminal_entry("t1")
        workspace = pilot.app.workspace

        def offered() -> set[str]:
            return {command.id for command in workspace.possible}

        workspace.open_file("train.py")
        await settle(pilot)
        assert only["file"] <= offered()
        assert offered().isdisjoint(only["terminal"])
        workspace.show_terminal("t1")
        await settle(pilot)
        assert {"history", "look", "link"} <= offered()
        assert offered().isdisjoint(only["file"])


def test_a_letter_is_that_of_the_control_key() -> None:
    for command in COMMANDS:
        if command.key.startswith("ctrl+") and len(command.key) == 6:
            assert command.letter == command.key[-1], command.id


def test_every_binding_can_be_remapped() -> None:
    made = bindings("ctrl+g")
    assert made[0].key == "ctrl+g"
    assert made[0].id == LEADER
    assert all(binding.id for binding in made)
