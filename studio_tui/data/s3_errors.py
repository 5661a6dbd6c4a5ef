"""What goes wrong with a bucket, in words for people, and without anything secret in it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from studio_tui.errors import NotFound, Refused, StudioError, UsageFault

_LOGIN = (
    "aws configure, aws sso login, or key_id and secret_key in data.toml; a studio uses its host's"
)
_WRONG = ("SignatureDoesNotMatch", "InvalidAccessKeyId", "AuthFailure", "InvalidClientTokenId")
_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired")
_FORBIDDEN = ("AccessDenied", "AllAccessDisabled", "UnauthorizedOperation", "403", "Forbidden")
_MISSING = ("NoSuchKey", "NoSuchVersion", "404", "NotFound")
_CHANGED = ("PreconditionFailed", "412")
_ELSEWHERE = (
    "PermanentRedirect",
    "301",
    "AuthorizationHeaderMalformed",
    "IllegalLocationConstraint",
)
_BUSY = ("SlowDown", "ServiceUnavailable", "503", "Throttling", "RequestLimitExceeded")


@contextlib.contextmanager
def told(source: str, path: str) -> Iterator[None]:
    """What boto3 raises inside the block, as a StudioError about `path` of `source`."""
    from botocore import exceptions
    from botocore.parsers import ResponseParserError

    try:
        yield
    except ResponseParserError:
        raise StudioError(
            f"{source} answers in words of its own", "is endpoint_url that of an S3 server?"
        ) from None
    except exceptions.ClientError as problem:
        error = problem.response.get("Error", {})
        code, message = str(error.get("Code", "")), str(error.get("Message", ""))
        raise refusal(source, path, code, message) from None
    except (exceptions.BotoCoreError, OSError) as problem:
        raise unreached(source, path, problem) from None


def refusal(source: str, path: str, code: str, message: str) -> StudioError:
    """What the error `code` of a request about `path` means; `message` is the server's own."""
    what = f"{source}://{path}"
    if code == "NoSuchBucket":
        bucket = path.partition("/")[0]
        return NotFound(
            f"{source} has no bucket {bucket!r}", f"see: studio-tui data ls {source}://"
        )
    if code in _MISSING:
        return missing(source, path)
    if code in _WRONG:
        # What the server says to this may quote the request that was signed: it is not repeated.
        return Refused(f"{source} does not accept the credentials", _LOGIN)
    if code in _EXPIRED:
        return Refused(f"the credentials for {source} have expired", _LOGIN)
    if code in _FORBIDDEN:
        return Refused(
            f"the credentials for {source} do not allow that at {what}",
            "have it added to their policy",
        )
    if code in _CHANGED:
        return changed(source, path)
    if code in _ELSEWHERE:
        return UsageFault(f"{what} lies in another region", f"set region of {source} in data.toml")
    if code in _BUSY:
        return StudioError(
            f"{source} asks for patience: too many requests", "try again in a minute"
        )
    if code in ("InvalidBucketName", "KeyTooLongError", "InvalidURI"):
        return UsageFault(f"{source} takes no such name: {what}", "check its spelling")
    said = " ".join(message.split())[:200]
    return StudioError(f"{source} refuses {what}: {said or code}", f"it calls this {code}")


def missing(source: str, path: str) -> NotFound:
    """There is nothing at a path."""
    above = path.rstrip("/").rpartition("/")[0]
    return NotFound(
        f"there is nothing at {source}://{path}",
        f"see what is around it: studio-tui data ls {source}://{above}{'/' * bool(above)}",
    )


def changed(source: str, path: str) -> StudioError:
    """A file is not what it was when its reading began."""
    return StudioError(f"{source}://{path} has changed while it was read", "ask for it again")


def unreached(source: str, path: str, problem: Exception) -> StudioError:
    """What keeps a request from being made or answered."""
    from botocore import exceptions

    absent = (
        exceptions.NoCredentialsError,
        exceptions.PartialCredentialsError,
        exceptions.CredentialRetrievalError,
        exceptions.TokenRetrievalError,
        exceptions.SSOError,
    )
    if isinstance(problem, exceptions.ProfileNotFound):
        return UsageFault(
            f"{source}: {problem}", "aws configure list-profiles shows which there are"
        )
    if isinstance(problem, absent):
        return Refused(f"there are no usable credentials for {source}", _LOGIN)
    if isinstance(problem, exceptions.ParamValidationError):
        return UsageFault(f"{source} takes no such name: {source}://{path}", "check its spelling")
    if isinstance(problem, exceptions.SSLError):
        return NotFound(
            f"{source} is not trusted: its certificate cannot be checked",
            "point AWS_CA_BUNDLE to its authority's certificate",
        )
    if isinstance(problem, (exceptions.HTTPClientError, exceptions.ConnectionError, OSError)):
        return NotFound(
            f"{source} cannot be reached", "check the network, and endpoint_url in data.toml"
        )
    return StudioError(f"{source} cannot be asked: {type(problem).__name__}", "check data.toml")
