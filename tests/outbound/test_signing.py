"""Signatures of webhooks, held against the official library of the specification."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from dni.errors import InvalidField
from dni.outbound import signing

SECRETS = st.binary(min_size=24, max_size=64).map(signing.secret_of)
AT_S = 1_790_000_000


@given(SECRETS, st.text(), st.from_regex(r"msg_[0-9a-z]{22}", fullmatch=True), st.integers(1, 2**33))
def test_a_signature_is_what_the_official_library_makes(secret: str, text: str, message: str, at_s: int) -> None:
    body = json.dumps(text)
    theirs = Webhook(secret).sign(message, datetime.fromtimestamp(at_s, UTC), body)
    assert signing.headers([secret], message, at_s, body.encode())["webhook-signature"] == theirs


def test_the_example_of_the_specifications_libraries() -> None:
    """Of the test of the reference libraries: its secret, id, timestamp and body."""
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    signed = signing.headers([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body)
    assert signed["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_each_secret_signs_the_newest_first() -> None:
    old, new = signing.secret_of(b"a" * 24), signing.secret_of(b"b" * 32)
    both = signing.headers([new, old], "msg_1", AT_S, b"{}")["webhook-signature"]
    alone = [signing.headers([one], "msg_1", AT_S, b"{}")["webhook-signature"] for one in (new, old)]
    assert both == " ".join(alone)


@pytest.mark.parametrize(
    "secret",
    ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_short", "whsec_***", signing.secret_of(b"x" * 65)],
)
def test_a_secret_that_libraries_would_not_take_is_refused(secret: str) -> None:
    with pytest.raises(InvalidField, match="/secret: whsec_ and 24 to 64 random bytes in base64"):
        signing.checked(secret, "/secret")
