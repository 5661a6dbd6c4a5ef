from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from relay_server.wire import CAPS, Sender
from studio_tui.errors import NotFound, Refused, StudioError, UsageFault
from studio_tui.host.calls import Params, Result
from studio_tui.host.files import folder as folder_module
from studio_tui.host.files.disk import NotEditable
from studio_tui.host.files.folder import Folder, Moved
from studio_tui.machines.local import LocalConnection
from studio_tui.payload.folder import folder as served
from tests.host.conftest import folder_on

ANA = Sender(1, "ana", "editor")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A studio's folder with something to find outside of it."""
    root = (tmp_path / "project").resolve()
    (root / "src").mkdir(parents=True)
    (root / "src" / "train.py").write_bytes(b"train\n")
    (tmp_path / "project-secret").mkdir()
    (tmp_path / "project-secret" / "key").write_bytes(b"secret")
    return root


@pytest.fixture
async def folder(root: Path, tmp_path: Path) -> AsyncIterator[Folder]:
    async with folder_on(tmp_path / "machine", root) as made:
        yield made


def kinds(listing: Result) -> dict[str, str]:
    return {entry["name"]: entry["kind"] for entry in listing["entries"]}


async def call(folder: Folder, method: str, **values: object) -> Result:
    answers = {
        "files.list": folder.list_call,
        "files.read": folder.read_call,
        "files.find": folder.find_call,
        "files.create": folder.create_call,
    }
    return await answers[method](Params(values, ANA))


async def content(folder: Folder, path: str) -> bytes:
    return base64.b64decode((await folder.piece(path, 0, 10))["data"])


# -- where things are -------------------------------------------------------------------------


SWAP = """
import os, select, sys
while not select.select([sys.stdin], [], [], 0)[0]:
    os.rename("inner", "aside")
    os.symlink("../project-secret", "inner")
    os.unlink("inner")
    os.rename("aside", "inner")
"""

OUTSIDE = [
    "..",
    "../project-secret/key",
    "src/../../project-secret/key",
    "/etc/passwd",
    "//etc/passwd",
    "src/\0key",
    "out/key",
    "sibling/key",
    "src/up/project-secret/key",
]


@pytest.mark.parametrize("path", OUTSIDE)
async def test_nothing_outside_is_reached(folder: Folder, root: Path, path: str) -> None:
    (root / "out").symlink_to("/etc")
    (root / "sibling").symlink_to("../project-secret")
    (root / "src" / "up").symlink_to("../..")
    deeds: list[Callable[[], Awaitable[object]]] = [
        lambda: folder.name(path),
        lambda: folder.entries(path),
        lambda: folder.piece(path, 0, 10),
        lambda: folder.create(path + "/new", "file"),
        lambda: folder.rename(path, "stolen"),
        lambda: folder.rename("src/train.py", path + "/new"),
        lambda: folder.delete(path),
    ]
    for deed in deeds:
        with pytest.raises((Refused, UsageFault)) as raised:
            await deed()
        assert raised.value.hint
    assert (root.parent / "project-secret" / "key").read_bytes() == b"secret"
    assert (root / "src" / "train.py").read_bytes() == b"train\n"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("", ""),
        (".", ""),
        ("src/train.py", "src/train.py"),
        ("./src//train.py", "src/train.py"),
        ("alias", "src/train.py"),
        ("inner/train.py", "src/train.py"),
        ("not/there/yet", "not/there/yet"),
    ],
)
async def test_one_name_for_one_file(folder: Folder, root: Path, path: str, name: str) -> None:
    (root / "alias").symlink_to("src/train.py")
    (root / "inner").symlink_to("src")
    assert await folder.name(path) == name


async def test_a_link_itself_has_a_name(folder: Folder, root: Path) -> None:
    (root / "out").symlink_to("/etc/passwd")
    assert await folder.name("out", link=True) == "out"
    with pytest.raises(Refused):
        await folder.name("out")


async def test_a_link_to_itself_leads_nowhere(folder: Folder, root: Path) -> None:
    (root / "loop").symlink_to("loop")
    assert kinds(await folder.entries(""))["loop"] == "other"
    with pytest.raises(StudioError):
        await folder.piece("loop", 0, 10)
    await folder.delete("loop")
    assert not os.path.lexists(root / "loop")


@pytest.mark.parametrize(
    "path", [".env", ".ENV", ".env.local", "src/.ssh", ".ssh/id_ed25519", ".aws/credentials"]
)
async def test_what_holds_secrets_is_not_shared(folder: Folder, root: Path, path: str) -> None:
    (root / path).parent.mkdir(exist_ok=True)
    (root / path).write_text("secret")
    (root / "link").symlink_to(path)
    for name in (path, "link"):
        with pytest.raises(Refused, match="secrets") as raised:
            await folder.piece(name, 0, 10)
        assert raised.value.hint
    with pytest.raises(Refused):
        await folder.rename(path, "open")
    assert path.split("/")[0] not in await folder.paths()
    assert not any(path in found for found in await folder.paths())


async def test_a_sample_of_secrets_is_shared(folder: Folder, root: Path) -> None:
    (root / ".env.example").write_text("KEY=")
    assert await content(folder, ".env.example") == b"KEY="


async def test_the_products_own_folders_are_not_shared(root: Path, tmp_path: Path) -> None:
    state = root / "state"
    (state / "studios").mkdir(parents=True)
    (state / "studios" / "token").write_text("token")
    async with folder_on(tmp_path / "machine", root, [state, root.parent, root]) as folder:
        for path in ("state", "state/studios/token"):
            with pytest.raises(Refused):
                await folder.name(path)
        assert kinds(await folder.entries("")) == {"src": "dir", "state": "other"}
        assert await folder.paths() == ["src/train.py"]
        assert await folder.name("state-of-the-art") == "state-of-the-art"


async def test_a_swapped_folder_leads_nowhere(folder: Folder, root: Path) -> None:
    """The classic race: a folder becomes a link out of here between the look and the deed."""
    (root / "inner").mkdir()
    (root / "inner" / "key").write_bytes(b"harmless")
    seen: set[bytes] = set()

    async def look() -> None:
        with contextlib.suppress(StudioError):
            seen.add(await content(folder, "inner/key"))

    with subprocess.Popen([sys.executable, "-c", SWAP], cwd=root, stdin=subprocess.PIPE) as racing:
        for _ in range(200):
            await asyncio.gather(*(look() for _ in range(20)))
        racing.communicate()
    assert seen <= {b"harmless"}
    assert await content(folder, "inner/key") == b"harmless"


# -- listing and reading ----------------------------------------------------------------------


async def test_a_listing(folder: Folder, root: Path) -> None:
    os.mkfifo(root / "pipe")
    (root / "train").symlink_to("src/train.py")
    (root / "source").symlink_to("src")
    (root / "gone").symlink_to("nothing")
    (root / "passwd").symlink_to("/etc/passwd")
    listing = await folder.entries("")
    assert kinds(listing) == {
        "gone": "other",
        "passwd": "other",
        "pipe": "other",
        "source": "dir",
        "src": "dir",
        "train": "file",
    }
    assert listing["truncated"] is False
    sizes = {entry["name"]: entry["size"] for entry in listing["entries"]}
    assert sizes["train"] == 6
    assert sizes["passwd"] == len("/etc/passwd")
    (train,) = (await folder.entries("source"))["entries"]
    assert train["mtime"] == (root / "src" / "train.py").stat().st_mtime


async def test_a_large_folder_is_cut(folder: Folder, root: Path) -> None:
    for number in range(served.ENTRY_CAP + 10):
        (root / f"file{number:05}").touch()
    listing = await folder.entries("")
    assert listing["truncated"] is True
    assert len(listing["entries"]) == served.ENTRY_CAP
    assert listing["entries"][0]["name"] == "file00000"
    assert len(json.dumps(listing)) < CAPS.message


async def test_a_folder_of_long_names_fits_into_a_message(folder: Folder, root: Path) -> None:
    for number in range(1500):
        (root / (f"{number:04}" + "😀" * 62)).touch()
    listing = await folder.entries("")
    assert listing["truncated"] is True
    assert len(listing["entries"]) > 1000
    assert len(json.dumps(listing)) < CAPS.message


async def test_a_name_that_is_not_text_is_shown(folder: Folder, root: Path) -> None:
    with open(os.fsencode(root) + b"/\xff.txt", "wb"):
        pass
    assert kinds(await folder.entries("")) == {"src": "dir", "?.txt": "other"}
    assert await folder.paths() == ["src/train.py"]


@pytest.mark.parametrize(
    ("path", "error", "message"),
    [
        ("nothing", NotFound, "there is no nothing"),
        ("src/train.py", UsageFault, "src/train.py is not a folder"),
        ("src/train.py/x", UsageFault, "src/train.py/x is not a folder"),
    ],
)
async def test_what_cannot_be_listed(
    folder: Folder, path: str, error: type[StudioError], message: str
) -> None:
    with pytest.raises(error, match=message) as raised:
        await folder.entries(path)
    assert raised.value.hint


async def test_a_folder_that_cannot_be_read(somebody: Path) -> None:
    root = (somebody / "project").resolve()
    (root / "closed").mkdir(parents=True)
    (root / "closed").chmod(0o000)
    async with folder_on(somebody / "machine", root) as folder:
        with pytest.raises(StudioError, match="no permission for closed") as raised:
            await folder.entries("closed")
    assert raised.value.hint == "check it: ls -ld closed"


async def test_a_studio_whose_folder_is_gone(folder: Folder, root: Path) -> None:
    root.rename(root.with_name("moved"))
    with pytest.raises(NotFound, match=r"there is no \."):
        await folder.entries("")


async def test_a_machine_that_is_not_found_is_no_file_that_is_gone(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unknown(connection: LocalConnection, argv: list[str]) -> None:
        raise NotFound("there is no machine of that name")

    monkeypatch.setattr(LocalConnection, "open", unknown)
    async with folder_on(tmp_path / "machine", root) as folder:
        with pytest.raises(NotFound, match="no machine"):
            await folder.load("nothing")
    monkeypatch.undo()
    async with folder_on(tmp_path / "machine", root) as folder:
        assert await folder.load("nothing") is None


async def test_reading_by_pieces(folder: Folder, root: Path) -> None:
    (root / "data").write_bytes(bytes(range(256)) * 40)
    piece = await call(folder, "files.read", path="data", offset=10, length=4)
    assert base64.b64decode(piece["data"]) == bytes([10, 11, 12, 13])
    assert (piece["offset"], piece["size"], piece["binary"]) == (10, 10240, True)
    assert (await call(folder, "files.read", path="data", offset=99999))["data"] == ""
    assert (await call(folder, "files.read", path="src/train.py"))["binary"] is False
    with pytest.raises(UsageFault):
        await call(folder, "files.read", path="data", offset=-1)
    (root / "large").write_bytes(bytes(3 * folder_module.READ_CAP))
    whole = await call(folder, "files.read", path="large")
    assert len(base64.b64decode(whole["data"])) == folder_module.READ_CAP
    assert len(json.dumps(whole)) < CAPS.message


async def test_what_is_no_file_is_not_read(folder: Folder, root: Path) -> None:
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "s"))
        for path in ("pipe", "s", "src"):
            with pytest.raises(NotEditable):
                await folder.piece(path, 0, 10)
    with pytest.raises(NotFound, match="there is no nothing"):
        await folder.piece("nothing", 0, 10)


# -- creating, renaming, deleting -------------------------------------------------------------


async def test_creating(folder: Folder, root: Path) -> None:
    await call(folder, "files.create", path="a/b/new.py")
    await call(folder, "files.create", path="a/c", kind="dir")
    assert (root / "a" / "b" / "new.py").read_bytes() == b""
    assert (root / "a" / "c").is_dir()
    (root / "dangling").symlink_to("nothing")
    for path in ("a/b/new.py", "a/c", "a", "dangling", ""):
        with pytest.raises(UsageFault, match="exists already") as raised:
            await call(folder, "files.create", path=path)
        assert raised.value.hint
    with pytest.raises(UsageFault, match="'pipe' cannot be created"):
        await call(folder, "files.create", path="p", kind="pipe")
    with pytest.raises(UsageFault, match="cannot be shown"):
        await call(folder, "files.create", path="a\x1b[31mred")
    with pytest.raises(UsageFault, match="not a folder"):
        await call(folder, "files.create", path="src/train.py/x")
    with pytest.raises(StudioError, match="File name too long"):
        await call(folder, "files.create", path="x" * 300)


async def test_created_files_have_the_users_mode(root: Path, tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        async with folder_on(tmp_path / "machine", root) as folder:
            await folder.create("inner/new", "file")
    finally:
        os.umask(before)
    assert (root / "inner" / "new").stat().st_mode & 0o777 == 0o644
    assert (root / "inner").stat().st_mode & 0o777 == 0o755


async def test_renaming(folder: Folder, root: Path) -> None:
    assert await folder.rename("src/train.py", "new/place.py") == Moved(
        "src/train.py", "new/place.py"
    )
    assert (root / "new" / "place.py").read_bytes() == b"train\n"
    assert await folder.rename("new", "old") == Moved("new", "old")
    (root / "link").symlink_to("old/place.py")
    (root / "alias").symlink_to("old")
    await folder.rename("link", "alias/link")
    assert (root / "old" / "link").is_symlink()
    with pytest.raises(UsageFault, match="old exists already"):
        await folder.rename("src", "old")
    with pytest.raises(NotFound, match="there is no nothing"):
        await folder.rename("nothing", "something")
    assert not (root / "something").exists()
    with pytest.raises(StudioError, match="Invalid argument"):
        await folder.rename("src", "src/inner")
    with pytest.raises(Refused, match="the studio's own folder"):
        await folder.rename("", "other")
    with pytest.raises(UsageFault, match="cannot be shown"):
        await folder.rename("old", "a\nb")


async def test_a_file_gives_its_place_to_another_and_a_folder_does_not(
    folder: Folder, root: Path
) -> None:
    (root / "new").write_text("new")
    (root / "old").write_text("old")
    await folder.rename("new", "old", over=True)
    assert (root / "old").read_text() == "new"
    with pytest.raises(UsageFault, match="exists already"):
        await folder.rename("old", "src", over=True)
    assert (root / "old").exists()


async def test_a_broken_link_is_not_renamed_over(folder: Folder, root: Path) -> None:
    (root / "dangling").symlink_to("nothing")
    with pytest.raises(UsageFault, match="exists already"):
        await folder.rename("src", "dangling")


async def test_deleting(folder: Folder, root: Path) -> None:
    (root / "link").symlink_to("src")
    await folder.delete("link")
    assert (root / "src" / "train.py").exists()
    (root / "src" / "out").symlink_to(root.parent / "project-secret")
    await folder.delete("src")
    assert os.listdir(root) == []
    assert (root.parent / "project-secret" / "key").exists()
    with pytest.raises(NotFound, match="there is no src"):
        await folder.delete("src")
    with pytest.raises(Refused, match="the studio's own folder"):
        await folder.delete("")


# -- finding ----------------------------------------------------------------------------------


async def test_finding(folder: Folder, root: Path) -> None:
    for name in (".git", "node_modules", ".venv"):
        (root / name).mkdir()
        (root / name / "train.py").touch()
    assert await call(folder, "files.find", query="trian") == {"paths": ["src/train.py"]}
    await call(folder, "files.create", path="b.py")
    assert await call(folder, "files.find") == {"paths": ["b.py", "src/train.py"]}
    await call(folder, "files.create", path="a.py")
    assert await call(folder, "files.find", limit=1) == {"paths": ["a.py"]}
    with pytest.raises(UsageFault, match="limit"):
        await call(folder, "files.find", limit=501)


async def test_the_folder_is_not_walked_for_every_letter(folder: Folder, root: Path) -> None:
    before = await call(folder, "files.find", query="t")
    (root / "tt.py").touch()
    assert await call(folder, "files.find", query="t") == before


async def test_a_huge_folder_is_walked_in_part(
    folder: Folder, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_module, "FIND_CAP", 3)
    for number in range(5):
        (root / f"{number}").touch()
    assert await folder.paths() == ["0", "1", "2"]
