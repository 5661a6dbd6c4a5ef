"""Lessons beside the work: listed, shown, and taken in a studio."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import TYPE_CHECKING, Any

import click

from studio_tui.cli.output import (
    emit,
    flowed,
    json_option,
    plain,
    say,
    table,
    terminal_width,
)

if TYPE_CHECKING:
    from studio_tui.client.lesson import Course, Lesson
    from studio_tui.client.studio import Studio

LOOK_SECONDS = 0.5


@click.command(
    short_help="Take a lesson beside the work.",
    epilog="Example: studio-tui learn first-run calm-otter",
)
@click.argument("lesson", required=False)
@click.argument("studio", required=False)
@click.option("--again", is_flag=True, help="From the first step, for everybody.")
@click.option("--code", is_flag=True, help="Print only the text that the lesson asks you to write.")
@json_option
def learn(lesson: str | None, studio: str | None, again: bool, code: bool, as_json: bool) -> None:
    """List the lessons, show LESSON, or take it in STUDIO until its last step is done.

    Each step looks by itself whether it is done, whoever did it: all who are in the studio share
    how far a lesson is. ctrl+c leaves it as it is. --json looks once and prints that.
    """
    from studio_tui.training import lessons

    if lesson is None:
        found = lessons.lessons()
        rows = [[each.name, len(each.steps), each.template, each.about] for each in found]
        text = table(["LESSON", "STEPS", "TEMPLATE", "WHAT IT IS"], rows, "no lesson")
        emit([each.plain() for each in found], as_json, text)
        return
    chosen = lessons.find(lesson)
    if code:
        click.echo("\n\n".join(step.code.strip() for step in chosen.steps if step.code))
    elif studio is None:
        emit(chosen.plain(), as_json, _outline(chosen))
        say(f"next: studio-tui new {chosen.template} DIR, open it, then: learn {lesson} STUDIO")
    else:
        _take(chosen, studio, again, as_json)


def _outline(lesson: Lesson) -> str:
    steps = (f"{n}. {step.say}\n   {step.do}" for n, step in enumerate(lesson.steps, 1))
    return "\n".join([lesson.title, "", *steps])


def _take(lesson: Lesson, studio: str, again: bool, as_json: bool) -> None:
    from studio_tui.cli.attached import attached
    from studio_tui.client.lesson import Course

    async def once(joined: Studio) -> dict[str, Any]:
        course = Course(joined, lesson)
        await course.begin(again=again)
        while await course.advance():
            pass
        return course.plain()

    async def live(joined: Studio) -> None:
        course = Course(joined, lesson)
        await course.begin(again=again)
        if not await course.suits():
            say(course.misfit)
        await _follow(course)

    if as_json:
        emit(attached(studio, once), True, "")
    else:
        attached(studio, live, patient=True)


async def _follow(course: Course) -> None:
    """Show each step, and wait until it is done."""
    total = len(course.lesson.steps)
    while (step := course.step) is not None:
        at = course.done
        words = [f"{course.marks} {at + 1} of {total}: {step.say}", f"→ {step.do}", step.why, ""]
        text = "\n".join(plain(course.words(line)).strip() for line in words)
        click.echo(flowed(text, terminal_width(sys.stdout)))
        while course.done == at and not await course.advance():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await course.studio.until(lambda at=at: course.done != at)  # type: ignore[misc]
    click.echo(f"{course.marks} {course.lesson.title} is done")
