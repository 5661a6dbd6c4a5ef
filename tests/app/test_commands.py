"""The table of commands: nothing twice."""

from __future__ import annotations

from collections import Counter

from studio_tui.app.commands import COMMANDS, LEADER, bindings


def twice(items: list[str]) -> list[str]:
    return [item for item, count in Counter(items).items() if count > 1 and item]


def test_ids_keys_letters_and_labels_are_all_different() -> None:
    keys = [key for command in COMMANDS for key in command.key.split(",")]
    assert twice([command.id for command in COMMANDS]) == []
    assert twice(keys) == []
    assert twice([command.letter for command in COMMANDS]) == []
    assert twice([command.label for command in COMMANDS]) == []


def test_a_letter_is_that_of_the_control_key() -> None:
    for command in COMMANDS:
        if command.key.startswith("ctrl+") and len(command.key) == 6:
            assert command.letter == command.key[-1], command.id


def test_every_binding_can_be_remapped() -> None:
    made = bindings("ctrl+g")
    assert made[0].key == "ctrl+g"
    assert made[0].id == LEADER
    assert all(binding.id for binding in made)
