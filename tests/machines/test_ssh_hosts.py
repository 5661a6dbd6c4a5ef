"""The names that ssh's configuration holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio_tui.machines.ssh_hosts import hosts


def test_concrete_names_alone_each_once_in_order(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(
        "# Host commented\nHost box  gpu-box # note\n  HostName x\nhost=other\n"
        'Host *.lab !bad a?b\nHost "quoted" box\nMatch host matched\nHost *\nHostKeyAlias no\n'
    )
    assert hosts(file) == ["box", "gpu-box", "other", "quoted"]


def test_included_files(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "b.conf").write_text("Host two\n")
    (tmp_path / "d" / "a.conf").write_text("Host one\nInclude nothing/*\n")
    file = tmp_path / "config"
    file.write_text(f"Include {tmp_path}/d/*.conf {tmp_path}/none\nHost three\n")
    assert hosts(file) == ["one", "two", "three"]


def test_files_that_include_each_other(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(f"Include {file}\nHost box\n")
    assert hosts(file) == ["box"]


@pytest.mark.parametrize("content", ["", 'Host "open\n', "Host\n", "\x00\xff", "Host=\n"])
def test_what_names_nobody(tmp_path: Path, content: str) -> None:
    file = tmp_path / "config"
    file.write_text(content)
    assert hosts(file) == []
    assert hosts(tmp_path / "none") == []
    assert hosts(tmp_path) == []
