"""Plays a carrier: one whole call, signed, to a service that runs. For trying things out without a phone."""

import re
import secrets
from collections.abc import AsyncIterator
from email.utils import formatdate
from urllib.parse import urlencode

import httpx
import msgspec

from dni.catalog.model import Carrier
from dni.telephony import signatures

_DIALLED = re.compile(r"<Number[^>]*>(\+\d+)</Number>")


class Step(msgspec.Struct, frozen=True):
    """What was sent, and what the service answered: TwiML to the first, nothing to the others."""

    name: str
    url: str
    fields: dict[str, str]
    status: int
    answer: str


async def demo_call(
    base_url: str,
    carrier: Carrier,
    to: str,
    from_: str,
    talk_seconds: int,
    *,
    now_ms: int,
    public_url: str | None = None,
) -> AsyncIterator[Step]:
    """A Twilio call from `from_` to `to` (E.164): it rings, is answered after 4 s and ends after `talk_seconds` more.

    Nothing waits: the times told lie ahead of `now_ms`. `public_url` is the service's DNI_PUBLIC_URL, if it has one:
    signatures are made for that. Stops after a step that was refused. Raises httpx.TransportError.
    """
    call, leg = f"CA{secrets.token_hex(16)}", f"CA{secrets.token_hex(16)}"
    answered_ms = now_ms + 4_000
    caller = arrives(carrier, call, from_, to)
    async with httpx.AsyncClient(base_url=base_url, timeout=15, trust_env=False) as client:
        inbound = await _post(client, carrier, public_url or base_url, "inbound", "rings", caller)
        yield inbound
        dialled = _DIALLED.search(inbound.answer)
        if inbound.status != 200 or dialled is None:
            return
        for name, fields in goes_on(caller, leg, dialled[1], answered_ms, talk_seconds):
            step = await _post(client, carrier, public_url or base_url, "status", name, fields)
            yield step
            if step.status >= 300:
                return


def arrives(carrier: Carrier, call: str, from_: str, to: str) -> dict[str, str]:
    """What Twilio tells when it rings."""
    return {
        "CallSid": call,
        "AccountSid": carrier.account_sid,
        "From": from_,
        "To": to,
        "Direction": "inbound",
        "ApiVersion": "2010-04-01",
        "CallStatus": "ringing",
    }


def goes_on(
    caller: dict[str, str], leg: str, dialled: str, answered_ms: int, talk_seconds: int
) -> tuple[tuple[str, dict[str, str]], ...]:
    """What it tells of a call that is answered and talked for so long."""
    ended_ms = answered_ms + 1000 * talk_seconds
    to = {**caller, "CallSid": leg, "ParentCallSid": caller["CallSid"], "To": dialled, "Direction": "outbound-dial"}
    over = {"CallStatus": "completed", "CallDuration": str(talk_seconds)}
    return (
        ("is answered", {**to, "CallStatus": "in-progress", **_told(answered_ms, 1)}),
        ("destination hangs up", {**to, **over, **_told(ended_ms, 2)}),
        ("ends", {**caller, **over, **_told(ended_ms, 3)}),
    )


def _told(at_ms: int, sequence: int) -> dict[str, str]:
    return {"Timestamp": formatdate(at_ms // 1000), "SequenceNumber": str(sequence)}


async def _post(
    client: httpx.AsyncClient, carrier: Carrier, signed_base: str, door: str, name: str, fields: dict[str, str]
) -> Step:
    path = f"/voice/{carrier.kind}/{carrier.id}/{door}"
    signature = signatures.twilio(signed_base.rstrip("/") + path, fields.items(), carrier.auth_token)
    headers = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
    response = await client.post(path, content=urlencode(fields), headers=headers)
    return Step(name, path, fields, response.status_code, response.text)
