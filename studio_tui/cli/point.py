"""Showing everybody in a studio a place in a file."""

from __future__ import annotations

import click

from studio_tui.cli.output import say


@click.command(epilog='Example: studio-tui point calm-otter train.py:42 --say "the loss is NaN"')
@click.argument("studio")
@click.argument("place", metavar="FILE[:LINE]")
@click.option("--say", "text", default="", metavar="TEXT", help="Why, in one line.")
def point(studio: str, place: str, text: str) -> None:
    """Show everybody who is attached a place in a file.

    It is said in a line on their screens, and one key goes there. A script that failed may point
    at the line that did it.
    """
    from studio_tui.cli.attached import attached

    path, line = read_place(place)
    attached(studio, lambda joined: joined.point(path, line, text))
    say(f"pointed at {place}")


def read_place(place: str) -> tuple[str, int]:
    """The file and the line of `FILE:LINE`; line 0 when there is none."""
    path, colon, line = place.rpartition(":")
    if colon and path and line.isdecimal() and line.isascii():
        return path, int(line)
    return place, 0
