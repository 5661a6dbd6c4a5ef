"""A screen of places: which are seen, how large they are, and how a person goes between them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from textual import events
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from studio_tui.app import layout as layouts
from studio_tui.app.layout import Layout
from studio_tui.app.panes.place import Place
from studio_tui.app.problems import told
from studio_tui.app.widgets.place_strip import PlaceStrip

if TYPE_CHECKING:
    from studio_tui.app.widgets.code_area import CodeArea

PLACES = (("files", "files"), ("work", "work"), ("side", "jobs"), ("log", "log"))
"""Id and title of each place; the ids are those of their widgets."""

WIDE, ROOMY, TALL = 120, 170, 40
"""Columns from which all places are seen, and have more room; rows from which the log has more."""
SMALLEST = (60, 16)
LEAST_WORK = 44
"""Columns that the sides leave to the middle, however wide a person made them."""


class PlacesScreen(Screen[None]):
    """Lays out the places with the ids "files", "work", "side" inside of "body", and "log".

    A wide screen shows all that are not folded; a narrow one shows one at a time; a tiny one says
    that it is too small.

    Args:
        layout: how this person likes it.
    """

    def __init__(self, layout: Layout | None = None) -> None:
        super().__init__()
        self.arrangement = layout or Layout()
        self.place = "work"
        self.ready = asyncio.Event()
        self._drag = ""

    @property
    def narrow(self) -> bool:
        """Whether one place is seen at a time."""
        return self.size.width < WIDE

    @property
    def focused_place(self) -> Place | None:
        """The place that has the focus."""
        for node in self.focused.ancestors_with_self if self.focused else ():
            if isinstance(node, Place):
                return node
        return None

    def place_of(self, id: str) -> Place:
        """The place with this id."""
        return self.query_one(f"#{id}", Place)

    def on_resize(self) -> None:
        """Fit the places to the screen."""
        if self.ready.is_set():
            self.lay_out()

    def lay_out(self) -> None:
        """Show and size the places for this screen and this person."""
        width, height = self.size
        narrow = self.narrow
        self.set_class(width < SMALLEST[0] or height < SMALLEST[1], "-tiny")
        self.set_class(narrow, "-narrow")
        words = f"{width}×{height} is too small: make it {SMALLEST[0]}×{SMALLEST[1]}"
        self.query_one("#too-small", Static).update(Content(words))
        for place, _ in PLACES:
            folded = place in self.arrangement.folded
            self.place_of(place).display = self.place == place if narrow else not folded
        self.query_one("#body").display = not (narrow and self.place == "log")
        self._set_sizes(width, height)
        self.query_one(PlaceStrip).show(self.place)

    def _set_sizes(self, width: int, height: int) -> None:
        """Give each place its size; on a narrow screen the one that is seen has all there is."""
        chosen, roomy = self.arrangement, width >= ROOMY
        spare = max(0, width - LEAST_WORK)
        files = min(chosen.files or (32 if roomy else 26), spare // 2)
        side = min(chosen.side or (50 if roomy else 38), spare - spare // 2)
        log = min(chosen.log or (9 if height >= TALL else 7), height // 2)
        whole = self.narrow
        self.place_of("files").styles.width = None if whole else files
        self.place_of("side").styles.width = None if whole else side
        self.place_of("log").styles.height = None if whole else log

    def keep(self, layout: Layout) -> None:
        """Remember the layout for the next start."""
        self.arrangement = layout
        with told(self):
            layouts.save(layout)

    def on_code_area_lines_toggled(self, event: CodeArea.LinesToggled) -> None:
        """Remember how this person wants lines to be shown."""
        self.keep(replace(self.arrangement, wrap=event.wrap, numbers=event.numbers))

    # -- going from place to place ------------------------------------------------------------

    def action_go(self, place: str) -> None:
        """Give the focus to a place, unfolding it."""
        self.place = place
        if place in self.arrangement.folded and not self.narrow:
            self.keep(self.arrangement.toggled(place))
        self.lay_out()
        self.call_after_refresh(self.place_of(place).enter)

    def action_step(self, by: int) -> None:
        """Go to the next place that can be seen, or the one before."""
        folded = frozenset() if self.narrow else self.arrangement.folded
        seen = [place for place, _ in PLACES if place not in folded]
        focused = self.focused_place
        here = (focused.id or "") if focused else self.place
        at = seen.index(here) if here in seen else 0
        self.action_go(seen[(at + by) % len(seen)])

    def action_fold(self, place: str) -> None:
        """Fold a place, or unfold it; the layout is remembered."""
        focused = self.focused_place
        self.keep(self.arrangement.toggled(place))
        self.lay_out()
        if focused is not None and focused.id == place and place in self.arrangement.folded:
            self.action_go("work")

    def on_place_strip_selected(self, event: PlaceStrip.Selected) -> None:
        """Go to a place whose name was pressed."""
        event.stop()
        self.action_go(event.place)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Remember where the focus is: that place is seen when the screen becomes narrow."""
        focused = self.focused_place
        if focused is not None and focused.id and not self.narrow:
            self.place = focused.id

    # -- sizes --------------------------------------------------------------------------------

    def action_size(self, columns: int, rows: int) -> None:
        """Change the size of the focused place, or of the log."""
        focused = self.focused_place
        place = focused.id if focused else "work"
        if rows:
            self._resize("log", self.place_of("log").outer_size.height + rows)
        elif place == "files":
            self._resize("files", self.place_of("files").outer_size.width + columns)
        else:
            by = columns if place == "side" else -columns
            self._resize("side", self.place_of("side").outer_size.width + by)
        self.keep(self.arrangement)

    def _resize(self, place: str, size: int) -> None:
        self.arrangement = self.arrangement.sized(place, size)
        self.lay_out()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of the edge between two places."""
        self._drag = "" if self.narrow else self._edge_at(event.screen_x, event.screen_y)
        if self._drag:
            self.capture_mouse()

    def _edge_at(self, x: float, y: float) -> str:
        """The place whose size the edge at this cell changes, "" when there is no edge."""
        files, side, log = (self.place_of(place) for place in ("files", "side", "log"))
        if files.display and x == files.region.right - 1 and y < files.region.bottom:
            return "files"
        if side.display and x == side.region.x and y < side.region.bottom:
            return "side"
        return "log" if log.display and y == log.region.y else ""

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Move the edge that is held."""
        x, y = int(event.screen_x), int(event.screen_y)
        if self._drag == "files":
            self._resize("files", x + 1)
        elif self._drag == "side":
            self._resize("side", self.size.width - x)
        elif self._drag == "log":
            self._resize("log", self.size.height - 1 - y)

    def on_mouse_up(self) -> None:
        """Let the edge go, and remember where it is."""
        if self._drag:
            self._drag = ""
            self.release_mouse()
            self.keep(self.arrangement)
