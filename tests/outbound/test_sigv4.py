"""Signatures: Amazon's published examples, and what botocore makes of the same request."""

from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import example, given
from hypothesis import strategies as st

from dni.outbound.sigv4 import Keys, signed

KEYS = Keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1")
AT_MS = int(datetime(2013, 5, 24, tzinfo=UTC).timestamp() * 1000)
HOST = "https://examplebucket.s3.amazonaws.com"


# https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, "Examples: Signature Calculations"
@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "names", "signature"),
    [
        (
            "GET",
            "/test.txt",
            {"Range": "bytes=0-9"},
            b"",
            "host;range;x-amz-content-sha256;x-amz-date",
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            "PUT",
            "/test%24file.text",
            {"Date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
            b"Welcome to Amazon S3.",
            "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        (
            "GET",
            "/?lifecycle",
            {},
            b"",
            "host;x-amz-content-sha256;x-amz-date",
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            "GET",
            "/?max-keys=2&prefix=J",
            {},
            b"",
            "host;x-amz-content-sha256;x-amz-date",
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
)
def test_the_examples_of_amazon(
    method: str, path: str, headers: dict[str, str], body: bytes, names: str, signature: str
) -> None:
    made = signed(method, HOST + path, headers, body, KEYS, AT_MS)
    assert made["Authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        f"SignedHeaders={names},Signature={signature}"
    )
    assert made["x-amz-date"] == "20130524T000000Z"


def by_botocore(method: str, url: str, headers: dict[str, str], body: bytes, keys: Keys, now_ms: int) -> str:
    """What the header Authorization is for it, step by step as its `add_auth`, which looks at the clock."""
    request = AWSRequest(method=method, url=url, headers=headers, data=body)
    request.context["payload_signing_enabled"] = True
    request.context["timestamp"] = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
    signer = S3SigV4Auth(Credentials(keys.access_key, keys.secret_key), "s3", keys.region)
    signer._modify_request_before_signing(request)
    to_sign = signer.string_to_sign(request, signer.canonical_request(request))
    signer._inject_signature_to_request(request, signer.signature(to_sign, request))
    return str(request.headers["Authorization"])


_SEGMENT = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=12)
_WORD = st.text(st.sampled_from("abcXYZ019 -_.~*'()!$&,;=@+:"), min_size=1, max_size=12)


@example("PUT", ["/", "a/b"], "reports", [], {}, b"", "AKIAIOSFODNN7EXAMPLE", "0", "us-east-1", "", 0)
@given(
    method=st.sampled_from(["PUT", "GET", "POST", "HEAD"]),
    segments=st.lists(_SEGMENT.filter(lambda text: text not in (".", "..")), max_size=4),
    bucket=st.from_regex(r"[a-z0-9]{3,12}", fullmatch=True),
    query=st.lists(st.tuples(_WORD, _WORD), max_size=3),
    headers=st.dictionaries(st.from_regex(r"x-amz-meta-[a-z]{1,8}", fullmatch=True), _WORD, max_size=3),
    body=st.binary(max_size=200),
    access_key=st.from_regex(r"[A-Z0-9]{16,20}", fullmatch=True),
    secret_key=st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1, max_size=40),
    region=st.sampled_from(["us-east-1", "eu-central-1", "garage"]),
    port=st.sampled_from(["", ":9000"]),
    now_ms=st.integers(0, 4_000_000_000_000),
)
def test_botocore_signs_it_the_same(
    method: str,
    segments: list[str],
    bucket: str,
    query: list[tuple[str, str]],
    headers: dict[str, str],
    body: bytes,
    access_key: str,
    secret_key: str,
    region: str,
    port: str,
    now_ms: int,
) -> None:
    path = "/".join(quote(segment, safe="-_.~") for segment in (bucket, *segments))
    asked = "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in query)
    url = f"https://s3.example.com{port}/{path}" + (f"?{asked}" if asked else "")
    keys = Keys(access_key, secret_key, region)
    made = signed(method, url, headers, body, keys, now_ms)
    theirs = by_botocore(method, url, dict(headers), body, keys, now_ms)
    assert made["Authorization"].replace(" ", "") == theirs.replace(" ", "")
