from __future__ import annotations

import pytest
from botocore import exceptions

from studio_tui.data.s3_errors import refusal, unreached
from studio_tui.errors import NotFound, Refused, StudioError, UsageFault


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("NoSuchBucket", NotFound),
        ("404", NotFound),
        ("SignatureDoesNotMatch", Refused),
        ("ExpiredToken", Refused),
        ("AccessDenied", Refused),
        ("PermanentRedirect", UsageFault),
        ("InvalidBucketName", UsageFault),
        ("SlowDown", StudioError),
        ("Whatever", StudioError),
    ],
)
def test_what_a_server_refuses_is_said_in_words(code: str, kind: type[StudioError]) -> None:
    said = refusal("lake", "b/k", code, "the  server's\nwords")
    assert type(said) is kind
    assert "lake" in said.message
    assert "\n" not in said.message
    assert said.hint


def test_what_a_signature_was_made_of_is_not_repeated() -> None:
    said = refusal("lake", "b/k", "SignatureDoesNotMatch", "StringToSign: AKIA-the-key")
    assert "AKIA" not in said.message + said.hint


@pytest.mark.parametrize(
    ("problem", "kind"),
    [
        (exceptions.NoCredentialsError(), Refused),
        (exceptions.ProfileNotFound(profile="x"), UsageFault),
        (exceptions.EndpointConnectionError(endpoint_url="http://me:pass@h"), NotFound),
        (exceptions.SSLError(endpoint_url="https://h", error="e"), NotFound),
        (exceptions.ParamValidationError(report="r"), UsageFault),
        (exceptions.ReadTimeoutError(endpoint_url="http://h"), NotFound),
        (OSError("broken"), NotFound),
        (exceptions.BotoCoreError(), StudioError),
    ],
)
def test_what_keeps_one_from_asking(problem: Exception, kind: type[StudioError]) -> None:
    said = unreached("lake", "b/k", problem)
    assert type(said) is kind
    assert "pass" not in said.message + said.hint
