"""Command groups that name the nearest command when there is none of a name."""

from __future__ import annotations

import difflib
import importlib

import click


class Group(click.Group):
    """A group of commands in the order in which they were added."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands, in the order in which a person meets them."""
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does; an unknown command is an error that names the nearest."""
        name, known = args[0], self.list_commands(ctx)
        if name.startswith("-") or name in known:
            return super().resolve_command(ctx, args)
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
        raise click.UsageError(f"no command {name!r}; {hint}", ctx)


class LazyGroup(Group):
    """A group whose commands live in modules that are imported when the command is used."""

    def __init__(self, *, places: dict[str, str], **attributes: object) -> None:
        super().__init__(**attributes)  # type: ignore[arg-type]
        self._places = places

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands, none of them imported."""
        return list(self._places)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """The command `name`, imported now."""
        if name not in self._places:
            return None
        module, attribute = self._places[name].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command
