from __future__ import annotations

import io

import pytest

from studio_tui.data.outgoing import Outgoing
from studio_tui.data.source import Going, Stopped

DATA = b"0123456789"


def outgoing(going: Going) -> Outgoing:
    return Outgoing(len(DATA), lambda at, n: DATA[at : at + n], going)


def test_it_reads_as_a_file_does_and_counts_what_is_new() -> None:
    going = Going()
    file = outgoing(going)
    assert (file.read(4), file.tell(), going.done) == (b"0123", 4, 4)
    assert (file.seek(-2, io.SEEK_END), file.read()) == (8, b"89")
    assert file.seek(0) == 0
    assert (file.read(), file.read(), going.done) == (DATA, b"", 10)


def test_it_stops_when_it_is_called_off() -> None:
    with pytest.raises(Stopped):
        outgoing(Going(stop=True)).read(1)
