"""What a signed upload form permits, in the manner of S3's POST policies; pure, the clock is passed in."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Literal

import msgspec

from relaylib.server.objects.errors import UploadRefusedError
from relaylib.server.objects.keys import check_key
from relaylib.server.objects.store import PresignedUpload

__all__ = ["UploadGrant", "check_download", "check_form", "server_form", "sign_download", "sign_form"]


@dataclass(frozen=True, slots=True)
class UploadGrant:
    """What a form permits: a file of `min_bytes` to `max_bytes` bytes under `key`."""

    key: str
    min_bytes: int
    max_bytes: int


class _Policy(msgspec.Struct):
    expiration: datetime
    conditions: tuple[
        tuple[Literal["eq"], Literal["$key"], str],
        tuple[Literal["content-length-range"], int, int],
    ]


def server_form(
    key: str, *, secret: bytes, now: datetime, expires_in: int, max_bytes: int, base_url: str
) -> PresignedUpload:
    """Return a form for ``POST /storage`` of the server at `base_url`, see :meth:`ObjectStore.presign_upload`."""
    grant = UploadGrant(check_key(key), 1, max_bytes)
    fields = sign_form(grant, secret=secret, now=now, expires_in=expires_in)
    return PresignedUpload(f"{base_url.rstrip('/')}/storage", fields, expires_in)


def sign_form(grant: UploadGrant, *, secret: bytes, now: datetime, expires_in: int) -> dict[str, str]:
    """Return the fields of a form that permits `grant` for `expires_in` seconds.

    The names are those of SigV4 and, for older clients, of SigV2; `key`, `policy` and one signature bind.

    Parameters
    ----------
    now : datetime with a time zone
    """
    now = now.astimezone(timezone.utc)
    policy = _Policy(
        expiration=now + timedelta(seconds=expires_in),
        conditions=(("eq", "$key", grant.key), ("content-length-range", grant.min_bytes, grant.max_bytes)),
    )
    encoded = base64.b64encode(msgspec.json.encode(policy)).decode()
    signature = _sign(encoded, secret)
    return {
        "key": grant.key,
        "policy": encoded,
        "x-amz-algorithm": "AWS4-HMAC-SHA256",
        "x-amz-credential": f"relay/{now:%Y%m%d}/local/s3/aws4_request",
        "x-amz-date": f"{now:%Y%m%dT%H%M%SZ}",
        "x-amz-security-token": "none",
        "x-amz-signature": signature,
        "AWSAccessKeyId": "relay",
        "signature": signature,
    }


def check_form(fields: Mapping[str, str], *, secret: bytes, now: datetime) -> UploadGrant:
    """Return what a received form permits.

    Parameters
    ----------
    fields : mapping of str to str
        Names in lower case; others than ``key``, ``policy``, ``x-amz-signature`` and ``signature`` are ignored.

    Raises
    ------
    UploadRefusedError
        With status 400 if a field is missing, 403 if the form permits nothing: its signature is wrong, its
        time is over, or it was made for another key.
    """
    signatures = [fields[name] for name in ("x-amz-signature", "signature") if name in fields]
    for name in ("key", "policy"):
        if name not in fields:
            raise UploadRefusedError(400, f"The form has no field {name!r}; every field must come before the file.")
    if not signatures:
        raise UploadRefusedError(400, "The form has no field 'x-amz-signature'; every field must come before the file.")
    expected = _sign(fields["policy"], secret)
    if not any(_same(signature, expected) for signature in signatures):
        raise UploadRefusedError(403, "The signature does not match the policy; send the fields as they were given.")
    policy = msgspec.json.decode(base64.b64decode(fields["policy"]), type=_Policy)  # ours: the signature is right
    (_, _, key), (_, min_bytes, max_bytes) = policy.conditions
    if now >= policy.expiration:
        raise UploadRefusedError(403, "The upload URL has expired; ask for a new one.")
    if fields["key"] != key:
        raise UploadRefusedError(403, "The form was signed for another key; send the fields as they were given.")
    return UploadGrant(key, min_bytes, max_bytes)


def sign_download(key: str, query: Mapping[str, str], *, secret: bytes) -> str:
    """Return the signature of a download of `key` with `query`, in which ``signature`` doesn't count."""
    signed = sorted((name, value) for name, value in query.items() if name != "signature")
    return _sign(msgspec.json.encode(["GET", key, signed]).decode(), secret)


def check_download(key: str, query: Mapping[str, str], *, secret: bytes, now: datetime) -> str | None:
    """Return why a download is not permitted, None if it is."""
    if not _same(query.get("signature", ""), sign_download(key, query, secret=secret)):
        return "The signature does not match the URL; use the URL as it was given."
    if now.timestamp() >= int(query["expires"]):
        return "The download URL has expired; ask for a new one."
    return None


def _sign(text: str, secret: bytes) -> str:
    return hmac.new(secret, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode())
