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


async def test_nobody_who_follows_me_is_followed(studio: Any, open_app: Any) -> None:
    async with open_app(studio) as pilot:
        studio.arrive(2, "bob", following=3)
        studio.arrive(3, "cy", following=1)
        follow = pilot.app.workspace.follow
        with pytest.raises(Refused, match="bob follows you"):
            follow.start(follow._screen.people.others[0])
        assert follow.connection == 0


@pytest.mark.parametrize(("mine", "goes_on"), [(1, True), (9, False)])
async def test_of_two_who_follow_each_other_at_once_one_leads(
    studio: Any, open_app: Any, mine: int, goes_on: bool
) -> None:
    async with open_app(studio) as pilot:
        studio.arrive(5, "bob")
        follow = pilot.app.workspace.follow
        follow.start(follow._screen.people.others[0])
        client = studio._room.replica.client_id
        studio._room.presence[client]["person"]["connection"] = mine
        studio.arrive(5, "bob", following=mine)
        follow.step()
        assert bool(follow.connection) is goes_on
