"""A stretch of a program's output as lines: bytes in, lines out, styled and bounded."""

from __future__ import annotations

import codecs
import re
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple

from studio_tui.app.truncate import cells, scrub
from studio_tui.app.widgets.sgr import PLAIN, Ink, apply

LINES, CHARACTERS = 20_000, 4 << 20
LINE_CAP = 4096
TAB = 8
_PARAMETERS_CAP = 64
# What a styled span weighs, in characters: colours must not grow memory past the cap.
_INK_WEIGHT = 32

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CONTROL_BUT_NEWLINE = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_STRING_END = re.compile(r"[\x07\x0a\x1b\x9c]")
_STRING_STARTS = "]PX^_"
_LINE_FEED = re.compile(rb"\n")


class Line(NamedTuple):
    """A line and its styles: (start, end, ink) by character, in order, not overlapping.

    `offset` is the byte of the log that it starts at; the parts of a line that is longer than
    LINE_CAP have the same.
    """

    text: str
    inks: tuple[tuple[int, int, Ink], ...] = ()
    offset: int = 0


Keep = Callable[[Line], bool]


class LogBuffer:
    r"""A stretch of a log as lines, the same however its bytes were cut into pieces.

    It grows at its end by `write` and then forgets its oldest lines, or at its start by `precede`
    and then forgets its newest. Lines are numbered from the first that was written, so what
    precedes that one has numbers below 0.

    `\r` and `\b` move back within the line and what follows overwrites it, so that a progress bar
    is one line that changes. Colours become inks; every other escape sequence is dropped, but for
    "erase in line". Blanks at a line's end, with which programs pad, are none of it. A line longer
    than LINE_CAP goes on in the next one.

    Args:
        lines: how many finished lines to keep.
        characters: how many characters of them to keep; a styled span counts as some more.
        offset: the byte of the log that is written first.
        keep: which finished lines to keep; all when None. An unfinished one is then not shown.

    Attributes:
        first: the number of the oldest line that is kept.
        start, end: the bytes of the log that are represented, `end` excluded.
    """

    def __init__(
        self,
        lines: int = LINES,
        characters: int = CHARACTERS,
        offset: int = 0,
        keep: Keep | None = None,
    ) -> None:
        self.first = 0
        self.start = self.end = offset
        self._keep = keep
        self._lines_cap, self._characters_cap = lines, characters
        self._lines: deque[Line] = deque()
        self._characters = 0
        self._line_offset = offset
        # Where the lines after each LF of what is being written start.
        self._starts: Iterator[int] = iter(())
        self._begin()

    def _begin(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._state = self._in_text
        self._ink = PLAIN
        self._parameters = ""
        self._start_line()

    def __len__(self) -> int:
        """How many lines can be read: the kept ones, and the unfinished one when it has text."""
        return len(self._lines) + self._unfinished

    @property
    def _unfinished(self) -> bool:
        return bool(self._text) and self._keep is None

    def __getitem__(self, index: int) -> Line:
        """Line `index` of the kept ones, 0 being the oldest."""
        if index == len(self._lines) and self._unfinished:
            return self._line
        return self._lines[index]

    @property
    def _line(self) -> Line:
        """The one that is written, without blanks at its end unless they have a colour."""
        kept = max([len(self._text.rstrip(" ")), *(end for _, end, _ in self._inks)])
        return Line(self._text[:kept], tuple(self._inks), self._line_offset)

    @property
    def total(self) -> int:
        """The number of the line that would come next."""
        return self.first + len(self)

    @property
    def finished(self) -> int:
        """The number of the first line that may still change."""
        return self.first + len(self._lines)

    @property
    def last(self) -> int:
        """The byte that the unfinished line starts at; `end` when there is none."""
        return self._line_offset

    @property
    def full(self) -> bool:
        """Whether the next lines would take the place of others."""
        return len(self._lines) >= self._lines_cap or self._characters >= self._characters_cap

    def at(self, offset: int) -> int | None:
        """The number of the line that starts at byte `offset`; None when it is not here."""
        index = bisect_left(range(len(self)), offset, key=lambda index: self[index].offset)
        found = index < len(self) and self[index].offset == offset
        return self.first + index if found else None

    def precede(self, data: bytes) -> None:
        """Take the lines that come before `start`, the newest leaving when it is too much.

        Of more than half of what can be kept, the last lines are taken: a reader sees no gap.
        """
        data = data[len(data) - _last_lines(data, self._lines_cap // 2) :]
        before = LogBuffer(self._lines_cap, self._characters_cap, self.start - len(data))
        before._keep = self._keep
        before.write(data)
        if before._text:
            before._end_line(self.start)
        self.start = before.start
        self.first -= len(before._lines)
        self._lines.extendleft(reversed(before._lines))
        self._characters += before._characters
        if self._lines and self._over:
            self._cut()

    @property
    def _over(self) -> bool:
        return len(self._lines) > self._lines_cap or self._characters > self._characters_cap

    def _cut(self) -> None:
        """Forget the newest lines, the parts of one together."""
        self.end = self._line_offset
        while self._lines and (self._over or self._lines[-1].offset == self.end):
            line = self._lines.pop()
            self._characters -= _weight(line)
            self.end = line.offset
        self._line_offset = self.end
        self._begin()

    def proceed(self, data: bytes) -> None:
        """As `write`, but of more than half of what can be kept, only the first lines."""
        self.write(data[: _first_lines(data, self._lines_cap // 2)])

    def write(self, data: bytes) -> None:
        """Take the next bytes."""
        begin, self.end = self.end, self.end + len(data)
        self._starts = (begin + match.end() for match in _LINE_FEED.finditer(data))
        text = self._decoder.decode(data)
        if self._is_plain(text):
            self._write_plain(text)
            return
        at = 0
        while at < len(text):
            at = self._state(text, at)

    def _is_plain(self, text: str) -> bool:
        """Whether `text` can be split into lines as it is: the fast way that most output goes."""
        return (
            self._state == self._in_text
            and self._ink == PLAIN
            and self._cursor == len(self._text)
            and _CONTROL_BUT_NEWLINE.search(text) is None
            and "\n" in text
        )

    def _write_plain(self, text: str) -> None:
        first, *lines, rest = text.split("\n")
        self._put(first)
        self._end_line(next(self._starts))
        for line, start in zip(lines, self._starts, strict=False):
            if len(line) > LINE_CAP or not (line.isascii() or line == scrub(line)):
                self._put(scrub(line))
                self._end_line(start)
            else:
                self._add(Line(line.rstrip(" "), (), self._line_offset))
                self._line_offset = start
        self._trim()
        self._put(rest)

    def _in_text(self, text: str, at: int) -> int:
        match = _CONTROL.search(text, at)
        if match is None:
            self._put(text[at:])
            return len(text)
        if match.start() > at:
            self._put(text[at : match.start()])
        self._control(match.group())
        return match.end()

    def _control(self, char: str) -> None:
        match char:
            case "\n":
                self._end_line(next(self._starts))
            case "\r":
                self._cursor = 0
            case "\b":
                self._cursor = max(self._cursor - 1, 0)
            case "\t":
                self._put(" " * (TAB - cells(self._text[: self._cursor]) % TAB))
            case "\x1b":
                self._state = self._in_escape
            case "\x9b":
                self._start_sequence()

    def _in_escape(self, text: str, at: int) -> int:
        char = text[at]
        if char == "[":
            self._start_sequence()
        elif char in _STRING_STARTS:
            self._state = self._in_string
        elif " " <= char <= "/":
            return at + 1
        else:
            self._state = self._in_text
            if char < " ":
                return at
        return at + 1

    def _start_sequence(self) -> None:
        self._parameters = ""
        self._state = self._in_sequence

    def _in_sequence(self, text: str, at: int) -> int:
        char = text[at]
        if " " <= char <= "?":
            # A longer sequence is nonsense: it is dropped, and not kept until it ends.
            if len(self._parameters) <= _PARAMETERS_CAP:
                self._parameters += char
            return at + 1
        self._state = self._in_text
        if char < " ":
            return at
        if len(self._parameters) <= _PARAMETERS_CAP:
            self._sequence(char)
        return at + 1

    def _sequence(self, final: str) -> None:
        if final == "m":
            self._ink = apply(self._ink, self._parameters)
        elif final == "K":
            self._erase(self._parameters)

    def _in_string(self, text: str, at: int) -> int:
        match = _STRING_END.search(text, at)
        if match is None:
            return len(text)
        # A line's end ends the string too: an unfinished one must not swallow the log.
        self._state = self._in_escape if match.group() == "\x1b" else self._in_text
        return match.start() if match.group() == "\n" else match.end()

    def _start_line(self) -> None:
        self._text = ""
        self._inks: list[tuple[int, int, Ink]] = []
        self._cursor = 0

    def _end_line(self, following: int) -> None:
        """End the line; the next one starts at byte `following`."""
        self._add(self._line)
        self._line_offset = following
        self._start_line()
        self._trim()

    def _add(self, line: Line) -> None:
        if self._keep is None or self._keep(line):
            self._lines.append(line)
            self._characters += _weight(line)

    def _trim(self) -> None:
        if not self._over:
            return
        gone = -1
        while self._lines and (self._over or self._lines[0].offset == gone):
            line = self._lines.popleft()
            self._characters -= _weight(line)
            self.first += 1
            gone = line.offset
        self.start = self._lines[0].offset if self._lines else self._line_offset

    def _put(self, text: str) -> None:
        text = scrub(text)
        while text:
            room = LINE_CAP - self._cursor
            if room <= 0:
                self._end_line(self._line_offset)
                continue
            self._overwrite(text[:room])
            text = text[room:]

    def _overwrite(self, text: str) -> None:
        start, end = self._cursor, self._cursor + len(text)
        if start < len(self._text):
            self._cut_inks(start, end)
        self._text = self._text[:start] + text + self._text[end:]
        self._cursor = end
        if self._ink != PLAIN:
            self._add_ink(start, end)

    def _add_ink(self, start: int, end: int) -> None:
        last = self._inks[-1] if self._inks else None
        if last is not None and last[1] == start and last[2] == self._ink:
            self._inks[-1] = (last[0], end, self._ink)
            return
        self._inks.append((start, end, self._ink))
        if last is not None and last[0] > start:
            self._inks = _joined(sorted(self._inks, key=lambda span: span[0]))

    def _cut_inks(self, start: int, end: int) -> None:
        """Take the styles off the characters from `start` to `end`."""
        kept = []
        for span_start, span_end, ink in self._inks:
            if span_start < start:
                kept.append((span_start, min(span_end, start), ink))
            if span_end > end:
                kept.append((max(span_start, end), span_end, ink))
        self._inks = kept

    def _erase(self, parameters: str) -> None:
        if parameters in ("", "0"):
            self._cut_inks(self._cursor, LINE_CAP)
            self._text = self._text[: self._cursor]
        elif parameters in ("1", "2"):
            end = LINE_CAP if parameters == "2" else self._cursor
            self._cut_inks(0, end)
            self._text = " " * min(self._cursor, end) + self._text[end:]


def _first_lines(data: bytes, count: int) -> int:
    """How many bytes the first `count` lines of `data` take."""
    if data.count(b"\n") <= count:
        return len(data)
    ends = islice(_LINE_FEED.finditer(data), count)
    return max(match.end() for match in ends)


def _last_lines(data: bytes, count: int) -> int:
    """How many bytes the last `count` lines of `data` take."""
    surplus = data.count(b"\n") - count
    return len(data) - _first_lines(data, surplus) if surplus > 0 else len(data)


def _joined(inks: list[tuple[int, int, Ink]]) -> list[tuple[int, int, Ink]]:
    """Spans that touch and look the same as one."""
    found: list[tuple[int, int, Ink]] = []
    for start, end, ink in inks:
        if found and found[-1][1:] == (start, ink):
            found[-1] = (found[-1][0], end, ink)
        else:
            found.append((start, end, ink))
    return found


def _weight(line: Line) -> int:
    return len(line.text) + _INK_WEIGHT * len(line.inks)
