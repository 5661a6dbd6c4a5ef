"""What a job is given for its data: credentials that end, and what it was trained on."""

from __future__ import annotations

import pytest

from studio_tui.errors import NotFound, UsageFault
from studio_tui.host.jobs.lending import NOTE, lend
from tests.data.lakehouse import Lakehouse
from tests.data.stores import SECRET, Store
from tests.data.tables import name_lakehouse


async def test_a_job_is_lent_what_ends_and_told_what_there_is(moto: Store) -> None:
    moto.table("lake")
    bucket = moto.bucket(**{"a.csv": b"12345"})
    moto.put(bucket, "d/1", b"1")
    moto.put(bucket, "d/2", b"22")
    loan = await lend([f"lake://{bucket}/a.csv", f"lake://{bucket}/d/"], 3600)
    assert set(loan.secrets) == {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}
    assert SECRET not in loan.secrets.values()
    assert loan.env == {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL_S3": moto.url}
    first, second = loan.notes
    assert first.startswith(f"{NOTE}lake://{bucket}/a.csv: 5 bytes, tag ")
    assert second == f"{NOTE}lake://{bucket}/d/: 2 files, 3 bytes"
    assert SECRET not in repr(loan)


async def test_a_warehouse_lends_nothing_but_is_told_of(lakehouse: Lakehouse) -> None:
    name_lakehouse(lakehouse)
    loan = await lend(["dbx://main/ml/people"], None)
    assert (loan.secrets, loan.env) == ({}, {})
    assert loan.notes == [f"{NOTE}dbx://main/ml/people: 2 rows, tag 1800000000000"]


async def test_what_is_short_lived_is_lent_as_it_is(
    moto: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "short")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "lived")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto.url)
    loan = await lend([f"s3://{moto.bucket(a=b'1')}/a"], None)
    assert sorted(loan.secrets.values()) == ["lived", "short", "token"]


async def test_a_server_that_lends_nothing_is_told_of(nanio: Store) -> None:
    nanio.table("lake")
    loan = await lend([f"lake://{nanio.bucket(a=b'1')}/a"], None)
    assert (loan.secrets, len(loan.notes)) == ({}, 2)
    assert "no credentials for the job: lake" in loan.notes[1]
    assert SECRET not in repr(loan.notes)


async def test_two_sources_are_not_mixed_up_and_what_is_missing_is_said(moto: Store) -> None:
    moto.table("lake")
    moto.table("pond")
    bucket = moto.bucket(a=b"1")
    with pytest.raises(UsageFault, match="two sources"):
        await lend([f"lake://{bucket}/a", f"pond://{bucket}/a"], None)
    with pytest.raises(NotFound):
        await lend([f"lake://{bucket}/missing"], None)
    assert (await lend([], None)).notes == []
