from __future__ import annotations

import pytest
from textual.geometry import Offset, Size

from studio_tui.app.widgets.crop import Crop, is_cropped

WHOLE, VIEW = Size(60, 20), Size(20, 5)


@pytest.mark.parametrize(
    ("cursors", "offset"),
    [
        ([(0, 0)], (0, 0)),
        ([(59, 19)], (40, 15)),
        ([(59, 19), (49, 17)], (40, 15)),  # still in view: nothing moves
        ([(59, 19), (39, 14)], (39, 14)),
        ([(25, 0)], (6, 0)),
    ],
)
def test_it_moves_as_little_as_shows_the_cursor(
    cursors: list[tuple[int, int]], offset: tuple[int, int]
) -> None:
    crop = Crop()
    for x, y in cursors:
        crop.follow(Offset(x, y), WHOLE, VIEW)
    assert crop.offset == offset


def test_what_was_moved_stays_until_it_is_to_follow_or_all_fits() -> None:
    crop = Crop()
    assert crop.move(8, 4, WHOLE, VIEW)
    assert not crop.follow(Offset(0, 0), WHOLE, VIEW)
    assert crop.offset == (8, 4)
    assert crop.move(100, 100, WHOLE, VIEW)
    assert crop.offset == (40, 15)
    assert not crop.move(1, 1, WHOLE, VIEW)  # there is no more
    assert crop.follow(Offset(0, 0), WHOLE, WHOLE)
    assert (crop.offset, crop.held) == ((0, 0), False)


def test_what_fits_cannot_be_moved() -> None:
    assert not Crop().move(5, 5, VIEW, WHOLE)
    assert not is_cropped(VIEW, WHOLE)
    assert is_cropped(WHOLE, VIEW)
    assert not is_cropped(WHOLE, Size(0, 0))  # it is not shown at all
