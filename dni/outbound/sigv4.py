"""AWS Signature Version 4 for S3, in the header Authorization: the whole body is signed. Pure.

As "Authenticating Requests: Using the Authorization Header" has it, in November 2026:
https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
S3 takes the path as it is sent: it is encoded once, and `..` stays, other than with AWS's other services.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import msgspec

_ALGORITHM = "AWS4-HMAC-SHA256"
_PLAIN = "-_.~"


class Keys(msgspec.Struct, frozen=True):
    """`region`: such as us-east-1; whoever is no Amazon has one too, often that one."""

    access_key: str
    secret_key: str
    region: str


def signed(method: str, url: str, headers: Mapping[str, str], body: bytes, keys: Keys, now_ms: int) -> dict[str, str]:
    """The headers of the request, those that are given and those that sign it. All of them are signed."""
    parts = urlsplit(url)
    at = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
    digest = hashlib.sha256(body).hexdigest()
    all_headers = {
        **headers,
        "Host": parts.netloc.rpartition("@")[2],
        "x-amz-content-sha256": digest,
        "x-amz-date": at,
    }
    plain = sorted((name.lower(), " ".join(value.split())) for name, value in all_headers.items())
    names = ";".join(name for name, _ in plain)
    request = "\n".join(
        (
            method,
            "/".join(_quoted(unquote(segment)) for segment in parts.path.split("/")) or "/",
            _query(parts.query),
            *(f"{name}:{value}" for name, value in plain),
            "",
            names,
            digest,
        )
    )
    scope = f"{at[:8]}/{keys.region}/s3/aws4_request"
    to_sign = "\n".join((_ALGORITHM, at, scope, hashlib.sha256(request.encode()).hexdigest()))
    key = f"AWS4{keys.secret_key}".encode()
    for part in (*scope.split("/"), to_sign):
        key = hmac.digest(key, part.encode(), "sha256")
    credential = f"{keys.access_key}/{scope}"
    signature = f"{_ALGORITHM} Credential={credential},SignedHeaders={names},Signature={key.hex()}"
    return {**all_headers, "Authorization": signature}


def _query(text: str) -> str:
    pairs = sorted((_quoted(name), _quoted(value)) for name, value in parse_qsl(text, keep_blank_values=True))
    return "&".join(f"{name}={value}" for name, value in pairs)


def _quoted(text: str) -> str:
    return quote(text, safe=_PLAIN)
