"""Whether two copies of a document have a common past, told from their state vectors alone."""

from __future__ import annotations


def related(ours: bytes, theirs: bytes) -> bool:
    """Whether merging the two copies says nothing twice.

    Whoever writes into a document does so under a random number of its own, anew for each copy. So
    a number that is in both copies was in the one that they come from; two documents that were
    typed alike have none in common. A copy without content goes with any.

    Args:
        ours: a state vector of a document here.
        theirs: that of the other.
    """
    mine = _writers(ours)
    return not mine or not mine.isdisjoint(_writers(theirs))


def _writers(state_vector: bytes) -> set[int]:
    """The numbers of all who wrote: a count, and then pairs of number and clock, as varUints."""
    values: list[int] = []
    value = shift = 0
    for byte in state_vector:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            values.append(value)
            value = shift = 0
    return set(values[1::2])
