"""Whom one may follow: nobody who follows oneself."""

from __future__ import annotations

from typing import Any

import pytest

from studio_tui.app.follow import chain
from studio_tui.document.presence import Gaze, Person
from studio_tui.errors import Refused


def people(**following: int) -> list[Person]:
    """ana=2: person 1 is called ana and follows connection 2; and so on."""
    return [
        Person(number, name, "editor", Gaze(), following=whom)
        for number, (name, whom) in enumerate(following.items(), 1)
    ]


@pytest.mark.parametrize(
    ("following", "expected"),
    [
        ({"ana": 0, "bob": 0}, [1]),
        ({"ana": 2, "bob": 3, "cy": 0}, [1, 2, 3]),
        ({"ana": 2, "bob": 1}, [1, 2]),
        ({"ana": 1}, [1]),
        ({"ana": 99}, [1]),
        ({"ana": 2, "bob": 3, "cy": 2}, [1, 2, 3]),
    ],
)
def test_a_chain_ends_where_somebody_leads_or_it_closes(
    following: dict[str, int], expected: list[int]
) -> None:
    everybody = people(**following)
    assert chain(everybody, everybody[0]) == expected


async def test_nobody_leads_in_a_circle(studio: Any, open_app: Any) -> None:
    async with open_app(studio) as pilot:
        studio.arrive(5, "bob", following=6)
        studio.arrive(6, "cy", following=1)
        follow = pilot.app.workspace.follow
        bob = follow._screen.people.others[0]
        with pytest.raises(Refused, match="bob follows you"):
            follow.start(bob)
        # Two who begin at once: the one who came first goes on.
        mine = studio._room.presence[studio._room.replica.client_id]["person"]
        for connection, goes_on in ((1, True), (9, False)):
            studio.arrive(5, "bob")
            follow.start(follow._screen.people.others[0])
            mine["connection"] = connection
            studio.arrive(5, "bob", following=connection)
            follow.step()
            assert bool(follow.connection) is goes_on
