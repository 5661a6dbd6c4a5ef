"""A program's output as lines: bytes in, the recent lines out, styled and bounded."""

from __future__ import annotations

import codecs
import re
from collections import deque
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


class Line(NamedTuple):
    """A line and its styles: (start, end, ink) by character, in order, not overlapping."""

    text: str
    inks: tuple[tuple[int, int, Ink], ...] = ()


class LogBuffer:
    r"""The last lines of a stream of bytes, the same however the stream was cut into pieces.

    `\r` and `\b` move back within the line and what follows overwrites it, so that a progress bar
    is one line that changes. Colours become inks; every other escape sequence is dropped, but for
    "erase in line". A line longer than LINE_CAP goes on in the next one.

    Args:
        lines: how many finished lines to keep.
        characters: how many characters of them to keep; a styled span counts as some more.
    """

    def __init__(self, lines: int = LINES, characters: int = CHARACTERS) -> None:
        self.dropped = 0
        self._lines_cap, self._characters_cap = lines, characters
        self._lines: deque[Line] = deque()
        self._characters = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._state = self._in_text
        self._ink = PLAIN
        self._parameters = ""
        self._start_line()

    def __len__(self) -> int:
        """How many lines can be read: the kept ones, and the unfinished one when it has text."""
        return len(self._lines) + bool(self._text)

    def __getitem__(self, index: int) -> Line:
        """Line `index` of the kept ones, 0 being the oldest."""
        if index == len(self._lines) and self._text:
            return Line(self._text, tuple(self._inks))
        return self._lines[index]

    @property
    def total(self) -> int:
        """How many lines there were since the start, those no longer kept included."""
        return self.dropped + len(self)

    @property
    def finished(self) -> int:
        """How many lines, since the start, will not change any more."""
        return self.dropped + len(self._lines)

    def write(self, data: bytes) -> None:
        """Take the next bytes."""
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
        self._end_line()
        for line in lines:
            if len(line) > LINE_CAP or not (line.isascii() or line == scrub(line)):
                self._put(scrub(line))
                self._end_line()
            else:
                self._lines.append(Line(line))
                self._characters += len(line)
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
                self._end_line()
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

    def _end_line(self) -> None:
        line = Line(self._text, tuple(self._inks))
        self._lines.append(line)
        self._characters += _weight(line)
        self._start_line()
        self._trim()

    def _trim(self) -> None:
        while len(self._lines) > self._lines_cap or self._characters > self._characters_cap:
            self._characters -= _weight(self._lines.popleft())
            self.dropped += 1

    def _put(self, text: str) -> None:
        text = scrub(text)
        while text:
            room = LINE_CAP - self._cursor
            if room <= 0:
                self._end_line()
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
            self._inks.sort(key=lambda span: span[0])

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


def _weight(line: Line) -> int:
    return len(line.text) + _INK_WEIGHT * len(line.inks)
