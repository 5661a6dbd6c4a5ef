"""What a source amounts to, in a few words: what a job says that it was trained on."""

from __future__ import annotations

from studio_tui.data.preview import rows_of
from studio_tui.data.source import Address, Source

PAGES = 20
"""So many pages of a folder are counted; of what is larger, that it is."""


def survey(source: Source, address: Address) -> str:
    """Files, bytes and rows of what is at an address, and the tag of its content.

    Raises:
        StudioError: the source; or there is nothing.
    """
    if address.path and not address.path.endswith("/"):
        entry = source.stat(address.path)
        rows = rows_of(source, entry)
        told = ["" if entry.size is None else f"{entry.size} bytes"]
        told += ["" if rows is None else f"{rows} rows", f"tag {entry.tag}" if entry.tag else ""]
    else:
        files, size, whole = _counted(source, address.path)
        more = "" if whole else "more than "
        told = [f"{more}{files} files", f"{size} bytes"]
    return f"{address}: {', '.join(filter(None, told))}"


def _counted(source: Source, path: str) -> tuple[int, int, bool]:
    """Files and bytes below a folder, and whether these are all."""
    files = size = 0
    token = ""
    for _ in range(PAGES):
        page = source.page(path, token, deep=True)
        sizes = [entry.size or 0 for entry in page.entries if entry.kind == "file"]
        files, size, token = files + len(sizes), size + sum(sizes), page.token
        if not token:
            return files, size, True
    return files, size, False
