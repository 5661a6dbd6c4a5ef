"""The types of `sdk.sync` are those of the objects that it stands for."""

from __future__ import annotations

import inspect

from scripts import reference
from studio_tui import blocking_types
from studio_tui.client.job import Job
from studio_tui.client.studio import Studio


def test_they_are_current() -> None:
    assert reference.TYPES.read_text(encoding="utf-8") == reference.types(), "run: make reference"


def test_nothing_is_awaited_and_arguments_are_those_of_the_real_ones() -> None:
    for made, real in ((blocking_types.Studio, Studio), (blocking_types.Job, Job)):
        methods = [name for name, _ in inspect.getmembers(made, inspect.isfunction)]
        found = [name for name in methods if not name.startswith("_")]
        assert len(found) > 5
        for name in found:
            told, true = (
                inspect.signature(getattr(made, name)),
                inspect.signature(getattr(real, name)),
            )
            assert list(told.parameters) == list(true.parameters), name
            assert not inspect.iscoroutinefunction(getattr(made, name))
    assert str(inspect.signature(blocking_types.Job.logs)) == "(self) -> 'Iterator[str]'"
