"""What is listed of too many entries."""

from __future__ import annotations

from typing import Any

from studio_tui.document.share import shared


def by(name: Any, *times: Any) -> dict[str, dict[str, Any]]:
    return {f"{name}{number}": {"by": name, "time": at} for number, at in enumerate(times)}


def test_few_are_all_listed() -> None:
    assert shared({"b": {}, "a": {}}, 2) == ["a", "b"]


def test_a_flood_hides_nothing_of_the_others() -> None:
    flood = by("eve", *range(1000, 2000))
    values = {**flood, **by("zoe", 3, 1, 2), **by("bob", 5)}
    listed = shared(values, 10)
    assert listed[0] == "bob0"
    assert listed[-3:] == ["zoe0", "zoe1", "zoe2"]
    assert listed[1:-3] == [f"eve{number}" for number in range(994, 1000)]


def test_of_each_the_newest_are_listed() -> None:
    values = {**by("ana", 1, 5, 3), **by("bob", 4, 2)}
    assert shared(values, 4) == ["ana1", "ana2", "bob0", "bob1"]
    assert shared(values, 3) == ["ana1", "ana2", "bob0"]
    assert shared(values, 1) == ["ana1"]


def test_what_a_stranger_wrote_there_comes_last_of_its_own() -> None:
    odd = {"o1": {"by": ["ana"], "time": "soon"}, "o2": {"time": float("nan")}, "o3": {"time": 1}}
    assert shared({**odd, **by("ana", 1)}, 2) == ["ana0", "o3"]
