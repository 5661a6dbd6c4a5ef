"""Files on the command line, byte for byte."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from studio_tui.cli.attached import attached
from studio_tui.cli.file import as_shared, put
from studio_tui.cli.main import main

if TYPE_CHECKING:
    from studio_tui.client.studio import Studio

    from .conftest import Hosted, Typed


def test_a_folder_is_listed(hosted: Hosted, typed: Typed) -> None:
    (hosted.folder / "list" / "sub").mkdir(parents=True)
    (hosted.folder / "list" / "a.txt").write_text("12345")
    listed = typed("file", "ls", hosted.id, "list", "--json").json
    assert [set(entry) for entry in listed] == [{"name", "kind", "size", "mtime"}] * 2
    assert [(e["name"], e["kind"]) for e in listed] == [("a.txt", "file"), ("sub", "dir")]
    assert listed[0]["size"] == 5
    assert "file  5" in typed("file", "ls", hosted.id, "list").out
    assert typed("file", "ls", hosted.id, "list/sub").out == "the folder is empty\n"
    assert "list" in typed("file", "ls", hosted.id).out


@pytest.mark.parametrize(
    "content", ["é\n".encode(), b"a\r\nb\r\n", b"\xef\xbb\xbfmark", b"", bytes(range(256)) * 4000]
)
def test_what_is_on_disk_is_printed_byte_for_byte(
    content: bytes, hosted: Hosted, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    (hosted.folder / "raw").write_bytes(content)
    with pytest.raises(SystemExit):
        main(["file", "cat", hosted.id, "raw"])
    assert capsysbinary.readouterr().out == content


def test_an_open_file_is_printed_as_people_see_it(hosted: Hosted, typed: Typed) -> None:
    (hosted.folder / "open.txt").write_text("on disk\n")

    async def work(studio: Studio) -> None:
        text = await studio.file("open.txt")
        await text.insert(0, "typed but not written, ")
        await text.saved()

    attached(hosted.id, work)
    assert typed("file", "cat", hosted.id, "./open.txt").out == "typed but not written, on disk\n"


@pytest.mark.parametrize("path", ["new.txt", "deep/er/new.txt"])
def test_a_new_file_is_made(path: str, hosted: Hosted, spawned: Typed) -> None:
    data = "é 🎉\r\nlast line".encode()
    done = spawned("file", "write", hosted.id, path, input=data)
    assert (done.code, done.out) == (0, "")
    assert (hosted.folder / path).read_bytes() == data


@pytest.mark.parametrize(
    "before", [b"old\n", b"old\r\nold\r\n", b"\xef\xbb\xbfold\r\n", b"", b"no end"]
)
@pytest.mark.parametrize("after", [b"new\nlines\n", b"new\r\nlines\r\n", b""])
def test_a_file_keeps_its_line_ends_and_its_mark(
    before: bytes, after: bytes, hosted: Hosted, typed: Typed
) -> None:
    name = f"ends-{hash((before, after)) & 0xFFFFFF}.txt"
    (hosted.folder / name).write_bytes(before)
    assert typed("file", "write", hosted.id, name, input=after).code == 0
    lines = after.replace(b"\r\n", b"\n") if b"\r\n" in before else after
    ends = lines.replace(b"\n", b"\r\n") if b"\r\n" in before else lines
    mark = b"\xef\xbb\xbf" if before.startswith(b"\xef\xbb\xbf") else b""
    assert (hosted.folder / name).read_bytes() == mark + ends


def test_people_who_have_it_open_see_it(hosted: Hosted, typed: Typed) -> None:
    (hosted.folder / "seen.txt").write_text("1\n2\n3\n")

    async def work(studio: Studio) -> str:
        text = await studio.file("seen.txt")
        # A command of its own: it has its own loop, so it runs in another thread.
        await asyncio.to_thread(write, hosted.id)
        await studio.until(lambda: "two" in str(text))
        return str(text)

    def write(studio: str) -> None:
        attached(studio, lambda joined: put(joined, "seen.txt", "1\ntwo\n3\n"))

    assert attached(hosted.id, work) == "1\ntwo\n3\n"


@pytest.mark.parametrize("data", [b"\xff\xfe", b"a\0b"])
def test_what_is_no_text_is_not_written(data: bytes, hosted: Hosted, spawned: Typed) -> None:
    done = spawned("file", "write", hosted.id, "binary.txt", input=data)
    assert (done.code, done.error) == (2, "stdin is not UTF-8 text")
    assert not (hosted.folder / "binary.txt").exists()


def test_a_text_that_is_too_large(hosted: Hosted, typed: Typed) -> None:
    done = typed("file", "write", hosted.id, "large.txt", input=b"x" * (800 * 1024))
    assert done.code == 1
    assert "768 KiB" in done.error


@pytest.mark.parametrize("path", ["../out.txt", "/tmp/out.txt", "a/../../out.txt"])
@pytest.mark.parametrize("verb", ["cat", "write", "ls"])
def test_a_path_outside_of_the_folder_is_refused(
    verb: str, path: str, hosted: Hosted, typed: Typed
) -> None:
    done = typed("file", verb, hosted.id, path, input=b"x")
    assert (done.code, done.out) == (4, "")
    assert "outside of the studio's folder" in done.error


def test_a_file_that_is_not_there(hosted: Hosted, typed: Typed) -> None:
    for verb in ("cat", "ls"):
        done = typed("file", verb, hosted.id, "none")
        assert done.code == 3, done


@pytest.mark.parametrize(
    ("text", "before", "expected"),
    [
        ("a\r\nb\n", b"x\r\n", "a\nb\n"),
        ("a\r\n", b"x\n", "a\r\n"),
        ("a\r\n", b"x\r\ny\n", "a\r\n"),
        ("a\r\n", b"", "a\r\n"),
        ("\ufeffa", b"\xef\xbb\xbfx", "a"),
        ("\ufeffa", b"x", "\ufeffa"),
    ],
)
def test_the_host_adds_what_the_file_had(text: str, before: bytes, expected: str) -> None:
    assert as_shared(text, before) == expected
