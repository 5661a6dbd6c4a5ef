"""How far a move is, as everybody sees it."""

from __future__ import annotations

from dataclasses import replace

from studio_tui.document.entries import JobEntry, JobMove
from studio_tui.document.replica import Replica
from studio_tui.document.studio import StudioDocument
from studio_tui.errors import StudioError
from studio_tui.host.jobs.itinerary import KEPT, Itinerary, under_way, words
from studio_tui.host.jobs.ledger import Ledger
from studio_tui.jobs.mask import Mask


def test_the_moves_of_a_job_are_told() -> None:
    document = StudioDocument(Replica())
    document.jobs.put(JobEntry("j", machine="local"))
    ledger = Ledger(document, lambda _: Mask(()), lambda: 0.0)
    itinerary, move = Itinerary(document, ledger), JobMove("local", "box", "ana")
    itinerary.put("gone", move)
    itinerary.put("j", move)
    assert under_way(document.jobs["j"]) == move
    itinerary.warn("j", StudioError("box is down"))
    waiting = under_way(document.jobs["j"])
    assert waiting is not None
    assert waiting.note == "box is down"
    itinerary.tell("j", move, "failed", "box is full")
    assert under_way(document.jobs["j"]) is None
    assert document.jobs["j"].notes == ["not moved to box: box is full"]
    for number in range(KEPT + 5):
        itinerary.put("j", replace(move, phase="carrying"))
        itinerary.tell("j", replace(move, step=number), "done", f"moved {number}")
    moved = document.jobs["j"].moved
    assert [each.step for each in moved] == list(range(4, KEPT + 5))
    assert {each.phase for each in moved} == {"done"}


def test_problems_in_words() -> None:
    assert words(StudioError("it broke", "mend it")) == "it broke; mend it"
    assert words(StudioError("it broke")) == "it broke"
    assert words(OSError(28, "No space left on device")) == "No space left on device"
