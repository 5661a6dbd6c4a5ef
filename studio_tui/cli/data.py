"""Sources of data: listed, looked at and copied, on this computer or within a studio."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from studio_tui.cli.bar import Bar
from studio_tui.cli.group import Group
from studio_tui.cli.listing import line, readable, size_of
from studio_tui.cli.output import emit, json_option, plain, say

if TYPE_CHECKING:
    from studio_tui.client.data import DataCopy, DataEntry, DataPreview
    from studio_tui.client.studio import Studio
    from studio_tui.data.preview import Preview
    from studio_tui.data.source import Address, Entry, Source

TOLD = ("name", "kind", "size", "modified", "tag", "version", "note")
"""What `ls --json` tells of an entry, beside its URL."""

studio_option = click.option(
    "--studio", metavar="STUDIO", default="",
    help="By the host of this studio, with its credentials; else on this computer.",
)  # fmt: skip


@click.group(
    short_help="List, look at and copy data of buckets and tables.",
    cls=Group,
    epilog="Example: studio-tui data ls s3://my-bucket/images/",
)
def data() -> None:
    """List, look at and copy data: s3://BUCKET/KEY, databricks://CATALOG, snowflake://DATABASE.

    The part before :// is the name of a source: one of these three, or one of data.toml, such as
    a MinIO server with its own endpoint_url. Credentials are those that boto3 and the other
    libraries find, or secrets (studio-tui secret); with --studio they are those of its host, and
    stay there.
    """


@data.command("sources", epilog="Example: studio-tui data sources --json")
@studio_option
@json_option
def sources(studio: str, as_json: bool) -> None:
    """List the sources that there are."""
    if studio:
        from studio_tui.cli.attached import attached

        found = attached(studio, lambda joined: joined.data().sources())
    else:
        from studio_tui.data.sources import Sources

        found = Sources().names()
    lines = [f"{name}://" + (f"  {kind}" if kind != name else "") for name, kind in found.items()]
    emit([{"name": n, "kind": k} for n, k in found.items()], as_json, "\n".join(lines))


@data.command("ls", epilog="Example: studio-tui data ls s3://my-bucket/images/ --versions")
@click.argument("url")
@studio_option
@click.option("--deep", is_flag=True, help="Every file below it, instead of files and folders.")
@click.option("--versions", is_flag=True, help="Earlier versions, too.")
@json_option
def ls(url: str, studio: str, deep: bool, versions: bool, as_json: bool) -> None:
    """List what is at URL, as it comes; ctrl+c when it is enough."""
    import json

    shown = 0

    def show(entry: Entry | DataEntry, address: str) -> None:
        nonlocal shown
        if as_json:
            told = {"url": address} | {key: getattr(entry, key) for key in TOLD}
            click.echo(("[\n" if not shown else ",\n") + json.dumps(told), nl=False)
        else:
            click.echo(line(entry, versions))
        shown += 1

    if studio:
        from studio_tui.cli.attached import attached

        async def listed(joined: Studio) -> None:
            async for entry in joined.data(url).entries(deep=deep, versions=versions):
                show(entry, entry.url)

        attached(studio, listed)
    else:
        source, address = opened(url)
        for entry in _entries(source, address, deep, versions):
            show(entry, f"{address.source}://{entry.path}")
    if as_json:
        click.echo("\n]" if shown else "[]")
    elif not shown:
        click.echo("nothing is there")


def opened(url: str) -> tuple[Source, Address]:
    """The source that a URL names, and the whole address."""
    from studio_tui.data.source import parse
    from studio_tui.data.sources import Sources

    address = parse(url)
    return Sources().find(address.source), address


def _entries(source: Source, address: Address, deep: bool, versions: bool) -> Iterator[Entry]:
    token = ""
    while True:
        page = source.page(address.path, token, deep=deep, versions=versions)
        yield from page.entries
        token = page.token
        if not token:
            return


@data.command("head", epilog="Example: studio-tui data head s3://my-bucket/train.parquet -n 5")
@click.argument("url")
@studio_option
@click.option("-n", "--rows", default=10, type=click.IntRange(0, 100), help="How many rows.")
@click.option("--version", default="", metavar="V", help="An earlier version, see ls --versions.")
@json_option
def head(url: str, studio: str, rows: int, version: str, as_json: bool) -> None:
    """Look at a file or table without fetching it.

    The first rows of CSV, JSON lines, Parquet and tables, the start of a text, a small picture.
    """
    found: Preview | DataPreview
    if studio:
        from dataclasses import asdict

        from studio_tui.cli.attached import attached

        found = there = attached(studio, lambda joined: joined.data(url).head(rows, version))
        emit_preview(found, asdict(there), as_json)
    else:
        from studio_tui.data.preview import preview

        source, address = opened(url)
        found = here = preview(source, address.path, rows, version)
        emit_preview(found, here.plain(), as_json)


def emit_preview(found: Preview | DataPreview, told: dict[str, Any], as_json: bool) -> None:
    """Print a preview."""
    emit(told, as_json, "\n".join(readable(found)))
    if not as_json and found.note:
        say(plain(found.note))


@data.command("get", epilog="Example: studio-tui data get s3://my-bucket/images/ images")
@click.argument("url")
@click.argument("path", default="")
@studio_option
@click.option("--version", default="", metavar="V", help="An earlier version, see ls --versions.")
@click.option("--force", is_flag=True, help="Replace what is there.")
@json_option
def get(url: str, path: str, studio: str, version: str, force: bool, as_json: bool) -> None:
    """Copy URL to PATH: a file, a folder whose URL ends with "/", or a table as Parquet.

    What arrives is compared with the checksum that the source keeps. A copy that was stopped goes
    on where it was. With --studio, PATH is in the studio's folder, on its machine.
    """
    to = path or named(url)
    with Bar() as bar:
        if studio:
            from studio_tui.cli.attached import attached

            def tell(copy: DataCopy) -> None:
                bar.show(copy.done, copy.total, copy.text)

            work = lambda joined: joined.data(url).get(  # noqa: E731
                to, version=version, force=force, on_progress=tell
            )
            result = attached(studio, work, patient=True).result
        else:
            result = _fetched(url, Path(to), version, force, bar)
    emit_copied({"url": url, "path": to, **result}, to, as_json)


def emit_copied(result: dict[str, Any], to: str, as_json: bool) -> None:
    """Print what became of a copy."""
    files, size = result.get("files"), result.get("bytes")
    checked = result.get("checked")
    text = f"{files} file{'s' * (files != 1)}, {size_of(int(size or 0))} in {to}"
    emit(result, as_json, plain(text + f", {checked} agrees" * bool(checked)))
    for skipped in result.get("skipped") or ():
        say(plain(f"passed over {skipped}"))
    if (more := int(result.get("passed_over") or 0) - len(result.get("skipped") or ())) > 0:
        say(f"and {more} more")


def named(url: str) -> str:
    """What a copy of `url` is called when nobody says."""
    from studio_tui.errors import UsageFault

    name = url.partition("://")[2].rstrip("/").rpartition("/")[2]
    if not name or name in (".", ".."):
        raise UsageFault(f"{url} gives no name for a file", "name one: data get URL PATH")
    return name


def _fetched(url: str, to: Path, version: str, force: bool, bar: Bar) -> dict[str, Any]:
    """Copy to this computer."""
    from studio_tui.data import copying, folders
    from studio_tui.data.local import LocalTarget, LocalTree

    source, address = opened(url)
    going = bar.going()
    if not address.path or address.path.endswith("/"):
        target = lambda name: LocalTarget(to / name, force=force)  # noqa: E731
        there = LocalTree(to).origin
        return folders.fetch_all(source, address.path, target, there, going).plain()
    entry = source.stat(address.path, version)
    going.total = entry.size
    to = to / named(url) if to.is_dir() else to
    copying.check_name(entry, to.name)
    return copying.fetch(source, entry, LocalTarget(to, force=force), going).plain()


@data.command(
    "put", epilog="Example: studio-tui data put model.ckpt s3://my-bucket/models/model.ckpt"
)
@click.argument("path")
@click.argument("url")
@studio_option
@click.option("--force", is_flag=True, help="Replace what is there.")
@json_option
def put(path: str, url: str, studio: str, force: bool, as_json: bool) -> None:
    """Copy the file or folder PATH to URL; into a folder when URL ends with "/".

    The files of a folder come to lie below URL, which ends with "/" then. What arrived is not sent
    again by the next attempt: parts of a file, and files that are there with the same content. An
    empty folder, a link out of PATH and what is no file are passed over and named. With --studio,
    PATH is in the studio's folder, on its machine.
    """
    with Bar() as bar:
        if studio:
            from studio_tui.cli.attached import attached

            def tell(copy: DataCopy) -> None:
                bar.show(copy.done, copy.total, copy.text)

            work = lambda joined: joined.data(url).put(path, force=force, on_progress=tell)  # noqa: E731
            result = attached(studio, work, patient=True).result
        else:
            result = _sent(Path(path), url, force, bar)
    if "files" in result:
        emit_copied({"url": url, "path": path, **result}, url, as_json)
        return
    url = f"{url.partition('://')[0]}://{result['path']}"
    emit({"url": url, **result}, as_json, plain(f"{size_of(int(result['size']))} as {url}"))


def _sent(path: Path, url: str, force: bool, bar: Bar) -> dict[str, Any]:
    """Copy from this computer."""
    from studio_tui.data import copying, folders
    from studio_tui.data.local import LocalOrigin, LocalTree

    source, address = opened(url)
    going = bar.going()
    if path.is_dir():
        return folders.send_all(source, address.path, LocalTree(path), going, force=force).plain()
    origin = LocalOrigin(path)
    going.total = origin.size()
    to = copying.named(address.path, str(path))
    try:
        return copying.send(source, to, origin, going, force=force).plain()
    finally:
        origin.close()


@data.command("link", epilog="Example: studio-tui data link s3://my-bucket/a.csv --seconds 7200")
@click.argument("url")
@studio_option
@click.option(
    "--seconds", default=3600, type=click.IntRange(1, 7 * 24 * 3600), show_default=True,
    help="How long the link is good.",
)  # fmt: skip
@click.option("--version", default="", metavar="V", help="An earlier version, see ls --versions.")
def link(url: str, studio: str, seconds: int, version: str) -> None:
    """Print a link to a file that needs no credentials for so many seconds."""
    if studio:
        from studio_tui.cli.attached import attached

        click.echo(attached(studio, lambda joined: joined.data(url).link(seconds, version)))
    else:
        source, address = opened(url)
        click.echo(source.link(address.path, seconds, version))
