"""Starting a project from a template."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from studio_tui.cli.output import emit, json_option, say, table


@click.command(
    short_help="Create a project from a template.",
    epilog="Example: studio-tui new char-gpt my-first-model",
)
@click.argument("template", required=False)
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@json_option
def new(template: str | None, folder: Path | None, as_json: bool) -> None:
    """Create DIR from TEMPLATE and print it; without arguments, list the templates."""
    from studio_tui.training import templates

    if template is None:
        found = templates.templates()
        rows = [[each.name, each.title] for each in found]
        text = table(["TEMPLATE", "WHAT IT IS"], rows, "no template")
        emit([{"name": each.name, "title": each.title} for each in found], as_json, text)
        return
    target = folder or Path(template)
    templates.create(template, target)
    emit({"template": template, "dir": str(target.absolute())}, as_json, str(target))
    say(f"next: studio-tui open {shlex.quote(str(target))}")
