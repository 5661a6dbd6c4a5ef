"""Every command, script and file that the documentation shows: known, valid, and run somewhere."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from relay_server.cli.main import relay
from studio_tui.cli.main import cli
from studio_tui.data import sources
from studio_tui.machines import catalogue
from studio_tui.pipelines.spec import read_toml
from studio_tui.settings import load, paths
from studio_tui.training.lessons import read_lesson
from tests.docs.elsewhere import ELSEWHERE
from tests.docs.pages import PAGES, PYTHON, ROOT, SHELL, SSH, TOML, Block, bare, blocks, mentions
from tests.docs.walks import WALKS

PROGRAMS = {"studio-tui": cli, "studio-relay": relay}
CALL = re.compile(r"(?:^|\$\()(studio-(?:tui|relay) .*?)(?=\)|[|>]|$)", re.MULTILINE)
BLOCKS = [block for page in PAGES for block in blocks(page)]
COMMANDS = [command for block in BLOCKS for command in block.commands]
MENTIONS = [found for page in PAGES for found in mentions(page)]


def config(text: str) -> None:
    paths.config_file().write_text(text)
    load.load()


def data(text: str) -> None:
    paths.data_file().write_text(text)
    assert sources.tables()


def machines(text: str) -> None:
    paths.machines_file().write_text(text)
    assert catalogue.load()


LOADERS: dict[str, Callable[[str], object]] = {
    "README.md": config,
    "docs/data.md": data,
    "docs/jobs.md": machines,
    "docs/learn.md": lambda text: read_lesson("precision", text),
    "docs/machines.md": machines,
    "docs/pipelines.md": lambda text: read_toml(text, "pipeline.toml"),
}
"""What reads the TOML of a page, as the product reads it."""


def parse(words: list[str], *, whole: bool) -> None:
    """Have the command line take the words without doing anything; raises click's UsageError."""
    program, *rest = words
    command: click.Command = PROGRAMS[program]
    while isinstance(command, click.Group) and (whole or rest):
        found = command.get_command(click.Context(command), rest[0])
        assert found is not None, f"{program}: no command {rest[0]}"
        command, rest = found, rest[1:]
    try:
        command.make_context(program, rest)
    except click.MissingParameter:
        if whole:
            raise
    except click.exceptions.NoArgsIsHelpError:
        assert not whole


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.place)
def test_somebody_types_it(block: Block) -> None:
    """Whatever a page shows is typed by the walk through it, or has a reason to be left out."""
    assert block.kind in {SHELL, PYTHON, TOML, SSH}, f"{block.place}: what is {block.kind}?"
    left = [text for _, text in block.commands if bare(text) not in ELSEWHERE]
    assert block.page in WALKS or block.kind == SHELL and not left, (
        f"{block.place}: tests/docs/walks.py has no walk through {block.page}"
    )


def test_what_is_left_out_is_still_there() -> None:
    assert set(ELSEWHERE) <= {bare(text) for _, text in COMMANDS}


@pytest.mark.parametrize(("place", "text"), COMMANDS, ids=[place for place, _ in COMMANDS])
def test_the_command_line_takes_it(place: str, text: str) -> None:
    for call in CALL.finditer(text):
        parse(shlex.split(call[1], comments=True), whole=True)


@pytest.mark.parametrize(("place", "text"), MENTIONS, ids=[place for place, _ in MENTIONS])
def test_the_command_line_knows_what_the_prose_names(place: str, text: str) -> None:
    parse(shlex.split(text), whole=False)


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.kind == TOML], ids=lambda b: b.place)
def test_its_loader_takes_it(block: Block) -> None:
    assert block.page in LOADERS, f"{block.place}: what reads this?"
    LOADERS[block.page](block.text)


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.kind == PYTHON], ids=lambda b: b.place)
def test_it_is_python(block: Block) -> None:
    compile(block.text, block.place, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_make_knows_what_the_prose_has_it_make(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"(?:`| {4})make ([a-z-]+)", page.read_text("utf-8")):
        assert re.search(rf"^{target}:", makefile, re.M), f"{page.name}: make {target}"
