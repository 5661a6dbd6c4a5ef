"""A table on its way into a Parquet file, a batch of rows at a time."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import islice
from typing import Any

from studio_tui.data.copying import Copied, mark
from studio_tui.data.local import Target
from studio_tui.data.source import Entry, Going, Rows, Source, lacking
from studio_tui.errors import StudioError

BATCH = 10_000


def fetch_table(source: Source, entry: Entry, target: Target, going: Going) -> Copied:
    """Copy a table into a Parquet file; its rows are counted, and compared with the source's count.

    The types of the columns are those of the first batch of rows.

    Raises:
        StudioError: the source; or a later row does not fit to the first ones.
    """
    try:
        import pyarrow
    except ImportError:
        raise lacking("data") from None
    found = source.rows(entry.path, None)
    sink = _Sink(target, going)
    try:
        if target.begin(mark(entry)):
            target.discard()  # rows have no order in which one could go on
            target.begin(mark(entry))
        count = _write(found, sink, going)
        target.finish()
    except (pyarrow.ArrowException, OverflowError, UnicodeEncodeError) as problem:
        target.discard()
        said = " ".join(str(problem).split())[:200]
        raise StudioError(
            f"{entry.name} does not fit into Parquet: {said}", "copy a view"
        ) from None
    finally:
        sink.over = True
        target.close()
    checked = f"count of {count} rows" if count == found.total else ""
    return Copied(1, sink.tell(), checked, count)


def _write(found: Rows, sink: _Sink, going: Going) -> int:
    """Write every row; how many there were."""
    import pyarrow
    from pyarrow import parquet

    names, count, writer = [name for name, _ in found.columns], 0, None
    try:
        while (rows := list(islice(found.rows, BATCH))) or writer is None:
            columns: Sequence[Sequence[object]] = list(zip(*rows, strict=True)) or [()] * len(names)
            batch = pyarrow.table([pyarrow.array(column) for column in columns], names=names)
            writer = writer or parquet.ParquetWriter(sink, batch.schema)
            writer.write_table(batch.cast(writer.schema))
            count += len(rows)
            going.text = f"{count} rows"
    except BaseException:
        sink.over = True
        raise
    finally:
        if writer is not None:
            writer.close()
    return count


class _Sink(io.RawIOBase):
    """A target as the file object that Parquet is written to.

    Attributes:
        over: what is still written goes nowhere: Parquet's writer ends a file whatever happened.
    """

    def __init__(self, target: Target, going: Going) -> None:
        super().__init__()
        self._target, self._going, self._at = target, going, 0
        self.over = False

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def write(self, data: Any) -> int:
        piece = bytes(data)
        if self.over:
            return len(piece)
        self._target.write(self._at, piece)
        self._at += len(piece)
        self._going.step(len(piece))
        return len(piece)
