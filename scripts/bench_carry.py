"""Carries a folder to a second machine over a real sshd, against `rsync -a -e ssh` in one run.

    make bench-carry
    scripts/bench_carry.py --files 5000 --megabytes 100 --rounds 5

5 000 small files and three large ones go to an empty folder, and then 10 changed files; these once
more as the last step of a switch, which has looked at both sides before. The studio has its ssh
connection open already, as it does while it works; rsync logs in, as it must. Both write to one
disk, take turns, and are compared byte for byte afterwards. Medians.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shutil
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from studio_tui.machines import ssh
from studio_tui.machines.carry.carrier import Carrier
from studio_tui.machines.carry.tree import Place
from studio_tui.machines.local import LocalConnection
from tests.machines.sshd import Server, login_to

CHANGED = 10
LARGE = 3


@dataclass
class Seconds:
    """What each way took, round by round."""

    ours: list[float] = field(default_factory=list)
    rsync: list[float] = field(default_factory=list)

    def line(self, name: str) -> str:
        """The medians and their ratio."""
        ours, theirs = statistics.median(self.ours), statistics.median(self.rsync)
        return f"{name:24} ours {ours:6.2f} s   rsync -e ssh {theirs:6.2f} s   {ours / theirs:.2f}x"


def fill(root: Path, files: int, megabytes: int, chance: random.Random) -> None:
    """Small files of 0.3 to 12 kB in folders of fifty, and large ones for the rest."""
    left = megabytes << 20
    for number in range(files):
        path = root / f"d{number // 50}" / f"file{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        data = chance.randbytes(chance.randrange(300, 12_000))
        path.write_bytes(data)
        left -= len(data)
    for number in range(LARGE):
        (root / f"large{number}.bin").write_bytes(chance.randbytes(max(left, 0) // LARGE))


def change(root: Path, chance: random.Random) -> None:
    """Other content in ten of the small files."""
    for path in chance.sample(sorted(root.glob("d*/*.py")), CHANGED):
        path.write_bytes(chance.randbytes(chance.randrange(300, 12_000)))


def same(one: Path, other: Path) -> None:
    """Ends the run when two folders differ."""
    argv = ["rsync", "-rlpni", "--checksum", "--delete", "--exclude=.studio-*"]
    told = subprocess.check_output([*argv, f"{one}/", f"{other}/"], text=True)
    assert not told, f"the copy differs:\n{told}"


def mirror(source: Path, target: Path) -> None:
    """Make `target` what `source` is, without what a carry keeps there."""
    argv = ["rsync", "-a", "--delete", "--exclude=.studio-*", f"{source}/", f"{target}/"]
    subprocess.run(argv, check=True)


def with_rsync(server: Server, source: Path, target: Path) -> float:
    """Seconds."""
    shell = f"ssh -F {server.client_config}"
    argv = ["rsync", "-a", "-e", shell, f"{source}/", f"box:{target}/"]
    began = time.perf_counter()
    subprocess.run(argv, check=True)
    return time.perf_counter() - began


async def with_ours(here: Place, there: Place) -> float:
    """Seconds, from the first look to what both sides remember."""
    began = time.perf_counter()
    async with Carrier.opened(here, there) as carrier:
        outcome = await carrier.carry()
    assert not outcome.left
    return time.perf_counter() - began


async def once_more(carrier: Carrier) -> float:
    """Seconds of the last difference in a switch, whose carrier is still open."""
    began = time.perf_counter()
    outcome = await carrier.carry()
    assert not outcome.left
    return time.perf_counter() - began


async def run(folder: Path, files: int, megabytes: int, rounds: int) -> None:
    """All of it, in a folder of its own."""
    chance = random.Random(7)
    source = folder / "source"
    fill(source, files, megabytes, chance)
    server = Server(folder / "sshd")
    local = LocalConnection(folder / "local")
    remote = await ssh.connect(login_to(server, folder))
    full, few, last = Seconds(), Seconds(), Seconds()
    try:
        for number in range(rounds):
            ours, theirs = folder / f"ours{number}", folder / f"theirs{number}"
            here, there = Place("here", local, str(source)), Place("there", remote, str(ours))
            shutil.rmtree(source / ".studio-carry", ignore_errors=True)
            plain = folder / "plain"  # what rsync carries is without what is ours
            for seconds in (full, few, few, few):
                mirror(source, plain)
                os.sync()
                seconds.rsync.append(with_rsync(server, plain, theirs))
                os.sync()
                seconds.ours.append(await with_ours(here, there))
                same(source, ours)
                change(source, chance)
            async with Carrier.opened(here, there) as carrier:
                await carrier.carry()
                mirror(source, plain)
                with_rsync(server, plain, theirs)
                for _ in range(3):
                    change(source, chance)
                    mirror(source, plain)
                    os.sync()
                    last.rsync.append(with_rsync(server, plain, theirs))
                    os.sync()
                    last.ours.append(await once_more(carrier))
                    same(source, ours)
            shutil.rmtree(ours)
            shutil.rmtree(theirs)
    finally:
        await remote.close()
        await local.close()
        server.stop()
    print(full.line(f"{files} files, {megabytes} MB"))
    print(few.line(f"{CHANGED} changed files"))
    print(last.line("the same in a switch"))


def main() -> None:
    """Reads the arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="studio-bench-") as folder:
        asyncio.run(run(Path(folder), given.files, given.megabytes, given.rounds))


if __name__ == "__main__":
    main()
