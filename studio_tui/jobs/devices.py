"""How devices of a job are written: a count, a list of indices, or left open."""

from __future__ import annotations

import re

from studio_tui.errors import UsageFault

_WRITTEN = re.compile(r"[1-9][0-9]{0,4}|[0-9]{1,4}(,[0-9]{1,4})+,?|[0-9]{1,4},")


def checked_devices(devices: str) -> str:
    """`devices` without its spaces.

    Raises:
        UsageFault: it is neither a count such as 2, nor indices such as 0,1, "auto" or "".
    """
    plain = devices.replace(" ", "")
    if not plain or plain == "auto":
        return plain
    indices = _indices(plain)
    if not _WRITTEN.fullmatch(plain) or ("," in plain and len(set(indices)) < len(indices)):
        raise UsageFault(
            f"devices {devices!r} is neither a count nor a list",
            'give a count such as 2, indices such as 0,1 (each once), or "auto"',
        )
    return plain


def device_count(devices: str) -> int | None:
    """How many devices these are on each machine; None for what says no number.

    Whatever the text is: every editor of a studio can write some. "0,1" are two, "3," is one.
    """
    if not _WRITTEN.fullmatch(devices):
        return None
    return len(_indices(devices)) if "," in devices else int(devices)


def _indices(devices: str) -> list[str]:
    return [part for part in devices.split(",") if part]
