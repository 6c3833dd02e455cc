"""Webhooks by the Standard Webhooks specification: each message as JSON, signed, to one address. Pure.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md, as it stood in November
2026: 2xx is success, all else is tried again with the same id; `type`, `timestamp` (when it happened) and `data` of the
payload.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec

from dni.clock import rfc3339
from dni.outbound import address, payload, reader, signing
from dni.outbound.model import TYPES, VERSION, Answer, Endpoint, Kind, Later, Message, Outgoing, Request, Result, Skip
from dni.outbound.model import plain_result as said

NAME = "webhook"
FORMER_MS, MOST_FORMER = 86_400_000, 3
"""So long a secret is still signed with after it was replaced, and so many of such."""

Role = Literal["staff", "advertiser", "publisher"]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`fields` null: all of a call's message. `role`: the message is as this role reads it in the API."""

    url: Annotated[str, msgspec.Meta(title="Address", description="Where messages are posted to, https:// at best")]
    fields: Annotated[
        list[str] | None, msgspec.Meta(title="Fields", description="What of a call is told; none chosen: all of it")
    ] = None
    role: Annotated[
        Role, msgspec.Meta(title="Told as to", description="Whoever receives it reads what this role may read")
    ] = "staff"

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "url", address.checked(self.url, "/settings/url"))
        if self.fields is not None:
            msgspec.structs.force_setattr(self, "fields", payload.checked(self.fields, "/settings/fields"))


class Former(msgspec.Struct, frozen=True):
    secret: str
    until_ms: int


class Secrets(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`former`: those before it, the newest first, each valid until a time."""

    secret: str
    former: list[Former] = []

    def __post_init__(self) -> None:
        signing.checked(self.secret, "/secrets/secret")


def rotated(old: Secrets, new: str, now_ms: int) -> Secrets:
    former = [Former(old.secret, now_ms + FORMER_MS), *(one for one in old.former if one.until_ms > now_ms)]
    return Secrets(secret=new, former=former[:MOST_FORMER])


def valid(secrets: Secrets, now_ms: int) -> list[str]:
    return [secrets.secret, *(one.secret for one in secrets.former if one.until_ms > now_ms)]


def told(message: Message, settings: Settings) -> dict[str, Any] | None:
    """What is posted. None: there is nothing in it for the role."""
    data: dict[str, Any] | None = message.data
    if settings.role != "staff":
        data = reader.data_for(settings.role, message)
    if data is None:
        return None
    if settings.fields is not None and "call" in data:
        data = payload.chosen(data, settings.fields)
    return {"type": message.type, "timestamp": rfc3339(message.at_ms), "version": VERSION, "data": data}


def _check(endpoint: Endpoint, outgoing: Outgoing, _now_ms: int) -> Skip | Later | None:
    role = endpoint.settings.role
    if role != "staff" and reader.data_for(role, outgoing.message) is None:
        return Skip(f"nothing in it is for the role of {role}, as which this webhook is told")
    return None


def _request(endpoint: Endpoint, outgoing: Sequence[Outgoing], now_ms: int, _token: str | None) -> Request:
    [one] = outgoing
    settings: Settings = endpoint.settings
    body = msgspec.json.encode(told(one.message, settings))
    signed = signing.headers(valid(endpoint.secrets, now_ms), one.message.id, now_ms // 1000, body)
    return Request(url=settings.url, headers={"content-type": "application/json", **signed}, body=body)


def _results(_endpoint: Endpoint, _outgoing: Sequence[Outgoing], answer: Answer) -> list[Result]:
    return [said(answer)]


KIND = Kind(
    name=NAME,
    label="Webhook",
    settings=Settings,
    secrets=Secrets,
    converts=False,
    types=TYPES,
    may_ask=TYPES,
    check=_check,
    request=_request,
    results=_results,
    proven="Checked with the official library of Standard Webhooks (standardwebhooks) as receiver.",
)
