"""Curves that other loggers left in files: Lightning's CSVLogger, and TensorBoard's events.

What is read may be of any origin: it is bounded, and what makes no sense is passed over.
"""

from __future__ import annotations

import csv
import io
import math
import struct
from collections.abc import Iterator
from typing import Any

from studio_tui.errors import StudioError

Curves = dict[str, list[tuple[int, float]]]

SIZE_CAP = 256 << 20
NAMES = 512
POINTS = 100_000  # of one curve; what comes after that is dropped
NAME_CAP = 200
RECORD_CAP = 16 << 20
_STEPS = 1 << 53
_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5  # protobuf's wire types
_FLOAT, _DOUBLE = 1, 2  # TensorFlow's data types


def is_record(path: str) -> bool:
    """Whether a name is that of a file that can be read here, rather than a job's."""
    return path.endswith(".csv") or "tfevents" in path


def read_record(path: str, data: bytes) -> Curves:
    """The curves in the file that was at `path`.

    Raises:
        StudioError: it is of neither kind, or too big.
    """
    if len(data) > SIZE_CAP:
        raise StudioError(f"{path} has more than {SIZE_CAP >> 20} MiB", "log less often")
    name = path.rsplit("/", 1)[-1]
    if "tfevents" in name:
        return read_events(data)
    if name.endswith(".csv"):
        return read_csv(data)
    raise StudioError(
        f"{path} is no log of metrics that can be read",
        "give a metrics.csv of CSVLogger, or an events.out.tfevents file of TensorBoard",
    )


class _Sheet:
    """Curves as they are read, within bounds."""

    def __init__(self) -> None:
        self.curves: Curves = {}

    def add(self, name: str, step: int, value: float) -> None:
        if not math.isfinite(value):
            return
        if name not in self.curves and len(self.curves) >= NAMES or abs(step) > _STEPS:
            return
        points = self.curves.setdefault(name[:NAME_CAP], [])
        if len(points) < POINTS:
            points.append((step, value))


def read_csv(data: bytes) -> Curves:
    """The curves of a CSVLogger: one column each, over the column "step".

    Without such a column, the rows are counted.
    """
    sheet = _Sheet()
    rows = csv.reader(io.StringIO(data.decode("utf-8", "replace").replace("\0", "")))
    try:
        names = next(rows, [])
        at = names.index("step") if "step" in names else None
        for number, row in enumerate(rows):
            step = _number(row[at]) if at is not None and at < len(row) else float(number)
            if step is None or not abs(step) < _STEPS:
                continue
            for name, text in zip(names, row, strict=False):
                value = _number(text) if name != "step" else None
                if value is not None:
                    sheet.add(name, int(step), value)
    except csv.Error as problem:
        raise StudioError(f"this is no CSV: {problem}", "look at the file") from problem
    return sheet.curves


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def read_events(data: bytes) -> Curves:
    """The scalars of a TensorBoard event file; one that is still being written is read so far."""
    sheet = _Sheet()
    for record in _records(memoryview(data)):
        try:
            _event(record, sheet)
        except (ValueError, struct.error, IndexError):
            continue
    return sheet.curves


def _records(data: memoryview) -> Iterator[memoryview]:
    """TFRecord framing: length, its checksum, the bytes, their checksum."""
    at = 0
    while at + 12 <= len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        end = at + 12 + length
        if length > RECORD_CAP or end + 4 > len(data):
            return
        yield data[at + 12 : end]
        at = end + 4


def _event(record: memoryview, sheet: _Sheet) -> None:
    step = 0
    summaries = []
    for field, kind, value in _fields(record):
        if (field, kind) == (2, _VARINT):
            step = value - (1 << 64) if value >> 63 else value
        elif (field, kind) == (5, _BYTES):
            summaries.append(value)
    for summary in summaries:
        for field, kind, value in _fields(summary):
            if (field, kind) == (1, _BYTES):
                _scalar(value, step, sheet)


def _scalar(message: memoryview, step: int, sheet: _Sheet) -> None:
    """One value of a summary: its tag, and a number in one of the two forms that there are."""
    tag, number = "", None
    for field, kind, value in _fields(message):
        if (field, kind) == (1, _BYTES):
            tag = bytes(value[: NAME_CAP * 4]).decode("utf-8", "replace")
        elif (field, kind) == (2, _FOUR):
            (number,) = struct.unpack("<f", value)
        elif (field, kind) == (8, _BYTES):
            number = _tensor(value)
    if tag and number is not None:
        sheet.add(tag, step, number)


def _tensor(message: memoryview) -> float | None:
    """The number in a tensor that has just one."""
    dtype, content = 0, b""
    for field, kind, value in _fields(message):
        if (field, kind) == (1, _VARINT):
            dtype = value
        elif field in (4, 5, 6) and kind in (_BYTES, _FOUR, _EIGHT):
            content = bytes(value[:9])
    code = {_FLOAT: "<f", _DOUBLE: "<d"}.get(dtype)
    if code is None or len(content) != struct.calcsize(code):
        return None
    number: float = struct.unpack(code, content)[0]
    return number


def _fields(message: memoryview) -> Iterator[tuple[int, int, Any]]:
    """The fields of a protobuf message: number, wire type, value.

    Raises:
        ValueError: the bytes are no message.
    """
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield key >> 3, kind, value
            continue
        if kind == _BYTES:
            size, at = _varint(message, at)
        else:
            size = {_EIGHT: 8, _FOUR: 4}.get(kind, len(message) + 1)
        if at + size > len(message):
            raise ValueError("a field ends after its message")
        yield key >> 3, kind, message[at : at + size]
        at += size


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & ((1 << 64) - 1), at
    raise ValueError("a number without end")
