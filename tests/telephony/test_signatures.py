"""Signatures against the carriers' own packages, which are their word on them.

SignalWire's package wants a `twilio` of 2020, so it cannot stand beside ours. Its check of a form is Twilio's, which it
imports; its check of a raw body is one line of HMAC, which is written anew below, from its docs and not from our code.
"""

import hashlib
import hmac
import json
from base64 import b64encode
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey
from plivo.utils import validate_signature as plivo_validates_v2
from plivo.utils.signature_v3 import validate_v3_signature as plivo_validates_v3
from telnyx import Telnyx
from twilio.request_validator import RequestValidator

from dni.clock import SystemClock
from dni.telephony import signatures

TOKEN = "12345abcde"
URL = "https://dni.example/voice/twilio/car_1/inbound?a=%20b&c"

texts = st.text(st.characters(codec="utf-8"), max_size=20)
pairs = st.lists(st.tuples(texts, texts), max_size=8)
urls = st.builds(
    lambda scheme, port, path: f"{scheme}://dni.example{port}{path}",
    st.sampled_from(["http", "https"]),
    st.sampled_from(["", ":80", ":443", ":8443"]),
    st.sampled_from(["", "/", "/voice/x", "/voice/x?y=z:1", "?q=https://dni.example:1/"]),
)


class Repeated:
    """A form as Twilio's library knows it where a field may come twice."""

    def __init__(self, fields: list[tuple[str, str]]) -> None:
        self.fields = fields

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter({name for name, _ in self.fields})

    def __len__(self) -> int:
        return len(self.fields)

    def getall(self, name: str) -> list[str]:
        return [value for known, value in self.fields if known == name]


@settings(max_examples=1_000, deadline=None)
@given(fields=pairs, url=urls)
def test_what_the_twilio_package_signs_is_accepted(fields: list[tuple[str, str]], url: str) -> None:
    signature = RequestValidator(TOKEN).compute_signature(url, Repeated(fields))
    assert signatures.twilio(url, fields, TOKEN) == signature
    assert signatures.is_twilio(url, fields, TOKEN, signature) == RequestValidator(TOKEN).validate(
        url, Repeated(fields), signature
    )


@settings(max_examples=1_000, deadline=None)
@given(fields=pairs, signed=urls, seen=urls)
def test_ports_are_read_as_the_twilio_package_reads_them(fields: list[tuple[str, str]], signed: str, seen: str) -> None:
    oracle = RequestValidator(TOKEN)
    signature = oracle.compute_signature(signed, Repeated(fields))
    assert signatures.is_twilio(seen, fields, TOKEN, signature) == oracle.validate(seen, Repeated(fields), signature)


@settings(max_examples=300, deadline=None)
@given(fields=pairs, signature=st.text(max_size=40))
def test_any_other_signature_is_refused(fields: list[tuple[str, str]], signature: str) -> None:
    right = signatures.twilio(URL, fields, TOKEN)
    assert signatures.is_twilio(URL, fields, TOKEN, right)
    assert not signatures.is_twilio(URL, fields, "another token", right)
    assert not signatures.is_twilio(URL, [*fields, ("new field", "x")], TOKEN, right)
    assert not signatures.is_twilio(URL + "x", fields, TOKEN, right)
    assert signature == right or not signatures.is_twilio(URL, fields, TOKEN, signature)


def test_an_address_that_is_none_is_refused_not_raised() -> None:
    for url in ("", "https://[::1/x", "ftp://x/", "https://:x/"):
        assert not signatures.is_twilio(url, [], TOKEN, "x")
        assert not signatures.is_signalwire(url, b"", TOKEN, "x")
        assert not signatures.is_plivo_v3(url, [], "1", TOKEN, ["x"])
        assert not signatures.is_plivo_v2(url, "1", TOKEN, ["x"])


@settings(max_examples=500, deadline=None)
@given(url=urls, body=st.binary(max_size=40).map(lambda raw: raw.decode("utf-8", "replace")), other=st.text(max_size=5))
def test_a_body_that_is_no_form_is_signed_by_its_hash_in_the_address(url: str, body: str, other: str) -> None:
    oracle = RequestValidator(TOKEN)
    digest = oracle.compute_hash(body)
    hashed = f"{url}{'&' if '?' in url else '?'}bodySHA256={digest}"
    signature = oracle.compute_signature(hashed, {})
    assert oracle.validate(hashed, body, signature)
    assert signatures.is_twilio_body(hashed, body.encode(), digest, TOKEN, signature)
    assert not signatures.is_twilio_body(hashed, f"{body}x".encode(), digest, TOKEN, signature)
    assert not signatures.is_twilio_body(hashed, body.encode(), f"{other}ü", TOKEN, signature)
    assert not signatures.is_twilio_body(hashed, body.encode(), digest, "another token", signature)


@settings(max_examples=500, deadline=None)
@given(
    path=st.text(st.characters(codec="utf-8"), max_size=9),
    body=st.binary(max_size=40),
    port=st.sampled_from(["", ":443"]),
)
def test_signalwires_other_form_is_hex_over_the_address_and_the_body_as_sent(path: str, body: bytes, port: str) -> None:
    url = f"https://dni.example/{quote(path)}"
    signature = hmac.new(
        TOKEN.encode(), f"https://dni.example{port}/{quote(path)}".encode() + body, hashlib.sha1
    ).hexdigest()
    assert signatures.is_signalwire(url, body, TOKEN, signature)
    assert not signatures.is_signalwire(url, body + b"x", TOKEN, signature)
    assert not signatures.is_signalwire(f"{url}x", body, TOKEN, signature)
    assert not signatures.is_signalwire(url, body, "another token", signature)


# Their library cannot read a query that is not ASCII.
_ascii = st.text(st.characters(codec="ascii"), max_size=6)
_queries = st.lists(st.tuples(_ascii, _ascii), max_size=3)
_nonces = st.text("0123456789", min_size=1, max_size=20)


@st.composite
def plivo_urls(draw: st.DrawFn) -> str:
    query = "&".join(f"{quote(name)}={quote(value)}" for name, value in draw(_queries))
    path = draw(st.sampled_from(["", "/", "/voice/plivo/car_1/status"]))
    return f"https://dni.example{draw(st.sampled_from(['', ':8443']))}{path}{'?' if query else ''}{query}"


@settings(max_examples=1_000, deadline=None)
@given(url=plivo_urls(), fields=pairs, nonce=_nonces, before=st.sampled_from(["", "x,", "ü,,"]))
def test_what_the_plivo_package_accepts_is_what_we_sign(
    url: str, fields: list[tuple[str, str]], nonce: str, before: str
) -> None:
    params: dict[str, str | list[str]] = {}
    for name, value in fields:
        known = params.get(name)
        params[name] = value if known is None else [*(known if isinstance(known, list) else [known]), value]
    signature = before + signatures.plivo_v3(url, fields, nonce, TOKEN)
    assert plivo_validates_v3("POST", url, nonce, TOKEN, signature, params)
    assert signatures.is_plivo_v3(url, fields, nonce, TOKEN, [signature])
    assert signatures.is_plivo_v3(url, fields, nonce, TOKEN, ["another", signature])
    assert not signatures.is_plivo_v3(url, fields, nonce, "another token", [signature])
    assert not signatures.is_plivo_v3(url, [*fields, ("new field", "x")], nonce, TOKEN, [signature])
    assert not signatures.is_plivo_v3(f"{url}x", fields, nonce, TOKEN, [signature])
    assert not signatures.is_plivo_v3(url, fields, f"{nonce}1", TOKEN, [signature])


@settings(max_examples=300, deadline=None)
@given(url=plivo_urls(), nonce=_nonces)
def test_plivos_second_form_covers_the_address_alone(url: str, nonce: str) -> None:
    signature = signatures.plivo_v2(url, nonce, TOKEN)
    assert plivo_validates_v2(url, nonce, signature, TOKEN)
    assert signatures.is_plivo_v2(url, nonce, TOKEN, [signature])
    assert signatures.is_plivo_v2(f"{url}?x=1" if "?" not in url else f"{url}&x=1", nonce, TOKEN, [signature])
    assert not signatures.is_plivo_v2(url, f"{nonce}1", TOKEN, [signature])
    assert not signatures.is_plivo_v2(url, nonce, "another token", [signature])


KEY = SigningKey(bytes(range(32)))
PUBLIC = b64encode(bytes(KEY.verify_key)).decode()


def telnyx_accepts(body: str, timestamp: str, signature: str) -> bool:
    """What Telnyx's library says; it reads the body as JSON when the signature is right."""
    headers = {"Telnyx-Signature-Ed25519": signature, "Telnyx-Timestamp": timestamp}
    try:
        Telnyx(api_key="x", public_key=PUBLIC).webhooks.unwrap(body, headers=headers)
    except json.JSONDecodeError:
        return True
    except ValueError:
        return False
    return True


@settings(max_examples=100, deadline=None)
@given(
    body=st.text(st.characters(codec="utf-8"), max_size=60), change=st.sampled_from(["", "body", "time", "signature"])
)
def test_what_the_telnyx_package_accepts_is_accepted(body: str, change: str) -> None:
    timestamp = str(SystemClock().now_ms() // 1000)
    signature = b64encode(KEY.sign(f"{timestamp}|{body}".encode()).signature).decode()
    if change == "body":
        body += "&To=%2B12025550100"
    elif change == "time":
        timestamp = str(int(timestamp) + 1)
    elif change == "signature":
        signature = ("B" if signature[0] == "A" else "A") + signature[1:]
    accepted = signatures.is_telnyx(body.encode(), timestamp, PUBLIC, signature)
    assert accepted == telnyx_accepts(body, timestamp, signature)
    assert accepted == (not change)


@pytest.mark.parametrize("signature", ["", "x", "ü", "AAAA", "A" * 88, b64encode(bytes(64)).decode()])
def test_what_is_no_telnyx_signature_is_refused_not_raised(signature: str) -> None:
    assert not signatures.is_telnyx(b"a=1", "1", PUBLIC, signature)


@pytest.mark.parametrize("key", ["", "x", "ü", "AAAA", b64encode(bytes(31)).decode()])
def test_what_is_no_telnyx_key_is_refused_not_raised(key: str) -> None:
    signature = b64encode(KEY.sign(b"1|a=1").signature).decode()
    assert not signatures.is_telnyx(b"a=1", "1", key, signature)
