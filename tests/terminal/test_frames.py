from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pycrdt
import pytest

from studio_tui.terminal.emulator import Emulator
from studio_tui.terminal.frame import is_keyframe, unpack
from studio_tui.terminal.frames import LOG_LIMIT, Append, FrameEncoder, FrameLog, Replace
from studio_tui.terminal.screen import Screen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def same(screen: Screen, emulator: Emulator) -> bool:
    return (
        screen.rows == emulator.rows
        and screen.cursor == emulator.cursor
        and screen.title == emulator.title
        and screen.modes == emulator.modes
        and (screen.cols, screen.lines) == (emulator.cols, emulator.lines)
    )


def publish(
    emulator: Emulator, log: FrameLog, steps: Iterable[bytes | tuple[int, int]]
) -> Iterator[Append | Replace]:
    for step in steps:
        if isinstance(step, bytes):
            emulator.feed(step)
        else:
            emulator.resize(*step)
        published = log.publish()
        if published is not None:
            yield published


def begin(cols: int = 80, lines: int = 24) -> tuple[Emulator, FrameLog]:
    emulator = Emulator(cols, lines)
    return emulator, FrameLog(FrameEncoder(emulator))


def traffic(frames: int) -> Iterator[bytes]:
    """What a day of work looks like: logs, progress bars, repaints, an editor coming and going."""
    chance = random.Random(3)
    for number in range(frames):
        match number % 50:
            case 0:
                yield b"\x1b[?1049h\x1b[2J\x1b[1;1Heditor"
            case kind if kind < 10:
                yield b"\x1b[%d;%dH\x1b[3%dmword %d\x1b[0m" % (kind + 2, kind, kind % 8, number)
            case 10:
                yield b"\x1b[?1049l"
            case kind if kind < 30:
                yield b"\r%d%%|%s|" % (kind, b"#" * kind)
            case _:
                line = b"%06d INFO \x1b[32mstep\x1b[0m %f\r\n" % (number, chance.random())
                yield line * chance.randint(1, 4)


def test_a_viewer_sees_what_the_host_sees(recording: Any) -> None:
    """From the start, and joining at every frame from the log as it then is."""
    emulator, log = begin(recording.cols, recording.lines)
    viewer, kept = Screen(), []
    for published in publish(emulator, log, recording.reads()):
        kept = [published.frame] if isinstance(published, Replace) else [*kept, published.frame]
        viewer.apply(published.frame)
        assert same(viewer, emulator)
        late = Screen()
        late.replay(kept)
        assert same(late, emulator)
        assert late.seq == viewer.seq
    assert viewer.text() == [row.text.rstrip() for row in emulator.rows]


def test_how_reads_are_cut_does_not_change_the_end(recording: Any) -> None:
    def ends(steps: Iterable[bytes | tuple[int, int]]) -> list[object]:
        emulator, log = begin(recording.cols, recording.lines)
        viewer = Screen()
        for published in publish(emulator, log, steps):
            viewer.apply(published.frame)
        return [viewer.rows, viewer.cursor, viewer.modes, viewer.title]

    def cut(data: bytes) -> Iterator[bytes]:
        chance, at = random.Random(11), 0
        while at < len(data):
            size = chance.randint(1, 400)
            yield data[at : at + size]
            at += size

    assert ends(recording.steps(cut)) == ends(recording.reads())


def test_a_scroll_sends_only_the_new_lines() -> None:
    emulator, log = begin()
    emulator.feed(b"".join(b"a line of some length, number %d\r\n" % n for n in range(30)))
    log.publish()
    emulator.feed(b"one more\r\n")
    published = log.publish()
    assert isinstance(published, Append)
    frame = unpack(published.frame)
    assert frame.scroll == 1
    assert [(y, row.text) for y, row in frame.rows] == [(22, "one more")]
    assert len(published.frame) < 40


def test_nothing_new_is_nothing_to_send() -> None:
    emulator, log = begin()
    assert isinstance(log.publish(), Replace)
    assert log.publish() is None
    emulator.feed(b"\x1b[1;1H")
    assert log.publish() is None


def test_everything_a_viewer_needs_travels() -> None:
    emulator, log = begin()
    viewer = Screen()
    for data in (b"", b"\x07", b"\x1b]2;t\x07", b"\x1b[?1000h", b"\x1b[?2004h", b"\x1b[3;4H"):
        emulator.feed(data)
        published = log.publish()
        assert published is not None
        viewer.apply(published.frame)
    assert (viewer.bells, viewer.title, viewer.cursor[:2]) == (1, "t", (3, 2))
    assert viewer.modes.bracketed_paste
    assert viewer.modes.mouse
    for told in ({"password": True}, {"password": True, "input_seq": 5}):
        published = log.publish(**told)
        assert published is not None
        viewer.apply(published.frame)
    assert (viewer.modes.password, viewer.input_seq) == (True, 5)


def test_a_resize_starts_the_log_anew() -> None:
    emulator, log = begin()
    log.publish()
    emulator.resize(100, 30)
    published = log.publish()
    assert isinstance(published, Replace)
    assert unpack(published.frame).size is not None


def test_lines_are_numbered_for_as_long_as_the_terminal_lives() -> None:
    emulator, log = begin(80, 10)
    viewer = Screen()
    for number in range(200):
        emulator.feed(b"line %d\r\n" % number)
        published = log.publish()
        assert published is not None
        viewer.apply(published.frame)
    assert viewer.top == 191
    emulator.feed(b"".join(b"flood %d\r\n" % number for number in range(500)))
    published = log.publish()
    assert isinstance(published, Replace)  # nothing of the old screen is left: one keyframe
    viewer.apply(published.frame)
    assert viewer.top == 691


def test_a_flood_costs_a_screen_per_frame_and_not_its_bytes() -> None:
    emulator, log = begin()
    chunk = b"".join(
        b"%06d the quick brown fox jumps over the lazy dog\r\n" % n for n in range(2000)
    )
    sent = 0
    for published in publish(emulator, log, [chunk] * 30):
        sent += len(published.frame)
    assert len(chunk) * 30 > 3_000_000
    assert sent < 30_000


def test_a_screen_bigger_than_the_log_is_not_sent_at_every_key() -> None:
    emulator, log = begin(300, 100)
    chance = random.Random(5)
    noise = "".join(
        f"\x1b[38;2;{chance.randrange(256)};{chance.randrange(256)};9m{chance.choice('abcdef')}"
        for _ in range(300 * 99)
    )
    emulator.feed(noise.encode())
    first = log.publish()
    assert first is not None
    assert len(first.frame) > LOG_LIMIT
    kinds = [type(p) for p in publish(emulator, log, [b"\x1b[100;1H%d" % n for n in range(20)])]
    assert kinds == [Append] * 20


def test_a_screen_too_rich_for_a_message_goes_without_colours() -> None:
    emulator, log = begin(1000, 250)
    viewer = Screen()
    chance = random.Random(9)
    for y in range(250):
        row = f"\x1b[{y + 1};1H"
        for _ in range(999):
            red, green, blue = chance.randbytes(3)
            row += f"\x1b[38;2;{red};{green};{blue}mx"
        emulator.feed(row.encode())
    published = log.publish()
    assert published is not None
    viewer.apply(published.frame)
    assert viewer.text() == ["x" * 999] * 250


def test_clusters_without_end_cannot_stop_the_frames() -> None:
    emulator, log = begin(200, 50)
    viewer = Screen()
    emulator.feed("".join("a" + chr(0x300 + n % 80) * 31 for n in range(200 * 50)).encode())
    published = log.publish()
    assert published is not None
    viewer.apply(published.frame)
    assert viewer.text()[0].startswith("a")


def test_a_counter_from_outside_stays_readable() -> None:
    _, log = begin()
    published = log.publish(input_seq=1 << 70)
    assert published is not None
    viewer = Screen()
    viewer.apply(published.frame)
    assert viewer.input_seq == 1 << 53


@pytest.mark.timeout(60)
def test_twenty_thousand_frames_stay_small_in_a_document() -> None:
    emulator, log = begin()
    document = pycrdt.Doc()
    frames = document.get("frames", type=pycrdt.Array)
    published_frames = largest_log = 0
    for published in publish(emulator, log, traffic(20_000)):
        with document.transaction():
            if isinstance(published, Replace):
                frames.clear()
            frames.append(published.frame)
        published_frames += 1
        largest_log = max(largest_log, log.size)
    assert published_frames > 19_000
    assert largest_log <= LOG_LIMIT
    assert len(document.get_update()) < 64 << 10
    late = Screen()
    late.replay(frames.to_py() or [])
    assert same(late, emulator)


def test_the_first_of_a_log_is_a_keyframe_and_no_other() -> None:
    emulator, log = begin(40, 10)
    for published in publish(emulator, log, traffic(500)):
        assert is_keyframe(published.frame) == isinstance(published, Replace)
