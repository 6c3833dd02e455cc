"""HubSpot: each call writes a record, found by a property whose values are unique. Pure.

By HubSpot's documentation and its published OpenAPI documents as they stood in November 2026:

- https://developers.hubspot.com/docs/api-reference/2026-03/crm/objects/contacts/batch/upsert-contacts, and the same of
  calls and of every other object: `POST /crm/objects/2026-03/{object}/batch/upsert` creates or changes the record that
  `idProperty` finds. Properties are texts. A property that does not exist is an error. The answer is 200, or 207 with
  `errors`.
- https://developers.hubspot.com/docs/api/crm/calls: the properties of a call; `hs_timestamp` is required.
- https://developers.hubspot.com/docs/api-reference/error-handling: an error's `message`, which may be missing, as all
  of its fields.

A contact's phone is not unique in HubSpot, so it cannot be what a contact is found by: that is a property of one's own
(docs/crm.md). An upsert takes no associations, so a call that is written is nobody's until HubSpot's user, or a
workflow of theirs, says whose it is; a contact that is written has no call. It could not be tried against the live
service.
"""

import re
from collections.abc import Sequence
from typing import Annotated

import msgspec

from dni.errors import InvalidField
from dni.outbound import address, mapping
from dni.outbound.answered import answered
from dni.outbound.model import Answer, Endpoint, Kind, Outgoing, Request, Result, Skip, plain_result

CONTACT: dict[str, str] = {"phone": "{caller}"}
CALL: dict[str, str] = {
    "hs_timestamp": "{started_ms}",
    "hs_call_title": "Call from {source|an unknown source}",
    "hs_call_body": "{campaign.name} · {medium} · {campaign_name} · {keyword}",
    "hs_call_direction": "INBOUND",
    "hs_call_from_number": "{caller}",
    "hs_call_to_number": "{tracking_number}",
    "hs_call_duration": "{talk_ms}",
    "hs_call_recording_url": "{recording_url}",
}
"""What HubSpot's own properties of a contact and of a call are made of."""

_PROPERTY = re.compile(r"[a-z][a-z0-9_]{0,99}")


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    object       what is written: `contacts`, `calls`, or another object by its name in HubSpot's API
    id_property  the property that a record is found by; its values are unique
    id           what its value is made of
    fields       of which macros each property is made
    base_url     where HubSpot's API is
    version      of that API
    """

    object: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^[A-Za-z0-9_-]{1,60}\Z", title="Object", description="contacts, calls, or another object's name"
        ),
    ] = "contacts"
    id_property: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^[a-z][a-z0-9_]{0,99}\Z",
            title="Property that finds the record",
            description="Make it in HubSpot first, as a text whose values are unique",
        ),
    ] = "dni_caller"
    id: Annotated[str, msgspec.Meta(title="Its value", description="{caller!} for contacts, {call_id} for calls")] = (
        "{caller!}"
    )
    fields: Annotated[
        dict[str, str],
        msgspec.Meta(title="Properties", description="Each with its macros, such as phone = {caller}"),
    ] = msgspec.field(default_factory=CONTACT.copy)
    base_url: Annotated[str, msgspec.Meta(title="Address of the service", description="HubSpot's API")] = (
        "https://api.hubapi.com"
    )
    version: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^20[0-9]{2}-[0-9]{2}\Z", title="Version", description="Of HubSpot's API, such as 2026-03"
        ),
    ] = "2026-03"

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "base_url", address.base(self.base_url, "/settings/base_url"))
        mapping.checked_id(self.id, "/settings/id")
        mapping.checked(self.fields, _PROPERTY, "hs_call_title")
        if self.object == "calls" and "hs_timestamp" not in self.fields:
            raise InvalidField("/settings/fields", "HubSpot wants hs_timestamp of a call, such as {started_ms}")


class Secrets(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    token   of a private app that may write the object
    """

    token: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^[!-~]{10,500}\Z",
            title="Access token",
            description="Of a private app with crm.objects.contacts.write, such as pat-na1-…",
        ),
    ]


class _Error(msgspec.Struct, frozen=True):
    message: str | None = None
    errors: list["_Error"] = []


def _check(endpoint: Endpoint, outgoing: Outgoing, _now_ms: int) -> Skip | None:
    settings: Settings = endpoint.settings
    why = mapping.missing(settings.fields, settings.id, outgoing.message)
    return Skip(why) if why else None


def _request(endpoint: Endpoint, batch: Sequence[Outgoing], _now_ms: int, _token: str | None) -> Request:
    settings: Settings = endpoint.settings
    inputs = [
        {
            "idProperty": settings.id_property,
            "id": mapping.mark(settings.id, outgoing.message),
            "properties": mapping.texts(settings.fields, outgoing.message),
        }
        for outgoing in batch
    ]
    return Request(
        url=f"{settings.base_url}/crm/objects/{settings.version}/{settings.object}/batch/upsert",
        headers={"authorization": f"Bearer {endpoint.secrets.token}", "content-type": "application/json"},
        body=msgspec.json.encode({"inputs": inputs}),
    )


def _results(_endpoint: Endpoint, batch: Sequence[Outgoing], answer: Answer) -> list[Result]:
    return [_result(answer)] * len(batch)


def _result(answer: Answer) -> Result:
    plain = plain_result(answer)
    told = answered(answer.body, _Error) or _Error()
    if plain.state == "delivered":
        return _refused(told.errors[0]) if told.errors else plain
    said = _said(told)
    if answer.status in (401, 403):
        return Result("again", f"HubSpot does not let the access token do this: {said or answer.status}")
    if answer.status in (400, 413, 414, 415):
        return _refused(told)
    return Result("again", f"{plain.why}: {said}" if said else plain.why, plain.after_ms, failed=answer.status != 409)


def _refused(error: _Error) -> Result:
    return Result("dead", f"HubSpot refused it: {_said(error) or 'it did not say why'}", failed=False)


def _said(error: _Error) -> str:
    own = error.message or ""
    more = (each.message or "" for each in error.errors)
    return " · ".join(text for text in (own, *(each for each in more if each not in own)) if text)[:500]


KIND = Kind(
    name="hubspot",
    label="HubSpot",
    settings=Settings,
    secrets=Secrets,
    converts=False,
    types=("call.completed", "call.qualified", "call.corrected", "outcome.recorded"),
    check=_check,
    request=_request,
    results=_results,
    proven="Requests and answers by HubSpot's published OpenAPI documents (2026-03). It could not be tried against the "
    "live service.",
)
