"""Calls to EC2 in threads, and what goes wrong with them in words for people."""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Any

from studio_tui.errors import NotFound, Refused, StudioError, UsageFault
from studio_tui.machines.connection import ConnectionLost

if TYPE_CHECKING:
    from collections.abc import Callable

ATTEMPTS = 8  # of one call, with adaptive pauses, before throttling becomes an error
CONNECT_SECONDS, ANSWER_SECONDS = 10, 30

_CAPACITY = {
    "InsufficientInstanceCapacity": "AWS has none free there now",
    "InsufficientHostCapacity": "the dedicated host has no room for it",
    "InsufficientReservedInstanceCapacity": "the reservation has none left",
    "VcpuLimitExceeded": "the account's limit of vCPUs for this kind is reached",
    "InstanceLimitExceeded": "the account's limit of instances is reached",
    "Unsupported": "AWS does not offer it in that zone",
}
_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired")
_UNKNOWN_KEY = ("AuthFailure", "InvalidClientTokenId", "SignatureDoesNotMatch", "OptInRequired")
_FORBIDDEN = ("UnauthorizedOperation", "AccessDenied", "AccessDeniedException")
_THROTTLED = ("RequestLimitExceeded", "Throttling", "ThrottlingException", "Unavailable")
_LOGIN = "run aws configure or aws sso login, or set AWS_PROFILE"


class NoCapacity(StudioError):
    """AWS cannot give an instance of this type now, or not to this account."""


class Client:
    """EC2 in one region, with the credentials that boto3 finds.

    Args:
        profile: of the AWS configuration; the usual one when None.
    """

    def __init__(self, region: str, profile: str | None = None) -> None:
        self.region = region
        self._profile = profile
        self._making = asyncio.Lock()
        self._client: Any = None

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """What boto3's client answers, such as to call("start_instances", InstanceIds=[...]).

        Cancelled, it still waits for the answer to what has been sent.

        Raises:
            Refused: there are no credentials, they have expired, or do not allow it.
            NotFound: no such instance; ConnectionLost: AWS cannot be reached.
            NoCapacity: see there.
            StudioError: anything else that AWS refuses.
        """
        async with self._making:
            if self._client is None:
                self._client = await asyncio.to_thread(self._make)
        action = self._client.meta.method_to_api_mapping[method]
        asked = functools.partial(getattr(self._client, method), **parameters)
        call = asyncio.ensure_future(asyncio.to_thread(self._told, asked, action))
        try:
            answer: dict[str, Any] = await asyncio.shield(call)
        except asyncio.CancelledError:
            # What was sent takes effect: who cleans up after this must find it done.
            await asyncio.gather(call, return_exceptions=True)
            raise
        return answer

    def _make(self) -> Any:
        import boto3
        from botocore.config import Config

        config = Config(
            retries={"mode": "adaptive", "total_max_attempts": ATTEMPTS},
            connect_timeout=CONNECT_SECONDS,
            read_timeout=ANSWER_SECONDS,
        )

        def client() -> Any:
            session = boto3.session.Session(profile_name=self._profile)
            return session.client("ec2", region_name=self.region, config=config)

        return self._told(client, "a client")

    def _told(self, work: Callable[[], Any], action: str) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return work()
        except ClientError as problem:
            error = problem.response.get("Error", {})
            raise refusal(
                str(error.get("Code", "")), str(error.get("Message", "")), action, self.region
            ) from problem
        except BotoCoreError as problem:
            raise _unreached(problem, self.region) from problem


def refusal(code: str, message: str, action: str, region: str) -> StudioError:
    """What AWS's error means.

    Args:
        action: the API's name of what was asked, such as "StartInstances".
    """
    said = " ".join(message.split())[:300]
    if code in _CAPACITY:
        return NoCapacity(_CAPACITY[code], "try again later, or choose another type or zone")
    if code in _EXPIRED:
        return Refused("the AWS credentials have expired", _LOGIN)
    if code in _UNKNOWN_KEY:
        return Refused(f"AWS does not accept the credentials in {region}: {said}", _LOGIN)
    if code in _FORBIDDEN:
        return Refused(
            f"the AWS credentials do not allow ec2:{action}", "have it added to their policy"
        )
    if code in _THROTTLED:
        return StudioError("AWS asks for patience: too many requests", "try again in a minute")
    if code.startswith("InvalidInstanceID"):
        return NotFound(f"{region} has no such instance: {said}", "check its id and its region")
    if code == "InvalidInstanceType":
        return UsageFault(f"there is no such instance type in {region}: {said}", "check its name")
    return StudioError(f"AWS refuses {action}: {said or code}", f"AWS calls this {code}")


def _unreached(problem: Exception, region: str) -> StudioError:
    from botocore import exceptions

    away = (exceptions.HTTPClientError, exceptions.EndpointConnectionError)
    absent = (
        exceptions.NoCredentialsError,
        exceptions.PartialCredentialsError,
        exceptions.CredentialRetrievalError,
        exceptions.TokenRetrievalError,
        exceptions.SSOError,
    )
    if isinstance(problem, exceptions.ProfileNotFound):
        return UsageFault(str(problem), "aws configure list-profiles shows those that there are")
    if isinstance(problem, absent):
        return Refused(f"there are no usable AWS credentials: {problem}", _LOGIN)
    if isinstance(problem, (exceptions.InvalidRegionError, exceptions.NoRegionError)):
        return UsageFault(f"{region!r} is no AWS region", 'write region = "us-east-1"')
    if isinstance(problem, away):
        return ConnectionLost(
            f"AWS cannot be reached in {region}: {problem}", "check the region and the network"
        )
    return StudioError(f"AWS cannot be asked: {problem}", "check the AWS configuration")
