"""Which of many paths somebody means by a few letters."""

from __future__ import annotations

from collections.abc import Sequence

from rapidfuzz import fuzz, process

FIND_CAP = 50_000
"""Most paths that are looked at."""
CHUNK = 2000
LEAST_LIKENESS = 40
ANSWER_CHARACTERS = 100_000


def ranked(paths: Sequence[str], wanted: str, limit: int) -> list[str]:
    """At most `limit` of `paths`: those that contain `wanted`, shortest first, then those like it.

    Nothing wanted is everything, in order. Long paths are cut off at the answer's size.
    """
    if not wanted:
        return _fitting(sorted(paths)[:limit])
    exact = [path for path in paths if wanted.lower() in path.lower()]
    exact.sort(key=lambda path: (len(path), path))
    if len(exact) < limit:
        exact = list(dict.fromkeys([*exact, *_like(paths, wanted, limit)]))
    return _fitting(exact[:limit])


def _like(paths: Sequence[str], wanted: str, limit: int) -> list[str]:
    found: list[tuple[str, float]] = []
    for at in range(0, len(paths), CHUNK):
        # Each look keeps every other thread waiting, so it must be a short one.
        part = process.extract(
            wanted,
            paths[at : at + CHUNK],
            scorer=fuzz.WRatio,
            limit=limit,
            score_cutoff=LEAST_LIKENESS,
        )
        found += [(path, score) for path, score, _ in part]
    found.sort(key=lambda item: -item[1])
    return [path for path, _ in found[:limit]]


def _fitting(paths: Sequence[str]) -> list[str]:
    size, kept = 0, []
    for path in paths:
        size += len(path)
        if size > ANSWER_CHARACTERS:
            break
        kept.append(path)
    return kept
