"""A picture made small enough for a terminal."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

from studio_tui.data.source import Entry, Source

SUFFIXES = ("png", "jpg", "jpeg", "gif", "webp", "bmp", "tif", "tiff")
FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF")
LARGEST = 24 << 20
"""Bytes of a picture that is fetched for a look at it."""
MOST_PIXELS = 50_000_000
ACROSS, DOWN = 96, 96


@dataclass(frozen=True)
class Picture:
    """Its own size, and its pixels made fewer: a row each, "rrggbb" after one another."""

    width: int
    height: int
    across: int
    rows: list[str]


def picture(source: Source, entry: Entry) -> Picture | str:
    """The picture in a file; a text says why there is none."""
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        return "pictures are read by pillow: pip install 'studio-tui[data]'"
    if (entry.size or 0) > LARGEST:
        return f"a picture of more than {LARGEST >> 20} MB is not fetched for a look"
    data = source.read(entry, 0, LARGEST)
    try:
        with warnings.catch_warnings():
            # Of a size that we look at ourselves, before anything is unpacked.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data), formats=FORMATS)
            width, height = image.size
            if width * height > MOST_PIXELS:
                return f"a picture of {width} x {height} pixels is too large for a look"
            image.draft("RGB", (ACROSS * 2, DOWN * 2))
            image.thumbnail((ACROSS, DOWN))
            small = image.convert("RGB")
    except Image.DecompressionBombError:
        return "a picture with that many pixels is too large for a look"
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        return "it is no picture, or a broken one"
    raw, across = small.tobytes().hex(), small.width
    line = across * 6
    return Picture(width, height, across, [raw[at : at + line] for at in range(0, len(raw), line)])
