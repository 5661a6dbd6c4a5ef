from __future__ import annotations

import io

from PIL import Image

from studio_tui.data import picture
from studio_tui.data.picture import Picture
from tests.data.tables import Shelf


def test_every_kind_of_picture_is_read() -> None:
    for kind in ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"):
        file = io.BytesIO()
        Image.new("RGB", (200, 100)).save(file, kind)
        shelf = Shelf(a=file.getvalue())
        found = picture.picture(shelf, shelf.stat("a"))
        assert isinstance(found, Picture), kind
        assert (found.width, found.height, len(found.rows)) == (200, 100, 48)


def test_a_large_file_is_not_fetched() -> None:
    shelf = Shelf(a=b"x" * (picture.LARGEST + 1))
    found = picture.picture(shelf, shelf.stat("a"))
    assert isinstance(found, str)
    assert shelf.fetched == 0
