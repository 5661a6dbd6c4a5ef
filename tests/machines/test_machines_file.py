"""machines.toml, written by a person and by a command."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest

from studio_tui.errors import NotFound, UsageFault
from studio_tui.machines.machines_file import add, remove

WRITTEN = """\
# my machines

[machines.zed]   # the old one
kind = "ssh"
host = 'zed'     # a name of ssh's

# dear, use with care
[machines.alpha]
price_per_hour = 6.98
kind = "ssh"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config" / "machines.toml"


def test_the_first_machine_makes_the_file(file: Path) -> None:
    add(file, "gpu-box", {"kind": "ssh", "host": "10.0.0.7", "port": 2222})
    assert tomllib.loads(file.read_text()) == {
        "machines": {"gpu-box": {"kind": "ssh", "host": "10.0.0.7", "port": 2222}}
    }
    assert "[machines.gpu-box]" in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_a_person_wrote_stays_as_it_is(file: Path) -> None:
    file.parent.mkdir(mode=0o700)
    file.write_text(WRITTEN)
    add(file, "new.box", {"kind": "ssh", "host": 'a "quoted" name'})
    assert file.read_text().startswith(WRITTEN)
    tables = tomllib.loads(file.read_text())["machines"]
    assert list(tables) == ["zed", "alpha", "new.box"]
    assert tables["new.box"]["host"] == 'a "quoted" name'
    remove(file, "new.box")
    assert file.read_text().rstrip() == WRITTEN.rstrip()


def test_removing_leaves_the_others(file: Path) -> None:
    file.parent.mkdir(mode=0o700)
    file.write_text(WRITTEN)
    remove(file, "zed")
    assert list(tomllib.loads(file.read_text())["machines"]) == ["alpha"]
    assert "# dear, use with care" in file.read_text()
    remove(file, "alpha")
    assert "machines" not in tomllib.loads(file.read_text())
    add(file, "again", {"kind": "ssh"})
    assert list(tomllib.loads(file.read_text())["machines"]) == ["again"]


@pytest.mark.parametrize(
    ("name", "entry", "message"),
    [
        ("", {"kind": "ssh"}, "is no name"),
        ("a b", {"kind": "ssh"}, "is no name"),
        ("-rf", {"kind": "ssh"}, "is no name"),
        ("local", {"kind": "ssh"}, "the host's own"),
        ("box", {"kind": "boat"}, "unknown kind 'boat'"),
        ("box", {"kind": "ssh", "port": 0}, "port is 0"),
        ("zed", {"kind": "ssh"}, "has a machine zed already"),
    ],
)
def test_what_cannot_be_added_changes_nothing(
    file: Path, name: str, entry: dict[str, Any], message: str
) -> None:
    file.parent.mkdir(mode=0o700)
    file.write_text(WRITTEN)
    with pytest.raises(UsageFault, match=message):
        add(file, name, entry)
    assert file.read_text() == WRITTEN


def test_what_is_not_there_cannot_be_removed(file: Path) -> None:
    with pytest.raises(NotFound, match="no machine 'box'"):
        remove(file, "box")


def test_a_file_that_is_not_toml_is_left_alone(file: Path) -> None:
    file.parent.mkdir(mode=0o700)
    file.write_text("[machines\n")
    for act in (lambda: add(file, "a", {"kind": "ssh"}), lambda: remove(file, "a")):
        with pytest.raises(UsageFault, match="not TOML"):
            act()
    assert file.read_text() == "[machines\n"


@pytest.mark.parametrize(
    "text",
    [
        'machines = {a = {kind = "ssh"}, b = {kind = "ssh"}}\n',
        '[machines]\na = {kind = "ssh"}\nb = {kind = "ssh"}\n',
        '[machines.a]\nkind = "ssh"\nuser = """\n[x]\n"""\n[machines.b]\nkind = "ssh"\n',
        '[ machines . "a" ]\nkind = "ssh"\n[machines.b]\nkind = "ssh"',
    ],
)
def test_removing_however_it_was_written(file: Path, text: str) -> None:
    file.parent.mkdir(mode=0o700)
    file.write_text(text)
    remove(file, "a")
    assert tomllib.loads(file.read_text()) == {"machines": {"b": {"kind": "ssh"}}}
