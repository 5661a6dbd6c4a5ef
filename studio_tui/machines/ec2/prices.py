"""What an instance type costs per hour: the table that is shipped, and the user's own over it."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from studio_tui.errors import StudioError, UsageFault

SHIPPED = Path(__file__).parent / "prices.yaml"

Table = Mapping[str, Mapping[str, float]]


class Prices:
    """On-demand prices in USD per hour.

    Args:
        own: a file like the shipped one, whose prices come first; None or missing for none.

    Raises:
        UsageFault: it is no such table.
    """

    def __init__(self, own: Path | None = None) -> None:
        self._tables = [_shipped()]
        if own is not None and own.exists():
            self._tables.insert(0, _read(own))

    def find(self, kind: str, region: str) -> float | None:
        """The price of an instance type; None where no table has it."""
        for table in self._tables:
            if (price := table.get(region, {}).get(kind)) is not None:
                return price
        return None


@functools.cache
def _shipped() -> Table:
    return _read(SHIPPED)


def _read(path: Path) -> Table:
    hint = "write it as regions:, under it us-east-1:, under that g5.xlarge: 1.006"
    try:
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        said = " ".join(str(problem).split())[:200]
        raise UsageFault(f"{path}: not YAML: {said}", hint) from problem
    except OSError as problem:
        raise StudioError(
            f"cannot read {path}: {problem.strerror}", "check the file's rights"
        ) from problem
    regions = told.get("regions") if isinstance(told, dict) else None
    if not isinstance(regions, dict):
        raise UsageFault(f"{path}: no table of regions", hint)
    return {str(region): _prices(path, region, kinds, hint) for region, kinds in regions.items()}


def _prices(path: Path, region: object, kinds: Any, hint: str) -> dict[str, float]:
    if not isinstance(kinds, dict):
        raise UsageFault(f"{path}: {region} has no table of instance types", hint)
    for kind, price in kinds.items():
        number = isinstance(price, (int, float)) and not isinstance(price, bool)
        if not number or not math.isfinite(price) or price < 0:
            raise UsageFault(f"{path}: {kind} in {region} has the price {price!r}", hint)
    return {str(kind): float(price) for kind, price in kinds.items()}
