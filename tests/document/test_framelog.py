"""A terminal's frame log: what the host appends is what everybody sees, once and in order."""

from __future__ import annotations

import pytest
from pycrdt import Array, Text, XmlFragment

from studio_tui.document.framelog import FrameArray
from studio_tui.document.replica import Replica


def pair() -> tuple[FrameArray, FrameArray, Replica]:
    mine, theirs = Replica(), Replica()
    mine.observe_local(theirs.apply)
    return FrameArray(mine), FrameArray(theirs), theirs


def test_frames_are_the_same_here_and_there() -> None:
    host, viewer, _ = pair()
    host.restart(b"key\x00")
    host.append(b"\xff\x00delta")
    assert host.frames() == viewer.frames() == [b"key\x00", b"\xff\x00delta"]
    assert all(type(frame) is bytes for frame in viewer.frames())


def test_a_keyframe_replaces_the_log() -> None:
    host, viewer, _ = pair()
    host.restart(b"one")
    host.append(b"two")
    host.restart(b"three")
    assert viewer.frames() == [b"three"]


def test_an_observer_gets_new_frames_alone() -> None:
    host, viewer, _ = pair()
    host.restart(b"k1")
    heard: list[list[bytes]] = []
    stop = viewer.observe(heard.append)
    host.append(b"d1")
    host.restart(b"k2")
    host.append(b"d2")
    stop()
    stop()
    host.append(b"d3")
    assert heard == [[b"d1"], [b"k2"], [b"d2"]]


def test_several_steps_at_once_come_as_the_frames_that_are_left() -> None:
    mine, theirs = Replica(), Replica()
    host, viewer = FrameArray(mine), FrameArray(theirs)
    host.restart(b"k1")
    theirs.apply(mine.missing_from(theirs.state_vector()))
    heard: list[list[bytes]] = []
    viewer.observe(heard.append)
    host.append(b"gone")
    host.restart(b"k2")
    host.append(b"d1")
    host.append(b"d2")
    theirs.apply(mine.missing_from(theirs.state_vector()))
    assert heard == [[b"k2", b"d1", b"d2"]]


def test_a_next_host_takes_the_log_over() -> None:
    first, viewer, shared = pair()
    first.restart(b"k1")
    first.append(b"d1")
    second = Replica()
    second.apply(shared.missing_from(b"\0"))
    second.observe_local(shared.apply)
    log = FrameArray(second)
    assert log.frames() == [b"k1", b"d1"]
    log.restart(b"k2")
    assert viewer.frames() == [b"k2"]


def test_it_stays_small_for_ever() -> None:
    replica = Replica()
    log = FrameArray(replica)
    for _ in range(300):
        log.restart(b"k" * 100)
        for _ in range(9):
            log.append(b"d" * 10)
    assert len(replica.missing_from(b"\0")) < 1000


@pytest.mark.parametrize("strange", ["text", "xml", 5, None, {"a": 1}])
def test_what_is_no_frame_is_left_out(strange: object) -> None:
    replica = Replica()
    log = FrameArray(replica)
    heard: list[list[bytes]] = []
    log.observe(heard.append)
    values = {"text": Text("x"), "xml": XmlFragment()}
    value = values.get(strange, strange) if isinstance(strange, str) else strange
    replica.doc.get("frames", type=Array).append(value)
    log.append(b"frame")
    assert log.frames() == [b"frame"]
    assert heard == [[], [b"frame"]]
