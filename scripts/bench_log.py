"""Times the log of a job with very many lines: opening it, going about in it, its memory.

    python scripts/bench_log.py [--lines N]

A real studio, a real job and the real app on a pty of 200x50. The figures hold a whole way: key,
app, relay, host, supervisor, and back to the painted cell.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench_app import Screen, told

SAY = """
import sys
needle = {lines} // 3
for n in range({lines}):
    print(f"2026-11-28 12:00:00 INFO step {{n}} loss {{3.0 / (n + 1):.6f}} tokens 1234567")
    if n == needle: print("the needle")
print("the last line")
"""


def memory_of(pid: int) -> float:
    """MiB of resident memory."""
    words = Path(f"/proc/{pid}/statm").read_text().split()
    return int(words[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def pressed(screen: Screen, keys: bytes, shown: Callable[[str], bool], what: str) -> float:
    """From a key press until something is painted."""
    screen.drain(0.3)
    at = time.perf_counter()
    screen.type(keys)
    return screen.until(lambda rows: shown("\n".join(rows)), what) - at


def visit(attach: list[str], env: dict[str, str], lines: int) -> None:
    """Look at the log, and print the figures."""
    screen = Screen(attach, env)
    try:
        at = screen.until(lambda rows: any("the last line" in r for r in rows), "the log's end")
        told("attach until the log's last line is painted", [at - screen.started])
        print(f"{'memory of the app at the end of the log':52} {memory_of(screen.pid):8.1f} MiB")
        screen.type(b"\x1bOS")  # F4, then F5: whichever place the focus is in, the log has it next
        screen.type(b"\x1b[15~")
        screen.drain(1.0)
        steps = []
        for _ in range(60):
            before = "\n".join(screen.rows())
            steps.append(pressed_page(screen, before))
        told("page up, press to paint, through stretches read back", steps)
        told("home: to the first line", [pressed(screen, b"g", lambda t: "step 0 " in t, "0")])
        told("end", [pressed(screen, b"G", lambda t: "the last line" in t, "the end")])
        for key in "/the needle":
            screen.type(key.encode())
            screen.drain(0.05)
        needle = [pressed(screen, b"\r", lambda t: f"step {lines // 3} " in t, "the needle")]
        told("search, found a third into the log", needle)
        screen.type(b"G")
        screen.drain(0.5)
        told("warnings, of which there is none: all read back", [
            pressed(screen, b"v", lambda t: "no such line" in t, "the whole log")
        ])  # fmt: skip
        print(f"{'memory of the app after all that':52} {memory_of(screen.pid):8.1f} MiB")
    finally:
        screen.close()


def pressed_page(screen: Screen, before: str) -> float:
    """One page up."""
    at = time.perf_counter()
    screen.type(b"\x1b[5~")
    painted = screen.until(lambda rows: "\n".join(rows) != before, "another page") - at
    screen.drain(0.15)
    return painted


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000)
    lines = parser.parse_args().lines
    studio = [sys.executable, "-m", "studio_tui"]
    with tempfile.TemporaryDirectory() as folder:
        env = dict(os.environ, STUDIO_HOME=f"{folder}/home", TERM="xterm-256color")
        project = Path(folder, "project")
        project.mkdir()
        (project / "say.py").write_text(SAY.format(lines=lines))
        opened = subprocess.run(
            [*studio, "open", str(project), "--json"], env=env, capture_output=True, check=True
        )
        name = json.loads(opened.stdout)["id"]
        try:
            run = subprocess.run(
                [*studio, "job", "run", name, "--json", "--wait", "--", "say.py"],
                env=env, capture_output=True, check=True,
            )  # fmt: skip
            print(f"job {json.loads(run.stdout)['id']} wrote {lines:,} lines")
            visit([*studio, "attach", name], env, lines)
        finally:
            subprocess.run([*studio, "stop", name], env=env, check=True)


if __name__ == "__main__":
    main()
