from __future__ import annotations

import io
import os

import pytest

from studio_tui.data.ranged import BLOCK, Ranged
from tests.data.tables import Shelf

DATA = os.urandom(BLOCK * 3 + 100)


def test_it_reads_as_a_file_does_and_fetches_a_block_once() -> None:
    shelf = Shelf(a=DATA)
    file = Ranged(shelf, shelf.stat("a"), len(DATA))
    assert file.read(10) == DATA[:10]
    assert file.seek(-20, io.SEEK_END) == len(DATA) - 20
    assert file.read(100) == DATA[-20:]
    file.seek(BLOCK - 5)
    assert file.read(10) == DATA[BLOCK - 5 : BLOCK]  # what lies in one block
    assert file.tell() == BLOCK
    assert io.BufferedReader(Ranged(shelf, shelf.stat("a"), len(DATA))).read() == DATA
    assert shelf.fetched == BLOCK + 100 + len(DATA)


def test_it_reads_no_more_than_it_may() -> None:
    shelf = Shelf(a=DATA)
    file = Ranged(shelf, shelf.stat("a"), BLOCK)
    with pytest.raises(OSError, match="than a preview reads"):
        io.BufferedReader(file).read()
    assert shelf.fetched <= 2 * BLOCK
