"""Starting a project from a template."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(epilog="Example: studio-tui new char-gpt my-first-model")
@click.argument("template", required=False)
@click.argument("folder", metavar="DIR", required=False, type=click.Path(path_type=Path))
def new(template: str | None, folder: Path | None) -> None:
    """Create DIR from TEMPLATE; without arguments, list the templates."""
    from studio_tui.training import templates

    if template is None:
        for each in templates.templates():
            click.echo(f"{each.name}  {each.title}")
        return
    target = folder or Path(template)
    templates.create(template, target)
    click.echo(f"created {target}\nnext: studio-tui open {target}")
