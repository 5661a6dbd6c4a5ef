from __future__ import annotations

import os
import stat
from pathlib import Path

from studio_tui.host.files.backups import KEEP_SECONDS, Backups


def test_both_sides_are_kept_each_time(tmp_path: Path) -> None:
    times = iter([1_700_000_000.25, 1_700_000_000.5])
    backups = Backups(tmp_path / "backups", lambda: next(times))
    for _ in range(2):
        backups.keep("src/a.py", {"disk": b"theirs", "text": b"ours"})
    kept = sorted(backups.folder.iterdir())
    assert len(kept) == 4
    assert {path.suffix: path.read_bytes() for path in kept} == {
        ".disk": b"theirs",
        ".text": b"ours",
    }
    assert all(path.name.startswith("src_a.py.2023") for path in kept)
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept} == {0o600}
    assert stat.S_IMODE(backups.folder.stat().st_mode) == 0o700


def test_any_name_can_be_kept(tmp_path: Path) -> None:
    backups = Backups(tmp_path / "backups")
    name = "x" * 250 + "/" + "é" * 100 + "😀" * 30 + ".py"
    backups.keep(name, {"text": b"ours"})
    (kept,) = backups.folder.iterdir()
    assert "😀.py." in kept.name


def test_what_is_older_than_a_week_goes(tmp_path: Path) -> None:
    backups = Backups(tmp_path / "backups", lambda: 1_700_000_000.0)
    backups.keep("old", {"text": b""})
    backups.keep("young", {"text": b""})
    for path in backups.folder.iterdir():
        age = KEEP_SECONDS + 1 if path.name.startswith("old") else KEEP_SECONDS - 1
        os.utime(path, (0, 1_700_000_000 - age))
    backups.prune()
    assert [path.name[:5] for path in backups.folder.iterdir()] == ["young"]
