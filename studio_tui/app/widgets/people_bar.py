"""Who is here, each in their colour, with what they look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from studio_tui.app.colours import Palette
from studio_tui.app.truncate import cells, clip, clip_middle, scrub
from studio_tui.document.presence import Person

NOBODY = "nobody here yet"
_GAP = "  "
_NAME_CAP, _GAZE_CAP = 16, 24
_SHORT_NAME = 6


@dataclass(frozen=True)
class Seat:
    """One name in the bar: several connections of one person share it."""

    name: str
    role: str
    gaze: str = ""
    mine: bool = False
    connections: int = 1

    @property
    def mark(self) -> str:
        """The sign of what they may do where they look: write, or only look on."""
        return "◎" if self.role == "viewer" else "✎"


@dataclass(frozen=True)
class Piece:
    """Text of the bar, and whose it is ("" for nobody's)."""

    text: str
    name: str = ""
    mine: bool = False


def seats(
    people: Sequence[Person], me: int | None, titles: Mapping[str, str] | None = None
) -> list[Seat]:
    """People as the bar shows them: me first, then by name; hosts are machinery and left out.

    Args:
        people: who is in the studio.
        me: my own connection.
        titles: terminal id -> title, for those who look at a terminal.
    """
    found: dict[str, Seat] = {}
    names = {p.connection: f"⇢ {clip(scrub(p.name), _NAME_CAP)}" for p in people}
    for person in sorted(people, key=lambda person: (person.connection != me, person.name)):
        if person.role == "host":
            continue
        name = scrub(person.name)
        leader = names.get(person.following, "")
        gaze, mine = leader or _gaze(person, titles or {}), person.connection == me
        old = found.get(name)
        if old is None:
            found[name] = Seat(name, person.role, gaze, mine)
        else:
            found[name] = Seat(
                name, old.role, old.gaze or gaze, old.mine or mine, old.connections + 1
            )
    return list(found.values())


def _gaze(person: Person, titles: Mapping[str, str]) -> str:
    gaze = person.gaze
    if gaze.path:
        name = scrub(PurePosixPath(gaze.path).name)
        return clip_middle(f"{name}:{gaze.line}" if gaze.line else name, _GAZE_CAP)
    return clip(scrub(titles.get(gaze.terminal, gaze.terminal)), _GAZE_CAP)


def pieces(seated: Sequence[Seat], width: int) -> list[Piece]:
    """The bar in at most `width` cells: gazes go first, then names get short, then fewer."""
    full = [_seat(seat, _NAME_CAP, gaze=True) for seat in seated]
    bare = [_seat(seat, _NAME_CAP, gaze=False) for seat in seated]
    for shown in range(len(seated), -1, -1):
        mixed = _joined([*full[:shown], *bare[shown:]])
        if _width(mixed) <= width:
            return mixed
    short = [_seat(seat, _SHORT_NAME, gaze=False) for seat in seated]
    if _width(_joined(short)) <= width:
        return _joined(short)
    for shown in range(len(seated) - 1, 0, -1):
        some = [*_joined(short[:shown]), Piece(f"{_GAP}+{len(seated) - shown}")]
        if _width(some) <= width:
            return some
    return [Piece(clip(f"{len(seated)}", width))] if seated and width > 0 else []


def _seat(seat: Seat, name_cap: int, *, gaze: bool) -> list[Piece]:
    name = Piece(clip(seat.name, name_cap), seat.name, seat.mine)
    after = f" ×{seat.connections}" if seat.connections > 1 else ""
    # A viewer keeps the mark when there is no room for what they look at.
    if gaze and seat.gaze and not seat.mine:
        after += f" {seat.gaze}" if seat.gaze.startswith("⇢") else f" {seat.mark} {seat.gaze}"
    elif seat.role == "viewer":
        after += f" {seat.mark}"
    return [name, Piece(after)] if after else [name]


def _joined(groups: Sequence[Sequence[Piece]]) -> list[Piece]:
    joined: list[Piece] = []
    for group in groups:
        joined.extend([Piece(_GAP), *group] if joined else group)
    return joined


def _width(row: Sequence[Piece]) -> int:
    return sum(cells(piece.text) for piece in row)


def people_text(
    people: Sequence[Person],
    me: int | None,
    width: int,
    titles: Mapping[str, str] | None = None,
) -> str:
    """The bar as plain text of at most `width` cells."""
    return "".join(piece.text for piece in pieces(seats(people, me, titles), width))


def people_segments(
    people: Sequence[Person],
    me: int | None,
    width: int,
    colour: Callable[[str], Style],
    titles: Mapping[str, str] | None = None,
) -> list[Segment]:
    """The bar as segments of at most `width` cells, for a line that others draw into too.

    Args:
        people: who is in the studio.
        me: my own connection; my name is underlined.
        width: how many cells there are.
        colour: the style of a person's name.
        titles: terminal id -> title.
    """
    return [
        Segment(
            piece.text,
            colour(piece.name) + Style(bold=True, underline=piece.mine or None)
            if piece.name
            else None,
        )
        for piece in pieces(seats(people, me, titles), width)
    ]


class PeopleBar(Widget):
    """One row of names; its tooltip has all of them, with roles.

    Args:
        palette: the shades of the studio's people, shared with every other place that shows them.
    """

    DEFAULT_CSS = """
    PeopleBar {
        height: 1;
        width: 1fr;
    }
    """

    def __init__(
        self,
        palette: Palette | None = None,
        *,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.palette = palette or Palette()
        self._people: tuple[Person, ...] = ()
        self._me: int | None = None
        self._titles: Mapping[str, str] = {}

    def show(
        self,
        people: Sequence[Person],
        me: int | None = None,
        titles: Mapping[str, str] | None = None,
    ) -> None:
        """Show `people`; `me` is my own connection, `titles` names the terminals by id."""
        shown = tuple(people), me, dict(titles or {})
        if shown == (self._people, self._me, self._titles):
            return
        self._people, self._me, self._titles = shown
        seated = seats(people, me, titles)
        self.palette.meet(seat.name for seat in seated)
        self.tooltip = "\n".join(_told(seat) for seat in seated) or NOBODY
        self.refresh()

    def person_style(self, name: str) -> Style:
        """The style of `name` in the current theme."""
        theme = self.app.current_theme
        return self.palette.shade(name).style(dark=theme.dark, ansi=self.app.native_ansi_color)

    def render_line(self, y: int) -> Strip:
        """The names, in the first row."""
        width, base = self.content_size.width, self.rich_style
        if y > 0:
            return Strip.blank(width, base)
        segments = people_segments(self._people, self._me, width, self.person_style, self._titles)
        if not segments:
            segments = [Segment(clip(NOBODY, width))]
        return Strip(segments).apply_style(base).adjust_cell_length(width, base)


def _told(seat: Seat) -> str:
    where = f", at {seat.gaze}" if seat.gaze and not seat.mine else ""
    # A tooltip is markup for Textual: a name must not open a tag.
    return f"{seat.name} ({seat.role}{', you' if seat.mine else ''}){where}".replace("[", r"\[")
