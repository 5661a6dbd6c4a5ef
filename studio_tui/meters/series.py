"""The last few minutes of a machine's meters, as named tracks for charts."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from studio_tui.meters.sample import GPU, Sample


def _share(used: int | None, total: int | None) -> float | None:
    return used / total if used is not None and total else None


_HOST: dict[str, Callable[[Sample], float | None]] = {
    "cpu": lambda s: s.cpu,
    "memory": lambda s: _share(s.memory_used, s.memory_total),
    "disk": lambda s: _share(s.disk_used, s.disk_total),
    "net_received": lambda s: s.net_received,
    "net_sent": lambda s: s.net_sent,
    "disk_read": lambda s: s.disk_read,
    "disk_written": lambda s: s.disk_written,
    "load": lambda s: s.load,
}
_GPU: dict[str, Callable[[GPU], float | None]] = {
    "utilisation": lambda g: g.utilisation,
    "memory": lambda g: _share(g.memory_used, g.memory_total),
    "power": lambda g: g.power_watts,
    "temperature": lambda g: g.temperature_celsius,
    "sm_clock": lambda g: None if g.sm_clock_mhz is None else float(g.sm_clock_mhz),
}


class Series:
    """A ring of one machine's samples, oldest first.

    Tracks: "cpu", "memory", "disk" (0..1), "net_received", "net_sent", "disk_read",
    "disk_written" (bytes a second), "load", and for GPU 0 "gpu0.utilisation", "gpu0.memory"
    (0..1), "gpu0.power" (W), "gpu0.temperature" (degrees Celsius), "gpu0.sm_clock" (MHz).

    Args:
        capacity: samples that are kept; at one a second, the seconds that a chart can show.
    """

    def __init__(self, capacity: int = 600) -> None:
        self._samples: deque[Sample] = deque(maxlen=capacity)

    def __len__(self) -> int:
        return len(self._samples)

    def add(self, sample: Sample) -> None:
        """Takes the next sample; one that is older than the last is dropped."""
        if self._samples and sample.time < self._samples[-1].time:
            return
        self._samples.append(sample)

    @property
    def latest(self) -> Sample | None:
        """The newest sample."""
        return self._samples[-1] if self._samples else None

    @property
    def tracks(self) -> tuple[str, ...]:
        """The tracks that have something to tell, in the order above."""
        gpus = sorted({gpu.index for sample in self._samples for gpu in sample.gpus})
        names = [*_HOST, *(f"gpu{index}.{name}" for index in gpus for name in _GPU)]
        return tuple(n for n in names if any(v is not None for v in self.track(n)))

    def times(self) -> list[float]:
        """Seconds since 1970 of each sample."""
        return [sample.time for sample in self._samples]

    def track(self, name: str, last: int | None = None) -> list[float | None]:
        """One value per sample.

        Args:
            last: of so many of the newest samples only.

        Raises:
            KeyError: no track has that name.
        """
        skipped = 0 if last is None else max(len(self._samples) - last, 0)
        samples = islice(self._samples, skipped, None)
        if name in _HOST:
            return [_HOST[name](sample) for sample in samples]
        place, _, quantity = name.partition(".")
        reading = _GPU[quantity]
        found = [
            next((gpu for gpu in sample.gpus if f"gpu{gpu.index}" == place), None)
            for sample in samples
        ]
        return [None if gpu is None else reading(gpu) for gpu in found]
