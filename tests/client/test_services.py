"""Whatever a host can be asked for has its method, and nobody asks past it."""

from __future__ import annotations

import ast
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from studio_tui.client.services import Stopped
from studio_tui.client.studio import Studio

if TYPE_CHECKING:
    from .conftest import Soon, Stage

ROOT = Path(__file__).parents[2] / "studio_tui"
ASKING = {"query", "command", "ask", "_ask"}


def named_calls(folder: str, names: set[str]) -> Iterator[tuple[str, str, str]]:
    """Each `name("some.method", ...)` in a folder: the method, its file, the function it is in."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        tree = ast.parse(path.read_text())
        functions = [
            n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
        ]
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            called, first = node.func, node.args[0]
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            method = first.value if isinstance(first, ast.Constant) else None
            if name in names and isinstance(method, str) and method.count(".") == 1:
                around = [f for f in functions if f.lineno <= node.lineno <= (f.end_lineno or 0)]
                yield method, str(path.relative_to(ROOT)), around[-1].name if around else ""


def test_a_script_can_ask_for_all_that_a_host_answers() -> None:
    answered = {method for method, _, _ in named_calls("host", {"query", "command"})}
    offered = {method for method, _, _ in named_calls("client", ASKING)}
    assert len(answered) > 25
    assert answered - offered == set()
    assert {m for m in offered - answered if not m.startswith("relay.")} == set()


@pytest.mark.parametrize("folder", ["app", "cli"])
def test_the_app_and_the_commands_ask_through_the_same_methods(folder: str) -> None:
    past = [
        f"{place}: {function} asks {method} itself"
        for method, place, function in named_calls(folder, ASKING)
        if "," not in method and " " not in method
    ]
    assert not past, "\n".join(past)


async def test_meters_and_the_end_on_a_real_host(
    hosted: object, soon: Callable[[Studio, Callable[[], bool]], Awaitable[None]]
) -> None:
    async with hosted.attach() as studio:
        await soon(studio, lambda: "local" in studio.meters)
        studio.meters.clear()
        assert (await studio.load_meters())["local"].memory_total
        assert studio.meters["local"].memory_total


async def test_stopping_tells_what_ended(stage: Stage) -> None:
    studio = await stage.attach()
    host = stage.host
    host.answers["studio.stop"] = lambda _: {"terminals": 2, "jobs": 1, "new": "ignored"}
    assert await studio.stop() == Stopped(2, 1)


async def test_meters_that_are_none_are_passed_over(stage: Stage, soon: Soon) -> None:
    studio = await stage.attach()
    for data in (b"", b"[1]", b"\xff", b'{"machine": "m", "time": 2}'):
        stage.host.session.stream(studio.id, "meters", 1, data)
    await soon(studio, lambda: bool(studio.meters))
    assert list(studio.meters) == ["m"]
