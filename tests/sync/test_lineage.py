"""Copies of one document are related, documents that were typed alike are not."""

from __future__ import annotations

from studio_tui.document.replica import Replica
from studio_tui.document.text import SharedText
from studio_tui.sync.lineage import related

NOTHING = b"\0"


def typed(text: str) -> Replica:
    replica = Replica()
    SharedText(replica.doc).insert(0, text)
    return replica


def copy(replica: Replica) -> Replica:
    made = Replica()
    made.apply(replica.missing_from(NOTHING))
    return made


def test_a_copy_and_what_became_of_each() -> None:
    ours = typed("hello")
    theirs = copy(ours)
    assert related(ours.state_vector(), theirs.state_vector())
    SharedText(ours.doc).insert(5, " world")
    SharedText(theirs.doc).insert(0, "oh ")
    assert related(ours.state_vector(), theirs.state_vector())
    assert related(theirs.state_vector(), ours.state_vector())


def test_two_that_were_typed_alike() -> None:
    """The clocks of both are alike, too: only who wrote counts."""
    assert not related(typed("hello").state_vector(), typed("hello").state_vector())


def test_without_content() -> None:
    assert related(NOTHING, typed("hello").state_vector())
    assert related(NOTHING, NOTHING)
    assert not related(typed("hello").state_vector(), NOTHING)


def test_many_who_wrote() -> None:
    ours = typed("a")
    for number in range(200):
        theirs = copy(ours)
        SharedText(theirs.doc).insert(0, f"{number}" * 50)
        ours.apply(theirs.missing_from(ours.state_vector()))
    assert related(ours.state_vector(), theirs.state_vector())
    assert not related(ours.state_vector(), typed("a").state_vector())
