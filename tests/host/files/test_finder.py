from __future__ import annotations

from studio_tui.host.files import finder
from studio_tui.host.files.finder import ranked

PATHS = ["src/train.py", "src/model.py", "train.py", "notes/training.md", "data/list.txt"]


def test_what_contains_the_letters_comes_first_the_shortest_of_it_first() -> None:
    assert ranked(PATHS, "TRAIN", 3) == ["train.py", "src/train.py", "notes/training.md"]


def test_what_is_like_it_comes_then_and_nothing_twice() -> None:
    found = ranked(PATHS, "trainpy", 5)
    assert found[0] in ("train.py", "src/train.py")
    assert len(found) == len(set(found))


def test_nothing_wanted_is_everything_in_order() -> None:
    assert ranked(PATHS, "", 2) == ["data/list.txt", "notes/training.md"]


def test_the_best_of_many_is_found_wherever_it_is() -> None:
    paths = [f"x/{number}" for number in range(3 * finder.CHUNK)]
    paths[2 * finder.CHUNK + 5] = "src/trainer_module.py"
    assert ranked(paths, "trainr_modul", 3)[0] == "src/trainer_module.py"


def test_the_answer_has_a_size() -> None:
    paths = [f"{number:06}" + "x" * 2000 for number in range(500)]
    found = ranked(paths, "x", 500)
    assert found == paths[: len(found)]
    assert sum(map(len, found)) <= finder.ANSWER_CHARACTERS
    assert len(found) == finder.ANSWER_CHARACTERS // 2006
