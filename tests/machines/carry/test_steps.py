"""What one side has to do, as its machine is told."""

from __future__ import annotations

from studio_tui.machines.carry.manifest import FILE, FOLDER, LINK, Entry, Manifest
from studio_tui.machines.carry.plan import Fate, Side
from studio_tui.machines.carry.steps import Steps, steps

OLD = Entry(FILE, 0o644, 3, 1, "old")
NEW = Entry(FILE, 0o600, 4, 2, "new")


def target(mine: Manifest, final: dict[str, Fate], other: Manifest) -> Steps:
    return steps(mine, final, "target", other)


def test_nothing_to_do() -> None:
    done = target({"a": OLD}, {"a": Fate(OLD, Side.BOTH, "a")}, {"a": OLD})
    assert not done
    assert not done.displaces
    assert done.bytes == 0


def test_a_file_comes_over_another() -> None:
    done = target({"a": OLD}, {"a": Fate(NEW, Side.SOURCE, "a")}, {"a": NEW})
    assert done
    assert done.displaces
    assert (done.wanted, done.bytes) == ({"a": NEW}, 4)
    assert done.message()["places"] == [["a", "a", 0o600, 4, 2, OLD.row("a")]]


def test_a_mode_alone_moves_no_byte() -> None:
    final = {"a": Fate(OLD.with_mode(0o755), Side.BOTH, "a")}
    done = target({"a": OLD}, final, {"a": OLD.with_mode(0o755)})
    assert done.message()["modes"] == [["a", 0o755]]
    assert not done.wanted


def test_a_file_gives_way_to_a_folder_and_a_folder_to_a_file() -> None:
    mine = {"a": OLD, "d": Entry(FOLDER, 0o755), "d/e": Entry(FOLDER, 0o755), "d/e/f": OLD}
    other = {"a": Entry(FOLDER, 0o755), "a/x": NEW, "d": NEW}
    final = {path: Fate(entry, Side.SOURCE, path) for path, entry in other.items()}
    told = target(mine, final, other).message()
    assert [path for path, _ in told["trash"]] == ["a", "d/e/f"]
    assert told["gone"] == ["d/e", "d"]
    assert told["folders"] == [["a", 0o755]]
    assert [(each[1], each[5]) for each in told["places"]] == [("a/x", None), ("d", None)]


def test_a_link_comes_over_a_file() -> None:
    link = Entry(LINK, target="x")
    done = target({"a": OLD}, {"a": Fate(link, Side.SOURCE, "a")}, {"a": link})
    assert done.message()["links"] == [["a", "x", OLD.row("a")]]
    assert done.displaces


def test_what_moves_aside_is_not_in_the_way() -> None:
    final = {"a": Fate(NEW, Side.SOURCE, "a"), "copy": Fate(OLD, Side.TARGET, "a")}
    told = target({"a": OLD}, final, {"a": NEW}).message()
    assert told["moves"] == [["a", "copy", OLD.row("a")]]
    assert told["places"] == [["a", "a", 0o600, 4, 2, None]]
    assert told["trash"] == []
