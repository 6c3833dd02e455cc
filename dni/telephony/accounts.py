"""What an account at each kind of carrier consists of, and what its parts look like. Pure."""

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable

import msgspec

from dni.errors import FieldError, InvalidField

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TOKEN_MIN = 16


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """`account`, `proof`: what the carrier calls that which is kept as `account_sid` and `auth_token`; `_is`: whether a
    text can be it; `_right` says what would be.

    default_account  what it is when none is told; None: it must be
    """

    called: str
    account: str
    account_is: Callable[[str], object]
    account_right: str
    proof: str
    proof_is: Callable[[str], object]
    proof_right: str
    default_account: str | None = None


def _any(text: str) -> bool:
    return bool(text)


def _is_key(text: str) -> bool:
    try:
        return len(b64decode(text, validate=True)) == 32
    except (NotBase64, ValueError):
        return False


KINDS: dict[str, Kind] = {
    "twilio": Kind(
        called="Twilio",
        account="account SID",
        account_is=re.compile(r"AC[A-Za-z0-9]+").fullmatch,
        account_right="the account SID: it begins with AC, as the Twilio Console shows it",
        proof="auth token",
        proof_is=_any,
        proof_right="",
    ),
    "signalwire": Kind(
        called="SignalWire",
        account="project ID",
        account_is=_UUID.fullmatch,
        account_right="the project ID: 32 hexadecimal digits in five groups, as the SignalWire dashboard shows it",
        proof="signing key",
        proof_is=_any,
        proof_right="",
    ),
    "telnyx": Kind(
        called="Telnyx",
        account="account ID",
        account_is=_any,
        account_right="",
        proof="public key",
        proof_is=_is_key,
        proof_right="the account's public key: 44 characters that end with =, as the Telnyx portal shows it",
    ),
    "plivo": Kind(
        called="Plivo",
        account="auth ID",
        account_is=re.compile(r"[MS]A[A-Z0-9]{18}").fullmatch,
        account_right="the auth ID: MA or SA and 18 letters and digits, as the Plivo console shows it",
        proof="auth token",
        proof_is=_any,
        proof_right="",
    ),
    "generic": Kind(
        called="SIP server",
        account="name",
        account_is=_any,
        account_right="",
        proof="bearer token",
        proof_is=lambda text: len(text) >= _TOKEN_MIN,
        proof_right=f"at least {_TOKEN_MIN} characters of your own making; your server sends them with each request",
        default_account="sip",
    ),
}


def check(kind: str, account_sid: str | None = None, auth_token: str | None = None) -> None:
    """None: not told, and not looked at. Raises InvalidField with each that cannot be the kind's."""
    about = KINDS[kind]
    wrong: list[FieldError] = []
    if account_sid is not None and not about.account_is(account_sid):
        wrong.append(FieldError("/account_sid", about.account_right))
    if auth_token is not None and not about.proof_is(auth_token):
        wrong.append(FieldError("/auth_token", about.proof_right))
    if wrong:
        raise InvalidField(wrong[0].path, wrong[0].message, *wrong[1:])
