"""Groups of commands: their order, the nearest command, and nothing loaded before it is used."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from studio_tui.cli.group import Group, LazyGroup


@click.group(cls=Group)
def group() -> None:
    """A group."""


@group.command("write")
def write() -> None:
    """Write."""


@group.command("list")
def list_() -> None:
    """List."""


def test_commands_stand_in_the_order_in_which_they_were_added() -> None:
    assert list(group.list_commands(click.Context(group))) == ["write", "list"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [("wirte", "did you mean write?"), ("lst", "did you mean list?"), ("q", "write, list")],
)
def test_an_unknown_command_names_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(click.UsageError) as caught:
        group.main([name], standalone_mode=False)
    assert caught.value.format_message().startswith(f"no command {name!r}; ")
    assert hint in caught.value.format_message()


def test_an_unknown_option_is_not_taken_for_a_command() -> None:
    with pytest.raises(click.NoSuchOption):
        group.main(["--wirte"], standalone_mode=False)


def test_a_lazy_group_imports_what_is_used() -> None:
    code = (
        "import sys; from studio_tui.cli.group import LazyGroup\n"
        "group = LazyGroup(places={'new': 'studio_tui.cli.new:new', 'job': 'x:y'})\n"
        "context = __import__('click').Context(group)\n"
        "assert group.list_commands(context) == ['new', 'job']\n"
        "assert group.get_command(context, 'other') is None\n"
        "assert 'studio_tui.cli.new' not in sys.modules\n"
        "assert group.get_command(context, 'new').name == 'new'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_lazy_group_takes_the_attributes_of_a_group() -> None:
    assert LazyGroup(places={}, name="top", epilog="Example: top").epilog == "Example: top"
