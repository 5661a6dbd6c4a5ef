from __future__ import annotations

import pytest

from studio_tui.data.s3_upload import LARGEST, MOST_PARTS, PART, part_size, upload
from studio_tui.data.source import Going
from studio_tui.errors import StudioError, UsageFault
from tests.data.stores import Store


@pytest.mark.parametrize("size", [1, PART, PART * MOST_PARTS, PART * MOST_PARTS + 1, LARGEST])
def test_parts_are_large_enough_not_to_be_too_many(size: int) -> None:
    part = part_size(size)
    assert part >= PART
    assert -(-size // part) <= MOST_PARTS


def test_what_is_too_large_is_said_before_anything_is_sent() -> None:
    with pytest.raises(UsageFault, match="5 TiB"):
        upload(None, "b", "k", LARGEST + 1, lambda at, n: b"", Going())


def test_a_file_that_became_shorter_is_not_sent(moto: Store) -> None:
    bucket = moto.bucket()
    with pytest.raises(StudioError, match="became shorter"):
        upload(moto.client, bucket, "k", 10, lambda at, n: b"123", Going())


def test_an_upload_in_other_parts_is_not_gone_on_with(moto: Store) -> None:
    bucket = moto.bucket()
    begun = moto.client.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    where = {"Bucket": bucket, "Key": "k", "UploadId": begun, "PartNumber": 1}
    moto.client.upload_part(**where, Body=b"x" * (5 << 20))
    data = b"abcdefgh" * (PART // 8) + b"tail"
    upload(moto.client, bucket, "k", len(data), lambda at, n: data[at : at + n], Going())
    assert moto.get(bucket, "k") == data
