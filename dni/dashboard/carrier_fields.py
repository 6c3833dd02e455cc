"""Carrier accounts in the words of each carrier: what is asked for, and where our two addresses belong. Pure."""

import msgspec

from dni.dashboard.forms import Field
from dni.telephony.accounts import KINDS

_PROVES = "It proves that a call comes from your carrier, and is never shown again."


class Spoken(msgspec.Struct, frozen=True, kw_only=True):
    """`account`, `proof`: labels of the two fields. `asks`, `tells`: what the carrier calls the places of the address
    that is asked about a call, and of the one that is told of it; `where` these are."""

    account: str
    account_help: str
    proof: str
    proof_help: str
    where: str
    asks: str
    tells: str
    account_like: str = ""


SPOKEN: dict[str, Spoken] = {
    "twilio": Spoken(
        account="Account SID",
        account_help="On the first page of the Twilio Console; it begins with AC.",
        account_like="AC…",
        proof="Auth token",
        proof_help=f"Beside the account SID. {_PROVES}",
        where="On the page of each number, under Voice Configuration. Both are webhooks, HTTP POST.",
        asks="A call comes in",
        tells="Call status changes",
    ),
    "signalwire": Spoken(
        account="Project ID",
        account_help="In the SignalWire dashboard under API: 32 hexadecimal digits in five groups.",
        account_like="00000000-0000-4000-8000-…",
        proof="Signing key",
        proof_help=f"On the same page; it begins with PSK_. {_PROVES}",
        where="In the voice settings of each number, which handles calls by a cXML webhook. Both by POST.",
        asks="When a call comes in",
        tells="Status change webhook",
    ),
    "telnyx": Spoken(
        account="Account ID",
        account_help="What your calls name as AccountSid: the ID of your user, in the Telnyx portal under Account.",
        proof="Public key",
        proof_help="In the Telnyx portal under Keys & Credentials: 44 characters that end with =. By it we know that a "
        "call comes from Telnyx; it is no secret, though it is not shown again.",
        where="In a TeXML application, which your numbers are assigned to. Both by POST.",
        asks="Voice URL",
        tells="Status callback URL",
    ),
    "plivo": Spoken(
        account="Auth ID",
        account_help="On the first page of the Plivo console; it begins with MA, or SA for a subaccount.",
        account_like="MA…",
        proof="Auth token",
        proof_help=f"Beside the auth ID. {_PROVES}",
        where="In an XML application, which your numbers are assigned to. Both by POST.",
        asks="Primary answer URL",
        tells="Hangup URL",
    ),
    "generic": Spoken(
        account="Name of the server",
        account_help="For your own eyes: letters, digits, dots, hyphens and underscores.",
        account_like=KINDS["generic"].default_account or "",
        proof="Bearer token",
        proof_help="At least 16 characters that you make up. Your server sends them with each request.",
        where="In the configuration of your SIP server, with the bearer token.",
        asks="Asked about each call",
        tells="Told of its progress",
    ),
}
FIRST = next(iter(SPOKEN))


def kind_of(told: str | None) -> str:
    """Of a page that was asked for with it; what is none is the first."""
    return told if told in SPOKEN else FIRST


def account(kind: str) -> Field:
    spoken = SPOKEN[kind]
    return Field(
        name="account_sid",
        label=spoken.account,
        help=spoken.account_help,
        placeholder=spoken.account_like,
        empty="omit" if KINDS[kind].default_account else "wrong",
        right="letters, digits, dots, hyphens and underscores only, as the carrier shows it",
    )


def proof(kind: str) -> Field:
    spoken = SPOKEN[kind]
    return Field(name="auth_token", label=spoken.proof, kind="secret", help=spoken.proof_help)


def new_proof(kind: str) -> Field:
    label = SPOKEN[kind].proof
    return Field(
        name="auth_token",
        label=f"New {label[:1].lower()}{label[1:]}",
        kind="secret",
        empty="omit",
        help="Leave it empty to keep the present one.",
    )
