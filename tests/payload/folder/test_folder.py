from __future__ import annotations

import os
from pathlib import Path

import pytest

from studio_tui.payload.folder import folder as folder_module
from studio_tui.payload.folder.faults import Fault
from tests.payload.folder.conftest import (
    Serve,
    Service,
    refused,
)


@pytest.mark.parametrize(
    "path",
    ["..", "../secret/key", "/etc/passwd", "//etc", "a\0b", "out", "out/key", "up/secret/key"],
)
def test_nothing_outside_is_reached(service: Service, root: Path, path: str) -> None:
    (root / "out").symlink_to("../secret")
    (root / "up").symlink_to("..")
    asked: list[tuple[str, dict[str, object]]] = [
        ("name", {"path": path}),
        ("list", {"path": path}),
        ("read", {"path": path, "offset": 0, "length": 9}),
        ("load", {"path": path, "most": 9}),
        ("write", {"path": path, "before": None}),
        ("write", {"path": path + "/new", "before": None}),
        ("append", {"path": path, "offset": 0}),
        ("append", {"path": path + "/new", "offset": 0}),
        ("create", {"path": path + "/new", "kind": "file"}),
        ("rename", {"path": path + "/key", "to": "stolen"}),
        ("rename", {"path": "a", "to": path + "/new"}),
        ("delete", {"path": path + "/key"}),
    ]
    for do, what in asked:
        with pytest.raises(Fault) as raised:
            service.ask(do, b"new", **what)
        assert raised.value.kind in ("refused", "usage")
    paths = [path for path in (path, "../secret/key", "a") if "\0" not in path]
    stamps = service.ask("stamps", "\0".join(paths).encode())[0]["stamps"]
    assert [stamp is None for stamp in stamps] == [True] * (len(paths) - 1) + [False]
    assert os.listdir(root.parent / "secret") == ["key"]
    assert (root.parent / "secret" / "key").read_bytes() == b"secret"
    assert (root / "a").read_bytes() == b"old"


def test_what_may_hold_secrets_is_not_given(serve: Serve, root: Path) -> None:
    (root / "state").mkdir()
    for name in (".env", "state/token", ".env.example"):
        (root / name).write_bytes(b"secret")
    service = serve(root, root / "state")
    for name in (".env", "state", "state/token"):
        with refused("refused", "may hold secrets"):
            service.ask("load", path=name, most=9)
    assert service.ask("walk", most=9)[1] == b".env.example\0a"


def test_a_walk_follows_no_folder(service: Service, root: Path) -> None:
    (root / "out").symlink_to("../secret")
    (root / "deep" / "er").mkdir(parents=True)
    (root / "deep" / "er" / "b").touch()
    (root / "deep" / "link").symlink_to("er")
    (root / "file-link").symlink_to("deep/er/b")
    assert service.ask("walk", most=9)[1] == b"a\0file-link\0deep/er/b"
    assert service.ask("walk", most=2)[1] == b"a\0file-link"


def test_a_tree_too_deep_to_walk_is_walked_as_far_as_it_goes(service: Service, root: Path) -> None:
    here = os.open(root, os.O_RDONLY)
    for _ in range(folder_module.DEPTH_CAP + 2):
        os.close(os.open("f", os.O_CREAT, dir_fd=here))
        os.mkdir("d", dir_fd=here)
        here, above = os.open("d", os.O_RDONLY, dir_fd=here), here
        os.close(above)
    os.close(here)
    found = service.ask("walk", most=10_000)[1].split(b"\0")
    assert len(found) == 1 + folder_module.DEPTH_CAP + 1
    service.ask("delete", path="d")
    assert sorted(os.listdir(root)) == ["a", "f"]


def test_a_name_that_is_not_text_is_not_led_to(service: Service, root: Path) -> None:
    with open(os.fsencode(root) + b"/\xff", "wb"):
        pass
    os.symlink(b"\xff", os.fsencode(root) + b"/link")
    with refused("usage", "not UTF-8"):
        service.ask("load", path="link", most=9)
    assert service.ask("walk", most=9)[1] == b"a\0link"


def test_the_locale_does_not_matter(serve: Serve, root: Path) -> None:
    (root / "é😀").write_bytes(b"old")
    service = serve(root, env={"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"})
    assert service.load("é😀")[1] == b"old"
    assert service.ask("walk", most=9)[1].decode() == "a\0é😀"
