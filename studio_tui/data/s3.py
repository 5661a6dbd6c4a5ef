"""S3 and what speaks it, by boto3: buckets, folders made of keys, ranges, versions, links."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from studio_tui.data import checksum, s3_loan, s3_upload
from studio_tui.data.s3_entries import bucket_of, entry_of, files, folders, tag_of
from studio_tui.data.s3_errors import changed, missing, told
from studio_tui.data.source import (
    PAGE,
    Checksum,
    Entry,
    Going,
    Page,
    Read,
    ReadInPlace,
    Rows,
    lacks,
)
from studio_tui.errors import StudioError, UsageFault
from studio_tui.settings.secrets import secret

CONNECT_SECONDS, ANSWER_SECONDS = 4, 20
ATTEMPTS = 3
READ_ATTEMPTS = 3
"""Of a body that breaks off in the middle, which boto3 does not ask for again."""
CONNECTIONS = 32
REGION = "us-east-1"
LINK_SECONDS = 7 * 24 * 3600
"""The longest that a signature can hold."""


class S3(ReadInPlace):
    """One account, or one server that speaks S3.

    Args:
        name: the source's name.
        table: of data.toml; empty for what boto3 finds by itself.
    """

    def __init__(self, name: str, table: Mapping[str, Any]) -> None:
        self.name = name
        self._table = table
        self._making = threading.Lock()
        self._made: Any = None

    # -- looking ------------------------------------------------------------------------------

    def page(
        self,
        path: str,
        token: str = "",
        *,
        most: int = PAGE,
        deep: bool = False,
        versions: bool = False,
    ) -> Page:
        """See `Source.page`. A file's own path lists that file."""
        bucket, _, key = path.partition("/")
        if not bucket:
            return self._buckets(token, most)
        prefix = key if not key or key.endswith("/") else f"{key}/"
        given = {"Bucket": bucket, "Prefix": prefix, "MaxKeys": most}
        if not deep:
            given["Delimiter"] = "/"
        with told(self.name, path):
            page = self._listed(given, token, versions)
        if not page.entries and not token and key and not key.endswith("/"):
            # No folder of that name: the name of a file, or the start of some.
            with told(self.name, path):
                page = self._listed({**given, "Prefix": key}, "", versions)
            page = Page([e for e in page.entries if e.path == path])
        if not page.entries and not token and key:
            raise missing(self.name, path)
        return page

    def _buckets(self, token: str, most: int) -> Page:
        with told(self.name, ""):
            given: dict[str, Any] = {"ContinuationToken": token} if token else {}
            if "endpoint_url" not in self._table:  # not every server knows pages of buckets
                given["MaxBuckets"] = most
            answer = self._client.list_buckets(**given)
        found = [bucket_of(b) for b in answer.get("Buckets", [])]
        return Page(found, answer.get("ContinuationToken", ""))

    def _listed(self, given: dict[str, Any], token: str, versions: bool) -> Page:
        if versions:
            return self._versions(given, token)
        more = {"ContinuationToken": token} if token else {}
        answer = self._client.list_objects_v2(**given, **more)
        entries = [*folders(answer, given), *files(answer.get("Contents"), given)]
        return Page(entries, answer.get("NextContinuationToken", ""))

    def _versions(self, given: dict[str, Any], token: str) -> Page:
        more = (
            dict(zip(("KeyMarker", "VersionIdMarker"), json.loads(token), strict=True))
            if token
            else {}
        )
        answer = self._client.list_object_versions(**given, **more)
        entries = [*folders(answer, given), *files(answer.get("Versions"), given)]
        following = ""
        if answer.get("IsTruncated"):
            following = json.dumps([answer["NextKeyMarker"], answer["NextVersionIdMarker"]])
        return Page(entries, following)

    def stat(self, path: str, version: str = "") -> Entry:
        """See `Source.stat`."""
        bucket, key = split(path)
        with told(self.name, path):
            answer = self._client.head_object(Bucket=bucket, Key=key, **_of(version))
        return entry_of(bucket, {**answer, "Key": key}, key[: key.rfind("/") + 1])

    def read(self, entry: Entry, start: int, length: int) -> bytes:
        """See `Source.read`."""
        wanted = length if entry.size is None else min(length, entry.size - start)
        if wanted <= 0:
            return b""
        bucket, key = split(entry.path)
        given = {"Bucket": bucket, "Key": key, "Range": f"bytes={start}-{start + wanted - 1}"}
        given |= _of(entry.version) | ({"IfMatch": f'"{entry.tag}"'} if entry.tag else {})
        with told(self.name, entry.path):
            answer, data = self._body(given)
        # A server that does not know If-Match sends what there is now.
        if entry.tag and tag_of(answer) != entry.tag:
            raise changed(self.name, entry.path)
        if len(data) != wanted:
            raise StudioError(
                f"{self.name} sends {len(data)} bytes of {wanted} that were asked for",
                "does the server know ranges?",
            )
        return data

    def _body(self, given: Mapping[str, Any]) -> tuple[Mapping[str, Any], bytes]:
        """An object's answer and its bytes, asked for again when they break off in the middle."""
        from botocore import exceptions

        broken = (exceptions.IncompleteReadError, exceptions.HTTPClientError)
        for _ in range(READ_ATTEMPTS - 1):
            with contextlib.suppress(*broken):
                answer = self._client.get_object(**given)
                return answer, answer["Body"].read()
        answer = self._client.get_object(**given)
        return answer, answer["Body"].read()

    def checksum(self, entry: Entry) -> Checksum | None:
        """See `Source.checksum`: what S3 keeps of the whole, else its tag where that is one."""
        bucket, key = split(entry.path)
        given = {"Bucket": bucket, "Key": key, **_of(entry.version)}
        with told(self.name, entry.path):
            answer = self._client.head_object(ChecksumMode="ENABLED", **given)
            whole = checksum.by_headers(answer)
            if whole is not None:
                return whole
            # The tag of what a customer's key encrypts says nothing of the content.
            if answer.get("ServerSideEncryption", "AES256") != "AES256":
                return None
            if not checksum.of_parts(entry.tag):
                return checksum.by_tag(entry.tag, None)
            first = self._client.head_object(PartNumber=1, **given)
        part = int(first.get("ContentLength") or 0)
        count = int(entry.tag.rpartition("-")[2])
        fits = part and entry.size is not None and -(-entry.size // part) == count
        return checksum.by_tag(entry.tag, part if fits else None)

    # -- changing -----------------------------------------------------------------------------

    def write(self, path: str, size: int, read: Read, going: Going) -> Entry:
        """See `Source.write`."""
        bucket, key = split(path)
        with told(self.name, path):
            s3_upload.upload(self._client, bucket, key, size, read, going)
        return self.stat(path)

    def rows(self, path: str, most: int | None) -> Rows:
        """A bucket has no tables: UsageFault."""
        raise lacks(self.name, "tables")

    # -- for others ---------------------------------------------------------------------------

    def link(self, path: str, seconds: int, version: str = "") -> str:
        """See `Source.link`; seven days at most, or as long as short-lived credentials hold."""
        bucket, key = split(path)
        if not 1 <= seconds <= LINK_SECONDS:
            raise UsageFault(f"a link for {seconds} s", "1 second to 7 days")
        self.stat(path, version)  # a link can be made of anything
        with told(self.name, path):
            asked = {"Bucket": bucket, "Key": key, **_of(version)}
            return str(self._client.generate_presigned_url("get_object", asked, ExpiresIn=seconds))

    def lend(self, path: str, seconds: int) -> dict[str, str]:
        """See `Source.lend`: by the role of data.toml, for this path alone; else by the session.

        Without a role they open whatever the credentials that they stand for do. Those that are
        short-lived themselves are lent as they are: nothing shorter can be made of them.
        """
        if self._table.get("anonymous"):
            return {}
        with told(self.name, path):
            sts = self._session.client("sts", config=self._config, **self._place)
            own = self._session.get_credentials()
            lent = s3_loan.lent(sts, own, self._table.get("role"), path, seconds)
        found = {
            "AWS_ACCESS_KEY_ID": lent["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": lent["SecretAccessKey"],
            "AWS_SESSION_TOKEN": lent["SessionToken"],
            "AWS_DEFAULT_REGION": self._client.meta.region_name or REGION,
        }
        if endpoint := self._table.get("endpoint_url"):
            found["AWS_ENDPOINT_URL_S3"] = endpoint
        return found

    # -- the client ---------------------------------------------------------------------------

    @property
    def _client(self) -> Any:
        with self._making:
            if self._made is None:
                self._made = self._session.client("s3", config=self._config, **self._place)
            return self._made

    @cached_property
    def _session(self) -> Any:
        import boto3

        table = self._table
        named = {
            "aws_access_key_id": "key_id",
            "aws_secret_access_key": "secret_key",
            "aws_session_token": "session_token",
        }
        given = {argument: secret(table[key]) for argument, key in named.items() if key in table}
        return boto3.session.Session(profile_name=table.get("profile"), **given)

    @property
    def _place(self) -> dict[str, Any]:
        region = self._table.get("region") or self._session.region_name or REGION
        return {"region_name": region, "endpoint_url": self._table.get("endpoint_url")}

    @cached_property
    def _config(self) -> Any:
        from botocore import UNSIGNED
        from botocore.config import Config

        own = "endpoint_url" in self._table
        # Servers that are not Amazon's do not all know its newer checksums; MD5 they all know.
        sums = "when_required" if own else "when_supported"
        return Config(
            signature_version=UNSIGNED if self._table.get("anonymous") else "s3v4",
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            connect_timeout=CONNECT_SECONDS,
            read_timeout=ANSWER_SECONDS,
            max_pool_connections=CONNECTIONS,
            request_checksum_calculation="when_required",
            response_checksum_validation=sums,
            s3={"addressing_style": self._table.get("addressing", "path" if own else "auto")},
        )


def split(path: str) -> tuple[str, str]:
    """Bucket and key. UsageFault: there is no key."""
    bucket, _, key = path.partition("/")
    if not bucket or not key:
        raise UsageFault(
            f"{path!r} names no file in a bucket", "write BUCKET/KEY; with put, also BUCKET/"
        )
    return bucket, key


def _of(version: str) -> dict[str, str]:
    return {"VersionId": version} if version else {}
