"""What a driver far away types, shown before the program echoes it. Pure: keys and screens in.

The rules are mosh's. A guess belongs to an epoch; nothing of an epoch is shown until one of its
guesses came true, so a program that echoes nothing, or something else, shows no guess: a password
is never shown, and a full-screen program only where it has been seen to echo. Whatever may move
the cursor in another way begins a new epoch. A guess that was shown and did not come true ends all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from studio_tui.terminal.row import PLAIN, Cursor, Row, Run, Style, Underline
from studio_tui.terminal.screen import Screen
from studio_tui.terminal.scrollback import cut

SLOW: Final = 0.030
"""Seconds of round trip above which guesses are shown."""
QUICK: Final = 0.020
"""Seconds at which that ends again."""


@dataclass(frozen=True)
class Guess:
    """A character that will stand in a cell once input number `seq` has had its effect."""

    x: int
    y: int
    char: str
    seq: int
    epoch: int
    before: str
    """What stood there: a cell that showed the character before proves nothing."""


class Prediction:
    """The guesses of one driver about one screen."""

    def __init__(self) -> None:
        self._guesses: list[Guess] = []
        self._epoch = 1
        self._proven = 0
        self._slow = False
        self._last = 0
        self._blind_until = 0
        self._state: tuple[int, int, int, bool] = (0, 0, 0, False)

    # -- what happens -------------------------------------------------------------------------

    def typed(self, character: str | None, seq: int, screen: Screen) -> None:
        """A key went to the program as input number `seq`.

        Args:
            character: what it prints; None for a key whose effect nobody can know.
            screen: as it is seen at that moment.
        """
        self._last = seq
        if screen.input_seq < self._blind_until:
            self._blind_until = seq  # where the cursor is now, only the program's answer tells
            return
        x, y = self._place(screen)
        unknown = screen.modes.password or not screen.cursor.visible or x + 1 >= screen.cols
        if unknown or character is None or not _is_plain(character):
            self.doubt()
            return
        before = _character(screen.rows[y], x)
        self._guesses.append(Guess(x, y, character, seq, self._epoch, before))

    def doubt(self) -> None:
        """Anything may happen from here on: guess again once all that was typed is answered."""
        self._epoch += 1
        self._blind_until = self._last

    def seen(self, screen: Screen) -> None:
        """The screen changed: look which guesses came true."""
        state = (screen.cols, screen.lines, screen.top, screen.modes.alternate)
        if state != self._state or screen.modes.password:
            self._state = state
            self.forget()
        while self._guesses:
            guess = self._guesses[0]
            shown = _character(screen.rows[guess.y], guess.x)
            answered = screen.input_seq >= guess.seq
            if shown == guess.char != guess.before:
                self._proven = max(self._proven, guess.epoch)
            elif not answered:
                return
            elif shown != guess.char:
                self.forget()
                return
            del self._guesses[0]

    def forget(self) -> None:
        """A guess was wrong, or nobody can know whether it was: show none."""
        self._guesses.clear()
        self.doubt()

    def pace(self, round_trip: float | None) -> None:
        """How long the way to the relay and back takes, in seconds; None while unknown."""
        if round_trip is not None:
            self._slow = round_trip > (QUICK if self._slow else SLOW)

    # -- what is shown ------------------------------------------------------------------------

    def shown(self) -> list[Guess]:
        """The guesses to show."""
        if not self._slow:
            return []
        return [guess for guess in self._guesses if guess.epoch <= self._proven]

    @property
    def rows(self) -> frozenset[int]:
        """The rows that guesses are shown in."""
        return frozenset(guess.y for guess in self.shown())

    def placed(self, cursor: Cursor) -> Cursor:
        """The cursor, behind what is shown."""
        shown = self.shown()
        return cursor._replace(x=shown[-1].x + 1, y=shown[-1].y) if shown else cursor

    def over(self, row: Row, y: int, cols: int) -> Row:
        """Row number `y` with the guesses in it, underlined."""
        cells = {guess.x: guess.char for guess in self.shown() if guess.y == y}
        return _written(row, cells, cols) if cells else row

    # -- inside -------------------------------------------------------------------------------

    def _place(self, screen: Screen) -> tuple[int, int]:
        """Where the next character will stand."""
        if self._guesses:
            last = self._guesses[-1]
            return last.x + 1, last.y
        return screen.cursor.x, screen.cursor.y


def _is_plain(character: str) -> bool:
    """Whether a character takes one cell wherever it stands."""
    return len(character) == 1 and character.isascii() and character.isprintable()


def _character(row: Row, x: int) -> str:
    """What stands in column `x`; a blank right of the last run."""
    return cut(row, x, x + 1) or " "


def _written(row: Row, cells: dict[int, str], cols: int) -> Row:
    """The row with some of its cells overwritten; half a wide character becomes a blank."""
    spread: list[tuple[str, int, Style]] = []
    for glyph, _, start, width, style in row.glyphs():
        covered = any(x in cells for x in range(start, start + width))
        if width == 2 and not covered:
            spread += [(glyph, 2, style), ("", 0, style)]
        else:
            spread += [(" " if covered else glyph, 1, style)] * width
    spread += [(" ", 1, PLAIN)] * (min(max(cells) + 1, cols) - len(spread))
    for x, character in cells.items():
        style = spread[x][2]._replace(underline=Underline.SINGLE)
        spread[x] = (character, 1, style)
    runs = [_run(glyph, width, style) for glyph, width, style in spread if width]
    return Row(tuple(_joined(runs)))


def _run(glyph: str, width: int, style: Style) -> Run:
    single = len(glyph) == 1
    return Run(glyph, width if single else 0, width, style)


def _joined(runs: list[Run]) -> list[Run]:
    """Neighbours of one width and style as one run."""
    joined: list[Run] = []
    for run in runs:
        last = joined[-1] if joined else None
        if last and last.width == run.width != 0 and last.style == run.style:
            joined[-1] = Run(last.text + run.text, run.width, last.cells + run.cells, run.style)
        else:
            joined.append(run)
    return joined
