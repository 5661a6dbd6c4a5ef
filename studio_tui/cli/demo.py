"""A whole studio with a real training run: no account, no network."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from studio_tui.cli.output import say, this_program

TEMPLATE = "char-gpt"


@click.command(
    short_help="Open a studio with a small model to train.",
    epilog="Example: studio-tui demo --headless --screenshot studio.svg",
)
@click.option("--headless", is_flag=True, help="Tell the story step by step instead of the app.")
@click.option(
    "--screenshot", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Write the app's screen as SVG; implies --headless.",
)  # fmt: skip
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    help="Where to put the demo project; a folder of its own by default.",
)  # fmt: skip
def demo(headless: bool, screenshot: Path | None, folder: Path | None) -> None:
    """Open a studio with a small language model and offer to train it.

    Without a terminal the same story runs headless: two people attach, edit one file, share a
    terminal, train, lose the host and find everything again. It ends with 0 only if each step
    really happened.
    """
    project = prepared(folder)
    if headless or screenshot or not (sys.stdin.isatty() and sys.stdout.isatty()):
        import asyncio

        from studio_tui.cli.story import tell

        sys.exit(asyncio.run(tell(project, screenshot)))
    from studio_tui.cli.visit import visit
    from studio_tui.client import locate, start

    record = start.ensure(project)
    say(f"the demo project is in {project}")
    code = visit(locate.attach(record.id), offer="train.py")
    say(f"end the training: {this_program()} job stop {record.id} train.py")
    sys.exit(code)


def prepared(folder: Path | None) -> Path:
    """The demo project's folder, created from the template the first time."""
    from studio_tui.settings import paths
    from studio_tui.training import templates

    project = folder or paths.cache_folder() / "demo" / TEMPLATE
    if not (project / "train.py").exists():
        templates.create(TEMPLATE, project)
    return project
