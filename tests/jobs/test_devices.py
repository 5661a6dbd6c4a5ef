"""How many devices a text stands for, in a request and in what anybody may have written."""

from __future__ import annotations

import pytest

from studio_tui.errors import UsageFault
from studio_tui.jobs.devices import checked_devices, device_count


@pytest.mark.parametrize(
    ("devices", "count"),
    [("", None), ("auto", None), ("1", 1), ("8", 8), ("0,1", 2), ("0, 3", 2), ("3,", 1)],
)
def test_devices_are_a_count_or_a_list(devices: str, count: int | None) -> None:
    assert device_count(checked_devices(devices)) == count


@pytest.mark.parametrize("devices", ["0", "-1", "two", "1.5", ",", "0,,1", "1,1", "0x1", "01"])
def test_other_devices_are_refused(devices: str) -> None:
    with pytest.raises(UsageFault, match="neither a count nor a list"):
        checked_devices(devices)


@pytest.mark.parametrize("devices", ["9" * 9999, "²", "-1", ",,,", "0,1\n"])
def test_what_is_no_devices_is_no_number_of_them(devices: str) -> None:
    assert device_count(devices) is None
