"""Signatures against the `twilio` package, which is the carrier's own word on them."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

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
