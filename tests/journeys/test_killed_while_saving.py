"""Host, relay and client are killed while a file is saved; at length: `make torture-files`."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.torture_files import VICTIMS, number_of, torture, version


@pytest.mark.timeout(120)
async def test_a_kill_of_each_leaves_whole_files_and_loses_nothing(tmp_path: Path) -> None:
    tally = await torture(tmp_path, len(VICTIMS))
    assert (tally.torn, tally.lost) == ([], [])
    assert tally.kills == dict.fromkeys(VICTIMS, 1)
    assert tally.saves > len(VICTIMS)
    assert tally.looks > tally.saves


def test_a_torn_version_is_seen() -> None:
    whole = version(12)
    assert number_of(whole) == 12
    assert number_of("") is None
    assert number_of(whole[:-1]) is None
    assert number_of(whole.replace("version 12 line 7\n", "version 11 line 7\n")) is None
