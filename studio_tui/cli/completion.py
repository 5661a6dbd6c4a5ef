"""Completion in a shell: commands and options by click, ids from what this user's hosts wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click
from click.shell_completion import CompletionItem, get_completion_class

PROGRAM = "studio-tui"
VARIABLE = "_STUDIO_TUI_COMPLETE"
SHELLS = ("bash", "zsh", "fish")


@click.command(
    short_help="Print the completion script of a shell.",
    epilog="Example: studio-tui completion bash",
)
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print what makes SHELL complete commands, options, studios and jobs.

    \b
    eval "$(studio-tui completion bash)"       in ~/.bashrc
    eval "$(studio-tui completion zsh)"        in ~/.zshrc, after compinit
    studio-tui completion fish | source        in ~/.config/fish/config.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None
    root = click.get_current_context().find_root().command
    click.echo(kind(root, {}, PROGRAM, VARIABLE).source())


def teach(command: click.Command) -> None:
    """Have a command's arguments, and those of the commands in it, complete what is known here."""
    for parameter in command.params:
        known = _KNOWN.get(parameter.name or "")
        if known is not None and isinstance(parameter, click.Argument):
            parameter.shell_complete = _Complete(known)  # type: ignore[method-assign]
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            teach(inner)


class _Complete:
    """What begins with what was typed."""

    def __init__(self, known: Callable[[click.Context], Iterable[CompletionItem]]) -> None:
        self._known = known

    def __call__(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        from studio_tui.errors import StudioError

        try:
            return [item for item in self._known(ctx) if item.value.startswith(incomplete)]
        except (StudioError, OSError):
            return []  # there is no place for an error in the middle of a line


def _studios(_: click.Context) -> Iterable[CompletionItem]:
    from studio_tui.cli.output import plain
    from studio_tui.settings import joined, studios

    known = {each.id: each.name for each in joined.all_joined()}
    known |= {record.id: record.name for record in studios.records()}
    return [CompletionItem(id, help=plain(name)) for id, name in known.items()]


def _jobs(ctx: click.Context) -> Iterable[CompletionItem]:
    """The jobs of the studio that was typed before, the newest first."""
    from studio_tui.settings import paths
    from studio_tui.settings.names import valid_id

    studio = str(ctx.params.get("studio") or "")
    if not valid_id(studio):
        return []
    files = (paths.studios_folder() / studio / "jobs").glob("*.json")
    newest = sorted(files, key=lambda file: file.stat().st_mtime, reverse=True)
    return [CompletionItem(file.stem) for file in newest]


def _templates(_: click.Context) -> Iterable[CompletionItem]:
    from studio_tui.training import templates

    return [CompletionItem(each.name, help=each.title) for each in templates.templates()]


_KNOWN = {"studio": _studios, "job": _jobs, "template": _templates}
