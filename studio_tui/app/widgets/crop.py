"""Which part of something is seen through a view that may be smaller."""

from __future__ import annotations

from textual.geometry import Offset, Size


class Crop:
    """The cell in the view's upper left corner.

    It follows a cursor, as little as keeps that in view, until somebody moves it; then it is
    `held` until somebody asks it to follow again, or all of it fits.

    Attributes:
        offset: that cell.
        held: whether somebody moved it away from the cursor.
    """

    def __init__(self) -> None:
        self.offset = Offset(0, 0)
        self.held = False

    def follow(self, cursor: Offset, whole: Size, view: Size) -> bool:
        """Show the cursor; whether that moved anything."""
        self.held = self.held and is_cropped(whole, view)
        if self.held:
            return False
        x = _shifted(self.offset.x, cursor.x, view.width, whole.width)
        y = _shifted(self.offset.y, cursor.y, view.height, whole.height)
        moved = (x, y) != self.offset
        self.offset = Offset(x, y)
        return moved

    def move(self, x: int, y: int, whole: Size, view: Size) -> bool:
        """Show another part, and stay there; whether that moved anything."""
        right, low = max(0, whole.width - view.width), max(0, whole.height - view.height)
        to = Offset(min(max(0, self.offset.x + x), right), min(max(0, self.offset.y + y), low))
        if to == self.offset:
            return False
        self.offset, self.held = to, True
        return True


def is_cropped(whole: Size, view: Size) -> bool:
    """Whether not all of it is seen."""
    return whole.width > view.width > 0 or whole.height > view.height > 0


def _shifted(start: int, cursor: int, room: int, extent: int) -> int:
    """What is nearest to `start`, shows the cursor, and no more beyond the end than it must."""
    if room <= 0 or extent <= room:
        return 0
    return max(cursor - room + 1, min(start, cursor, extent - room))
