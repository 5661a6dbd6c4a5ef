"""A file's way into a bucket: in one piece, or in parts that a later attempt goes on with."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

from studio_tui.data.checksum import parts_tag
from studio_tui.data.pace import in_order
from studio_tui.data.source import Going, Read
from studio_tui.errors import StudioError, UsageFault

PART = 8 << 20
MOST_PARTS = 10_000
LARGEST = 5 << 40


def upload(client: Any, bucket: str, key: str, size: int, read: Read, going: Going) -> None:
    """Send `size` bytes to a key.

    Every piece goes with its MD5, which the server compares. What was sent in parts and called off
    stays at the server; the next upload of the same content sends only what is missing.

    Args:
        client: boto3's, for S3.
    """
    if size > LARGEST:
        raise UsageFault("a file of more than 5 TiB", "split it")
    if size <= PART:
        data = _whole(read, 0, size)
        client.put_object(Bucket=bucket, Key=key, Body=data, ContentMD5=_sum(data)[1])
        going.step(size)
        return
    where = {"Bucket": bucket, "Key": key}
    part = part_size(size)
    known, there = _begun(client, where, part, size)
    known = known or client.create_multipart_upload(**where)["UploadId"]
    where["UploadId"] = known

    def send(number: int) -> tuple[bytes, int]:
        going.check()
        data = _whole(read, (number - 1) * part, min(part, size - (number - 1) * part))
        digest, encoded = _sum(data)
        if there.get(number) != digest.hex():
            client.upload_part(**where, PartNumber=number, Body=data, ContentMD5=encoded)
        return digest, len(data)

    digests = []
    for digest, length in in_order(send, range(1, -(-size // part) + 1)):
        digests.append(digest)
        going.step(length)
    parts = [{"PartNumber": n, "ETag": f'"{d.hex()}"'} for n, d in enumerate(digests, 1)]
    done = client.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
    tag = str(done.get("ETag", "")).strip('"')
    # Where the server encrypts with a customer's key, its tags are not sums of the content.
    if "-" in tag and done.get("ServerSideEncryption", "AES256") == "AES256":
        wanted = parts_tag(b"".join(digests))
        if tag != wanted:
            raise StudioError(f"what arrived as {key} is not what was sent", "send it again")


def part_size(size: int) -> int:
    """Bytes of a part, so that there are not too many."""
    part = PART
    while part * MOST_PARTS < size:
        part *= 2
    return part


def _begun(client: Any, where: dict[str, Any], part: int, size: int) -> tuple[str, dict[int, str]]:
    """The newest upload of this key with parts of this size, and the tags of those it has."""
    pages = client.get_paginator("list_multipart_uploads")
    found = [
        item
        for page in pages.paginate(Bucket=where["Bucket"], Prefix=where["Key"])
        for item in page.get("Uploads", ())
        if item["Key"] == where["Key"]
    ]
    for item in sorted(found, key=lambda item: item["Initiated"], reverse=True):
        tags = {}
        for one in _parts(client, where, item["UploadId"]):
            start = (one["PartNumber"] - 1) * part
            if one["Size"] != min(part, size - start):
                break
            tags[one["PartNumber"]] = one["ETag"].strip('"')
        else:
            if tags:
                return item["UploadId"], tags
    return "", {}


def _parts(client: Any, where: dict[str, Any], upload: str) -> Iterator[dict[str, Any]]:
    for page in client.get_paginator("list_parts").paginate(**where, UploadId=upload):
        yield from page.get("Parts", ())


def _whole(read: Read, start: int, length: int) -> bytes:
    data = read(start, length)
    if len(data) != length:
        raise StudioError("the file became shorter while it was sent", "send it again")
    return data


def _sum(data: bytes) -> tuple[bytes, str]:
    digest = hashlib.md5(data, usedforsecurity=False).digest()
    return digest, base64.b64encode(digest).decode()
