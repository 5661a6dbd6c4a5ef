"""What a key costs in a large highlighted file, against Textual's own text area in the same run.

    make bench-editor
    scripts/bench_editor.py --lines 10000 --rounds 40

A Python file on a screen of 100x40. "edit and repaint" is the time from a key's edit to the last of
the rows that are seen, "remote edit" the same from another person's update. Milliseconds: median,
and the slowest tenth's best. In the flood another person makes edits all the time while this one
types: every key must arrive.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Callable
from typing import Any

from pycrdt import Doc
from textual import events
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.widgets import TextArea

from studio_tui.app.widgets import editor as editor_module
from studio_tui.app.widgets.editor import Editor
from studio_tui.document.text import SharedText

WIDTH, HEIGHT = 100, 40
KEY_SECONDS = 0.1
"""Between two keys of somebody who types fast."""
PATIENCE = 30.0
FUNCTION = '''\
def step_{n}(batch, rate={n}e-4):  # part {n}
    """One of many steps."""
    if batch is None or rate > 0.1:
        raise ValueError(f"no batch in step {n}: {{rate!r}}")
    total = sum(loss * rate for loss in batch["losses"])
    return {{"loss": total, "step": {n}}}


'''


def source(lines: int) -> str:
    """A Python file of so many lines."""
    per = FUNCTION.count("\n")
    text = "".join(FUNCTION.format(n=number) for number in range(lines // per + 1))
    return "\n".join(text.split("\n")[:lines]) + "\n"


class Bench(App[None]):
    """One text area over the whole screen."""

    CSS = "TextArea { border: none; padding: 0; width: 100%; height: 100%; }"

    def __init__(self, area: TextArea) -> None:
        super().__init__()
        self.area = area

    def compose(self) -> ComposeResult:
        """The area."""
        yield self.area

    def repaint(self) -> None:
        """Paint every row that is seen, as the compositor has it done."""
        self.area.render_lines(Region(0, 0, WIDTH, HEIGHT))


class Peer:
    """Another person's copy of a text."""

    def __init__(self, text: SharedText) -> None:
        self.home = text
        doc: Doc[Any] = Doc()
        doc.apply_update(text.doc.get_update())
        self.text = SharedText(doc)
        self._sent = doc.get_state()

    def edit(self, at: int) -> bytes:
        """One letter typed there, as it travels."""
        self.text.insert(at, "y")
        update: bytes = self.text.doc.get_update(self._sent)
        self._sent = self.text.doc.get_state()
        return update

    def deliver(self, update: bytes) -> None:
        """It arrives."""
        with self.home.doc.transaction(origin="remote"):
            self.home.doc.apply_update(update)


def report(name: str, took: list[float]) -> float:
    """Print a row; its median."""
    took = sorted(seconds * 1000 for seconds in took)
    median = statistics.median(took)
    print(f"{name:<48}{median:>9.2f}{took[int(len(took) * 0.9)]:>9.2f}", flush=True)
    return median


def timed(deed: Callable[[], object]) -> float:
    """Seconds that it takes."""
    began = time.perf_counter()
    deed()
    return time.perf_counter() - began


async def opening(name: str, make: Callable[[], TextArea], rounds: int) -> None:
    """From the text to the first painted screen, the app itself left out."""
    took = []
    for _ in range(rounds):
        app = Bench(TextArea(""))
        async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
            await app.area.remove()
            began = time.perf_counter()
            app.area = make()
            await app.mount(app.area)
            await pilot.pause()
            app.repaint()
            took.append(time.perf_counter() - began)
    report(name, took)


async def keys(name: str, area: TextArea, middle: int, rounds: int) -> float:
    """Type in the middle of the file."""
    app = Bench(area)
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        area.move_cursor((middle, 0))
        await pilot.pause()
        app.repaint()

        def key() -> None:
            area._replace_via_keyboard("x", *area.selection)
            app.repaint()

        took = [timed(key) for _ in range(rounds)]
    return report(name, took)


async def remote(text: str, middle: int, rounds: int) -> None:
    """Another person types on the screen that is seen."""
    shared = SharedText(Doc())
    shared.insert(0, text, "seed")
    peer, editor = Peer(shared), Editor(shared, path="big.py")
    app = Bench(editor)
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        editor.move_cursor((middle, 0))
        await pilot.pause()
        at = len("\n".join(text.split("\n")[: middle + 3]))
        took = []
        for _ in range(rounds):
            update = peer.edit(at)

            def arrive(update: bytes = update) -> None:
                peer.deliver(update)
                app.repaint()

            took.append(timed(arrive))
        assert editor.text == str(shared) == str(peer.text)
    report("remote edit visible", took)


async def flood(text: str, middle: int, seconds: float, rate: int) -> None:
    """Type while another person's edits arrive all the time."""
    shared = SharedText(Doc())
    shared.insert(0, text, "seed")
    peer, editor = Peer(shared), Editor(shared, path="big.py")
    app, typed, arrived, took = Bench(editor), 0, 0, []
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        editor.focus()
        editor.move_cursor((middle, 0))
        await pilot.pause()
        began = time.perf_counter()
        at = len("\n".join(text.split("\n")[: middle + 3]))

        async def arrive() -> None:
            nonlocal arrived
            while (passed := time.perf_counter() - began) < seconds:
                while arrived < passed * rate:
                    peer.deliver(peer.edit(at))
                    arrived += 1
                    if time.perf_counter() - began - passed > 0.02:
                        break
                await asyncio.sleep(0)

        flooding = asyncio.create_task(arrive())
        while time.perf_counter() - began < seconds:
            pressed, typed = time.perf_counter(), typed + 1
            app.post_message(events.Key("x", "x"))
            while not editor.document.get_line(middle).startswith("x" * typed):
                await asyncio.sleep(0.001)
                assert time.perf_counter() - pressed < PATIENCE, "a key was dropped"
            app.repaint()
            took.append(time.perf_counter() - pressed)
            await asyncio.sleep(KEY_SECONDS)
        await flooding
        assert editor.text == str(shared)
    per_second = arrived / seconds
    report(f"a key while {per_second:.0f} edits/s arrive, {typed} of {typed} kept", took)


async def measure(lines: int, rounds: int, seconds: float, rate: int) -> None:
    """Print a row for each."""
    text, middle = source(lines), lines // 2
    editor_module.MAX_COLORED_LINES = max(editor_module.MAX_COLORED_LINES, lines + 1)

    def ours() -> Editor:
        shared = SharedText(Doc())
        shared.insert(0, text, "seed")
        return Editor(shared, path="big.py")

    def stock() -> TextArea:
        return TextArea.code_editor(text, language="python", soft_wrap=False)

    print(f"{f'{lines} lines of Python, {WIDTH}x{HEIGHT}':<48}{'median':>9}{'slow':>9}")
    few = max(3, rounds // 10)
    await opening("open, stock", stock, few)
    await opening("open, ours", ours, few)
    theirs = await keys("edit and repaint, stock", stock(), middle, few)
    mine = await keys("edit and repaint, ours", ours(), middle, rounds)
    print(f"{'stock / ours':<48}{theirs / mine:>9.1f}")
    await remote(text, middle, rounds)
    await flood(text, middle, seconds, rate)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=40, help="how often each is done")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long the flood lasts")
    parser.add_argument("--rate", type=int, default=1000, help="edits a second in it")
    given = parser.parse_args()
    asyncio.run(measure(given.lines, given.rounds, given.seconds, given.rate))


if __name__ == "__main__":
    main()
