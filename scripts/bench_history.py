"""Replays the edits that typed a whole paper, from three clients that take turns.

    make bench-history
    scripts/bench_history.py [--turn 40] [--ops 259778]

Every client is what the app has: a replica that walks each update before it applies it, and a
shared text that knows its bytes. An edit is one transaction of one of them, and its update goes to
the other two at once. Ends with 1 when the texts do not come out as the paper.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import lzma
import sys
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from studio_tui.document.replica import Replica
from studio_tui.document.text import SharedText

TRACE = Path(__file__).parents[1] / "tests/fixtures/editing/trace.json.xz"
CLIENTS = 3

Op = Sequence[int | str]
"""Position and number of the characters that are deleted, and what is inserted there."""


@dataclass
class Replay:
    """What came of it: the clients' texts, one document, and processor seconds."""

    texts: list[str]
    document: bytes
    local: float
    remote: float


def load() -> tuple[list[Op], str]:
    """The edits, and the SHA-256 of the text that they make."""
    trace = json.loads(lzma.decompress(TRACE.read_bytes()))
    return trace["ops"], trace["final_sha256"]


def replay(ops: Sequence[Op], turn: int) -> Replay:
    """Make the edits, `turn` of them by one client before the next one goes on."""
    replicas = [Replica() for _ in range(CLIENTS)]
    texts = [SharedText(replica.doc) for replica in replicas]
    outbox: list[bytes] = []
    for replica in replicas:
        replica.observe_local(outbox.append)
    local = remote = 0.0
    for number, (at, deleted, inserted) in enumerate(ops):
        writer = number // turn % CLIENTS
        began = time.process_time()
        texts[writer].replace(int(at), int(at) + int(deleted), str(inserted))
        made = time.process_time()
        update = outbox.pop()
        for reader, replica in enumerate(replicas):
            if reader != writer:
                replica.apply(update)
        local += made - began
        remote += time.process_time() - made
    assert not outbox
    return Replay([str(text) for text in texts], replicas[0].doc.get_update(), local, remote)


def digest(text: str) -> str:
    """The SHA-256 of a text in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--turn", type=int, default=40, help="edits in a row by one client")
    parser.add_argument("--ops", type=int, default=None, help="how many edits, all by default")
    options = parser.parse_args()
    ops, wanted = load()
    whole = options.ops is None or options.ops >= len(ops)
    ops = ops[: options.ops]
    done = replay(ops, options.turn)
    began = time.process_time()
    Replica().apply(done.document)
    loaded = time.process_time() - began
    count, size = len(ops), len(done.document)
    print(f"{count} edits by {CLIENTS} clients, {options.turn} in a row each")
    print(f"  an edit where it is made     {done.local / count * 1e6:8.1f} us of one processor")
    print(f"  the same, arriving at a peer {done.remote / count / (CLIENTS - 1) * 1e6:8.1f} us")
    print(
        f"  document                     {size:8d} B ({len(zlib.compress(done.document))} B zlib)"
    )
    print(f"  loading it                   {loaded * 1e3:8.1f} ms")
    same = len(set(done.texts)) == 1
    right = same and (not whole or digest(done.texts[0]) == wanted)
    verdict = ("as given" if whole else "the same everywhere") if right else "WRONG"
    print(f"  text                         {len(done.texts[0]):8d} characters")
    print(f"  sha256                       {digest(done.texts[0])}: {verdict}")
    sys.exit(not right)


if __name__ == "__main__":
    main()
