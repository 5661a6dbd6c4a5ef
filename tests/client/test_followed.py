"""What is followed of a studio: one object per room, left when nobody needs it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from studio_tui.client.followed import Followed
from studio_tui.client.job import Job
from studio_tui.client.studio import Studio
from studio_tui.errors import StudioError
from studio_tui.sync.room import Room

if TYPE_CHECKING:
    from .conftest import Stage

ROOM = "calm-otter/job/j1"


class Making:
    """Makes jobs, and counts them."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.made: list[Job] = []

    def __call__(self, room: Room) -> Job:
        self.made.append(Job(self.studio, "j1", room))
        return self.made[-1]


async def test_a_room_has_one_object_though_several_wait_for_it(stage: Stage) -> None:
    studio = await stage.attach()
    followed, make = Followed(studio.session), Making(studio)
    first, second = await asyncio.gather(followed.join(ROOM, make), followed.join(ROOM, make))
    assert first is second is await followed.join(ROOM, make)
    assert make.made == [first]


async def test_forgetting_leaves_the_room_once(stage: Stage) -> None:
    studio = await stage.attach()
    followed, make = Followed(studio.session), Making(studio)
    first = await followed.join(ROOM, make)
    followed.forget(first)
    assert ROOM not in studio.session.rooms
    second = await followed.join(ROOM, make)
    followed.forget(first)
    assert ROOM in studio.session.rooms
    assert await followed.join(ROOM, make) is second


async def test_what_is_removed_is_forgotten(stage: Stage) -> None:
    studio = await stage.attach()
    followed, make = Followed(studio.session), Making(studio)
    removed = False
    job = await followed.join(ROOM, make, lambda: removed)
    followed.forget_gone()
    assert ROOM in studio.session.rooms
    removed = True
    followed.forget_gone()
    assert ROOM not in studio.session.rooms
    assert job.room.on_stream is None


async def test_a_room_that_is_refused_is_not_kept(stage: Stage) -> None:
    studio = await stage.attach()
    followed, make = Followed(studio.session), Making(studio)
    with pytest.raises(StudioError, match="not good for this room"):
        await followed.join("bold-lynx/job/j1", make)
    assert make.made == []
