"""Lists 10 000 keys and carries 1 GB down and up, against boto3 itself in the same run.

    make bench-data
    PYTHONPATH=. python scripts/bench_data.py --keys 10000 --megabytes 1024 --rounds 3
    make bench-data BROKEN=5120
    PYTHONPATH=. python scripts/bench_data.py --broken 5120

The servers are those of the tests, on this computer: moto holds the keys; nanio, which checks
signatures, the file. boto3's side is `list_objects_v2`, and `download_file` and `upload_file` as
they come: eight megabytes in ten threads. Ours also has the server compare the MD5 of each part on
its way up, compares what comes down with the checksum that the server keeps, and has it on the disk
(fsync) before it has its name; boto3's download is told with and without an fsync. Each round asks
both, one after the other; medians. The memory of a download is told for each by itself.

With --broken, one file of so many megabytes goes up and down by `studio-tui data put` and `get`,
each ended by ctrl+c, then by kill -9, then gone on with to its end: what each attempt found there,
the most memory of each process, and whether the copy is what was sent. It takes three times its
size on the disk of TMPDIR.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from studio_tui.data import copying, folders
from studio_tui.data.local import LocalOrigin, LocalTarget
from studio_tui.data.s3 import S3
from studio_tui.data.source import Going
from tests.data.stores import KEY, SECRET, client, serving

PAGE_ROUNDS = 15


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compare(
    name: str, rounds: int, ours: Callable[[], object], theirs: Callable[[], object]
) -> None:
    """Print the medians of both, taking turns, and their ratio."""
    took = [(seconds(ours), seconds(theirs)) for _ in range(rounds)]
    mine, other = (statistics.median(column) for column in zip(*took, strict=True))
    print(f"{name:26} ours {mine:7.3f} s   boto3 {other:7.3f} s   {mine / other:.2f}x")


def source(url: str) -> S3:
    """Ours."""
    table = {"endpoint_url": url, "key_id": "BENCH_KEY", "secret_key": "BENCH_SECRET"}
    return S3("bench", table)


def listing(url: str, keys: int) -> None:
    """The first page of a folder, and all of it."""
    theirs, ours = client(url), source(url)
    theirs.create_bucket(Bucket="keys")
    for number in range(keys):
        theirs.put_object(Bucket="keys", Key=f"d/{number:06}", Body=b"")

    def first() -> object:
        return theirs.list_objects_v2(Bucket="keys", Prefix="d/", Delimiter="/", MaxKeys=1000)

    def everything() -> None:
        for page in theirs.get_paginator("list_objects_v2").paginate(Bucket="keys", Prefix="d/"):
            len(page["Contents"])

    first()
    ours.page("keys/d/")
    compare(f"first of {keys} keys", PAGE_ROUNDS, lambda: ours.page("keys/d/"), first)
    compare("all of them", 3, lambda: list(folders.below(ours, "keys/d/")), everything)


def transfer(url: str, folder: Path, megabytes: int, rounds: int) -> None:
    """One file up and down."""
    theirs, ours = client(url), source(url)
    theirs.create_bucket(Bucket="large")
    origin = folder / "origin"
    with origin.open("wb") as file:
        for _ in range(megabytes):
            file.write(os.urandom(1 << 20))

    def up() -> None:
        ours._client.delete_object(Bucket="large", Key="ours")
        copying.send(ours, "large/ours", LocalOrigin(origin), Going())

    def down() -> None:
        (folder / "down").unlink(missing_ok=True)
        entry = ours.stat("large/ours")
        copying.fetch(ours, entry, LocalTarget(folder / "down"), Going())

    def their_down() -> None:
        theirs.download_file("large", "theirs", str(folder / "their-down"))

    def their_down_to_disk() -> None:
        their_down()
        with (folder / "their-down").open("rb") as file:
            os.fsync(file)

    compare(
        f"{megabytes} MB up", rounds, up,
        lambda: theirs.upload_file(str(origin), "large", "theirs"),
    )  # fmt: skip
    compare(f"{megabytes} MB down to the disk", rounds, down, their_down_to_disk)
    compare("boto3 without fsync", rounds, down, their_down)
    same = subprocess.run(["cmp", str(folder / "down"), str(origin)], check=False).returncode == 0
    print(f"the copy is {'' if same else 'NOT '}what was sent")


def memory() -> float:
    """The most that this process has had, in MB; what its parent had is not counted."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def alone(folder: Path, url: str) -> None:
    """The memory of each side by itself, in a process of its own."""
    for side in ("ours", "boto3"):
        told = subprocess.check_output(
            [sys.executable, __file__, "--memory", side, "--url", url, "--folder", str(folder)],
            text=True,
        )
        before, after = json.loads(told)
        print(f"memory of a download: {side:6} {after - before:5.0f} MB beyond {before:.0f} MB")


def one_download(side: str, url: str, folder: Path) -> None:
    """Download once and tell the memory before and at the most."""
    to = folder / f"memory-{side}"
    ours, theirs = source(url), client(url)
    entry = ours.stat("large/ours")
    theirs.head_object(Bucket="large", Key="ours")
    before = memory()
    if side == "ours":
        copying.fetch(ours, entry, LocalTarget(to), Going())
    else:
        theirs.download_file("large", "ours", str(to))
    print(json.dumps([before, memory()]))


ENDS = (("ctrl+c", signal.SIGINT, 0.3), ("kill -9", signal.SIGKILL, 0.6), ("", None, 1.0))
"""How each attempt ends, and after which share of the file."""


def broken(url: str, folder: Path, megabytes: int) -> None:
    """One file up and down, each broken off twice and gone on with."""
    theirs = client(url)
    theirs.create_bucket(Bucket="large")
    home = folder / "home"
    os.environ["STUDIO_HOME"] = str(home)
    (home / "config").mkdir(parents=True, mode=0o700)
    table = f'kind = "s3"\nendpoint_url = "{url}"\nkey_id = "BENCH_KEY"\n'
    (home / "config" / "data.toml").write_text(f'[lake]\n{table}secret_key = "BENCH_SECRET"\n')
    origin, back, size = folder / "origin", folder / "back", megabytes << 20
    with origin.open("wb") as file:
        for _ in range(megabytes):
            file.write(os.urandom(1 << 20))
    there = "lake://large/origin"
    print(f"one file of {megabytes} MB")
    for verb, ends in (("put", (str(origin), there)), ("get", (there, str(back)))):
        for name, ending, share in ENDS:
            print(f"{there_already(theirs, folder) >> 20:5} MB there: ", end="")
            attempt(verb, ends, name, ending, int(size * share))
    print(" " * 16, end="")
    attempt("head", (there,), "", None, size)
    same = subprocess.run(["cmp", str(back), str(origin)], check=False).returncode == 0
    print(f"the copy is {'' if same else 'NOT '}what was sent")


def there_already(theirs: Any, folder: Path) -> int:
    """Bytes that earlier attempts have left: a draft here, or parts at the server."""
    found = sum(file.stat().st_size for file in folder.glob(".back.*.part"))
    for upload in theirs.list_multipart_uploads(Bucket="large").get("Uploads", ()):
        given = {"Bucket": "large", "Key": upload["Key"], "UploadId": upload["UploadId"]}
        for page in theirs.get_paginator("list_parts").paginate(**given):
            found += sum(part["Size"] for part in page.get("Parts", ()))
    return found


def attempt(verb: str, ends: tuple[str, ...], name: str, ending: int | None, until: int) -> None:
    """Run a command, broken off once it has read or written so many bytes more."""
    start = time.perf_counter()
    counter = "write_bytes" if verb == "get" else "rchar"
    command = [sys.executable, "-m", "studio_tui", "data", verb, *ends]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    while ending is not None and carried(process.pid, counter) < until // 2:
        if process.poll() is not None:
            break
        time.sleep(0.02)
    if ending is not None:
        process.send_signal(ending)
    assert process.stdout is not None
    said = process.stdout.read().decode("utf-8", "replace").strip().splitlines()
    _, status, used = os.wait4(process.pid, 0)
    code = process.returncode = os.waitstatus_to_exitcode(status)
    took = time.perf_counter() - start
    print(
        f"{verb:4} {name or 'to its end':10} {took:6.1f} s  exit {code:3}  "
        f"{used.ru_maxrss / 1024:4.0f} MB of memory  {said[-1][-60:] if said else ''}"
    )


def carried(process: int, counter: str) -> int:
    """Bytes that a process has read or written so far; 0 when it is over."""
    try:
        text = Path(f"/proc/{process}/io").read_text(encoding="ascii")
    except OSError:
        return 0
    return int(text.partition(f"{counter}:")[2].split()[0])


def main() -> None:
    """Start the servers and measure."""
    options = argparse.ArgumentParser()
    options.add_argument("--keys", type=int, default=10_000)
    options.add_argument("--megabytes", type=int, default=1024)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--broken", type=int, default=0, metavar="MEGABYTES")
    for name in ("--memory", "--url", "--folder"):
        options.add_argument(name, help=argparse.SUPPRESS)
    given = options.parse_args()
    os.environ |= {"BENCH_KEY": KEY, "BENCH_SECRET": SECRET}
    if given.memory:
        one_download(given.memory, given.url, Path(given.folder))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with serving(folder / "buckets") as servers:
            if given.broken:
                broken(servers.nanio.url, folder, given.broken)
                return
            listing(servers.moto.url, given.keys)
            transfer(servers.nanio.url, folder, given.megabytes, given.rounds)
            alone(folder, servers.nanio.url)


if __name__ == "__main__":
    main()
