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
# What the carrier asks when this is done: the act and its query, behind the account's address.
_NEXT = re.compile(r'<(Gather|Dial|Record)[^>]* action="[^"]*/(step[^"]*)"')
_RECORDING = "https://recordings.example/demo"


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
    keys: str = "",
    unanswered: int = 0,
) -> AsyncIterator[Step]:
    """A Twilio call from `from_` to `to` (E.164): it rings, is answered after 4 s and ends after `talk_seconds` more.

    In menus the caller presses `keys`, one in each, then nothing; the first `unanswered` phones that ring are not
    picked up. Nothing waits: the times told lie ahead of `now_ms`. `public_url` is the service's DNI_PUBLIC_URL, if it
    has one: signatures are made for that. Stops after a step that was refused. Raises httpx.TransportError.
    """
    call = f"CA{secrets.token_hex(16)}"
    caller = arrives(carrier, call, from_, to)
    async with httpx.AsyncClient(base_url=base_url, timeout=15, trust_env=False) as client:

        async def tell(door: str, name: str, fields: dict[str, str]) -> Step:
            return await _post(client, carrier, public_url or base_url, door, name, fields)

        step = await tell("inbound", "rings", caller)
        yield step
        while step.status == 200:
            now_ms += 4_000
            dialled, asks = _DIALLED.search(step.answer), _NEXT.search(step.answer)
            following = asks[2].replace("&amp;", "&") if asks else None
            if dialled is not None:
                leg = f"CA{secrets.token_hex(16)}"
                is_missed = unanswered > 0
                unanswered -= is_missed
                told = goes_on(caller, leg, dialled[1], now_ms, talk_seconds)
                over = {"DialCallSid": leg, "DialCallStatus": "completed", "DialCallDuration": str(talk_seconds)}
                if is_missed:
                    missed = {"CallStatus": "no-answer", "CallDuration": "0"}
                    told = (("nobody picks up", told[0][1] | missed), ("ends", told[2][1] | missed))
                    over |= {"DialCallStatus": "no-answer", "DialCallDuration": "0"}
                *legs, end = told
                for name, fields in legs:
                    step = await tell("status", name, fields)
                    yield step
                    if step.status >= 300:
                        return
                if following is not None:
                    step = await tell(following, "asks what is next", {**caller, "CallStatus": "in-progress", **over})
                    yield step
                    if is_missed or step.status >= 300:
                        continue
            elif asks is not None and asks[1] == "Gather":
                pressed, keys = keys[:1], keys[1:]
                name = f"presses {pressed}" if pressed else "presses nothing"
                step = await tell(str(following), name, {**caller, "CallStatus": "in-progress", "Digits": pressed})
                yield step
                continue
            else:
                if asks is not None:
                    message = {"RecordingUrl": _RECORDING, "RecordingSid": f"RE{call[2:]}", "RecordingDuration": "9"}
                    step = await tell(str(following), "leaves a message", {**caller, **message})
                    yield step
                elif "<Reject" in step.answer:
                    return
                over = {"CallStatus": "completed", "CallDuration": "9", **_told(now_ms + 9_000, 3)}
                end = ("ends", {**caller, **over})
            yield await tell("status", *end)
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
