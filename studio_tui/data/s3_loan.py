"""Short-lived credentials for a bucket, made of those that are kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

SHORTEST, LONGEST = 900, 12 * 3600
ROLE_SECONDS = 3600
"""As long as a role holds that nobody has changed."""


def lent(sts: Any, own: Any, role: str | None, path: str, seconds: int) -> Mapping[str, Any]:
    """Credentials as STS spells them: AccessKeyId, SecretAccessKey, SessionToken.

    Args:
        sts: boto3's client for it.
        own: the credentials that are kept; None where there are none.
        role: the role whose are lent, for `path` alone; None for a session of one's own, which
            opens all that one's own do. Those that end by themselves are lent as they are.
        seconds: how long they are to hold; what STS allows is nearest to it.
    """
    seconds = min(max(seconds, SHORTEST), LONGEST)
    kept = own.get_frozen_credentials() if own is not None else None
    if role is None and kept is not None and kept.token:
        names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
        return dict(zip(names, (kept.access_key, kept.secret_key, kept.token), strict=True))
    if role is None:
        answer = sts.get_session_token(DurationSeconds=seconds)
    else:
        answer = sts.assume_role(
            RoleArn=role,
            RoleSessionName="studio-tui",
            DurationSeconds=min(seconds, ROLE_SECONDS),
            Policy=policy(path),
        )
    given: Mapping[str, Any] = answer["Credentials"]
    return given


def policy(path: str) -> str:
    """What lets somebody read and write below `path`, and list it, and nothing else."""
    bucket, _, prefix = path.partition("/")
    arn = f"arn:aws:s3:::{bucket}"
    files = {
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:PutObject"],
        "Resource": f"{arn}/{prefix}*",
    }
    listing = {
        "Effect": "Allow",
        "Action": "s3:ListBucket",
        "Resource": arn,
        "Condition": {"StringLike": {"s3:prefix": f"{prefix}*"}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [files, listing]})
