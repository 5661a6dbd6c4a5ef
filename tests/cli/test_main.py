"""The root command: help, errors as two lines, exit codes, interruptions, readers that leave."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest

from studio_tui import __version__
from studio_tui.cli.main import INTERRUPTED, cli
from studio_tui.errors import NotFound, Refused, StudioError, UsageFault

if TYPE_CHECKING:
    from .conftest import Hosted, Typed


def every_command(command: click.Command, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The words of every command and group below `command`."""
    found = [path]
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            found += every_command(below, (*path, name))
    return found


@pytest.mark.parametrize("path", every_command(cli), ids=" ".join)
def test_every_help_has_an_example_of_just_that_command(
    path: tuple[str, ...], typed: Typed
) -> None:
    done = typed(*path, "--help")
    assert done.code == 0
    example = next(line for line in done.out.splitlines() if "Example: " in line)
    assert example.strip().startswith(" ".join(["Example: studio-tui", *path]))
    assert typed(*path, "-h") == done


def test_the_commands_of_the_contract() -> None:
    paths = {" ".join(path) for path in every_command(cli)}
    assert {
        "open", "attach", "host", "ls", "status", "stop", "share", "login", "file ls", "file cat",
        "file write", "exec", "machine ls", "job run", "job ls", "job show", "job logs",
        "job metrics", "job stop", "job wait", "job rm", "new", "demo", "doctor",
    } <= paths  # fmt: skip


def test_the_version(typed: Typed) -> None:
    assert typed("--version").out == f"studio-tui, version {__version__}\n"


def test_without_a_terminal_a_bare_call_shows_the_help(spawned: Typed) -> None:
    done = spawned()
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("Usage: studio-tui")


def test_a_bare_group_shows_its_help_as_a_usage_error(typed: Typed) -> None:
    done = typed("job")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("Usage: studio-tui job")


@pytest.mark.parametrize(
    ("words", "hint"), [(("opne",), "did you mean open?"), (("job", "lgos"), "did you mean logs?")]
)
def test_an_unknown_command(words: tuple[str, ...], hint: str, typed: Typed) -> None:
    done = typed(*words)
    assert (done.code, done.out) == (2, "")
    assert done.error == f"no command {words[-1]!r}; {hint}"
    assert done.hint == f"see: {' '.join(['studio-tui', *words[:-1]])} --help"


def test_a_wrong_option_and_a_missing_argument(typed: Typed) -> None:
    assert typed("ls", "--wrong").code == 2
    assert typed("ls", "--wrong").error.startswith("No such option")
    assert typed("job", "run", "calm-otter").error.startswith("Missing argument")
    assert typed("job", "run", "calm-otter").hint == "see: studio-tui job run --help"


@pytest.mark.parametrize("kind", [StudioError, UsageFault, NotFound, Refused])
def test_errors_are_two_lines_and_have_their_code(
    kind: type[StudioError], typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise kind("it is so \x1b]0;owned\x07", "do this\x1b[2J")

    monkeypatch.setattr("studio_tui.training.templates.templates", broken)
    done = typed("new")
    assert (done.code, done.out) == (kind.exit_code, "")
    assert done.err == "error: it is so \ufffd]0;owned\ufffd\nhint: do this\ufffd[2J\n"


def test_an_error_without_a_hint_is_one_line(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise StudioError("it is so")

    monkeypatch.setattr("studio_tui.training.templates.templates", broken)
    assert typed("new").err == "error: it is so\n"


def test_an_interruption_is_no_error(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("studio_tui.training.templates.templates", interrupted)
    done = typed("new")
    assert (done.code, done.out, done.err.strip()) == (INTERRUPTED, "", "")


def test_an_error_of_the_system_is_an_error_of_ours(
    typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise OSError(28, "No space left on device", "/full")

    monkeypatch.setattr("studio_tui.training.templates.templates", broken)
    done = typed("new")
    assert (done.code, done.error) == (1, "[Errno 28] No space left on device: '/full'")


def test_a_pipe_that_is_not_our_output_is_no_reader(
    hosted: Hosted, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr("studio_tui.training.templates.templates", broken)
    ours, theirs = os.pipe()
    with os.fdopen(theirs, "w") as output, os.fdopen(ours):
        monkeypatch.setattr(sys, "stdout", output)
        done = typed("new")
    assert (done.code, done.error) == (1, "[Errno 32] Broken pipe")


def test_ctrl_c_ends_a_log_that_is_followed(hosted: Hosted, typed: Typed) -> None:
    (hosted.folder / "talk.sh").write_text("echo begun; sleep 100")
    job = typed("job", "run", hosted.id, "--", "sh", "talk.sh").out.strip()
    reading = subprocess.Popen(
        [sys.executable, "-m", "studio_tui", "job", "logs", "-f", hosted.id, job],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert reading.stdout is not None
    assert reading.stdout.readline() == "begun\n"
    reading.send_signal(signal.SIGINT)
    out, err = reading.communicate(timeout=20)
    assert (reading.returncode, out, err.strip()) == (130, "", "")
    assert typed("job", "show", hosted.id, job, "--json").json["state"] == "running"
    typed("job", "stop", hosted.id, job)
    typed("job", "rm", hosted.id, job)


@pytest.mark.parametrize("words", [("file", "cat"), ("file", "ls")])
def test_a_reader_that_has_enough(words: tuple[str, ...], hosted: Hosted) -> None:
    many = hosted.folder / "many"
    many.mkdir(exist_ok=True)
    for number in range(40):
        (many / f"{number:0200}").touch()
    (hosted.folder / "large.txt").write_text("line\n" * 100_000)
    path = "large.txt" if words[1] == "cat" else "many"
    script = f'"{sys.executable}" -m studio_tui {" ".join(words)} {hosted.id} {path} | head -n 1'
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", script], capture_output=True, text=True, timeout=20,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr, len(done.stdout.splitlines())) == (0, "", 1)


def test_a_name_that_the_terminals_encoding_lacks_is_no_reason_to_fail(
    hosted: Hosted, spawned: Typed
) -> None:
    (hosted.folder / "漢字.txt").touch()
    done = spawned("file", "ls", hosted.id, env={**os.environ, "PYTHONIOENCODING": "latin-1"})
    assert done.code == 0
    assert "??.txt" in done.out


def test_no_command_loads_another() -> None:
    code = (
        "import sys; from studio_tui.cli.main import main\n"
        "try: main(['new'])\n"
        "except SystemExit as end: assert not end.code\n"
        "loaded = {name for name in sys.modules if name.startswith('studio_tui.cli.')}\n"
        "expected = {'studio_tui.cli.' + n for n in ('main', 'group', 'output', 'new')}\n"
        "assert loaded == expected, loaded"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
