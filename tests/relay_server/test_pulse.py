"""A client that is gone is found soon, and a quiet one is asked before."""

from __future__ import annotations

from relay_server.pulse import PATIENCE, Pulse, Verdict


def test_who_speaks_is_not_asked() -> None:
    pulse = Pulse(2, 5)
    assert pulse.look(11.9, heard=10) is Verdict.FINE


def test_who_is_asked_and_answers_is_asked_again_only_when_quiet_again() -> None:
    pulse = Pulse(2, 5)
    assert pulse.look(12, heard=10) is Verdict.ASK
    assert pulse.look(13, heard=12.5) is Verdict.FINE
    assert pulse.look(15, heard=12.5) is Verdict.ASK


def test_who_answered_once_is_soon_missed() -> None:
    pulse = Pulse(2, 5)
    pulse.answers = True
    assert pulse.look(12, heard=10) is Verdict.ASK
    assert pulse.look(14.9, heard=10) is Verdict.FINE
    assert pulse.look(15, heard=10) is Verdict.GONE


def test_who_never_answered_gets_more_patience() -> None:
    pulse = Pulse(2, 5)
    assert pulse.look(12, heard=10) is Verdict.ASK
    assert pulse.look(15, heard=10) is Verdict.FINE
    assert pulse.look(12 + PATIENCE, heard=10) is Verdict.GONE
