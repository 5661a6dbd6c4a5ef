"""What a person waits for who works on a studio's files: open, save, list, find.

    make bench-files
    scripts/bench_files.py --rounds 50

A relay, a host and a person in one process, the studio's folder on this machine's disk. Every
figure is the time from the person's call to its answer, in milliseconds: median, and the slowest
tenth's best.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from relay_server.serve import serve
from relay_server.settings import RelaySettings
from studio_tui.client.studio import Studio
from studio_tui.host.host import Host, Place
from studio_tui.sync.link import Endpoint

STUDIO = "bench"
LINES = 200
ENTRIES = 5000
PATHS = 50_000
PER_FOLDER = 100


def lay_out(root: Path, rounds: int) -> None:
    """Small files to open, a folder of many entries, and a tree of many paths."""
    text = "".join(f"    loss = model(batch)  # step {n}\n" for n in range(LINES))
    for number in range(rounds):
        (root / f"train{number}.py").write_text(text)
    (root / "flat").mkdir()
    for number in range(ENTRIES):
        (root / "flat" / f"sample-{number:05}.txt").touch()
    for number in range(PATHS // PER_FOLDER):
        inner = root / "deep" / f"run-{number:03}"
        inner.mkdir(parents=True)
        for other in range(PER_FOLDER):
            (inner / f"checkpoint-{other:03}.pt").touch()


@asynccontextmanager
async def attached(home: Path, root: Path) -> AsyncIterator[Studio]:
    """Somebody in a studio whose folder is `root`."""
    store = f"sqlite:///{home}/relay.db"
    async with serve(RelaySettings(port=0, store=store)) as relay, asyncio.TaskGroup() as tasks:

        def endpoint(role: str) -> Callable[[], Awaitable[Endpoint]]:
            token = relay.keys.mint(room=STUDIO, role=role)

            async def locate() -> Endpoint:
                return Endpoint(relay.url, token)

            return locate

        ready = asyncio.Event()
        place = Place(STUDIO, STUDIO, root, home / "state", home / "machine")
        host = Host(place, endpoint("owner"), ready.set)
        serving = tasks.create_task(host.serve())
        await ready.wait()
        async with Studio(STUDIO, endpoint("editor"), "ana") as studio:
            await studio.until(lambda: studio.reachable)
            yield studio
        host.stop()
        await serving


async def timed(name: str, deeds: list[Callable[[], Awaitable[object]]]) -> None:
    """Do each of them and print what they took."""
    took = []
    for deed in deeds:
        began = time.perf_counter()
        await deed()
        took.append((time.perf_counter() - began) * 1000)
    took.sort()
    slow = took[int(len(took) * 0.9)]
    print(f"{name:<44}{statistics.median(took):>9.1f}{slow:>9.1f}")


async def measure(home: Path, rounds: int) -> None:
    """Print a line for each thing that a person does."""
    root = (home / "project").resolve()
    root.mkdir()
    lay_out(root, rounds)

    async with attached(home, root) as studio:

        def opening(number: int) -> Callable[[], Awaitable[object]]:
            return lambda: studio.file(f"train{number}.py")

        async def save() -> None:
            file = await studio.file("train1.py")
            await file.insert(0, "x")
            await file.flush()

        async def find() -> None:
            await asyncio.sleep(2.1)  # the host's list of paths is stale by then
            began = time.perf_counter()
            await studio.query("files.find", query="run-250/chk")
            took.append((time.perf_counter() - began) * 1000)

        print(f"{'':<44}{'median':>9}{'slow':>9}")
        await timed("first listing", [lambda: studio.folder("")])
        await timed(f"open a file of {LINES} lines", [opening(n) for n in range(rounds)])
        await timed("open it once more", [opening(1)] * rounds)
        await timed("edit and save it", [save] * rounds)
        await timed(f"list {ENTRIES} entries", [lambda: studio.folder("flat")] * rounds)
        took: list[float] = []
        for _ in range(5):
            await find()
        print(f"{f'find in {PATHS} paths':<44}{statistics.median(took):>9.1f}{max(took):>9.1f}")


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=50, help="how often each is done")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="bench-files-") as home:
        asyncio.run(measure(Path(home), rounds))


if __name__ == "__main__":
    main()
