"""Salesforce: each call writes a record, found by an external id. Pure.

By Salesforce's documentation as it stood in November 2026:

- https://developer.salesforce.com/docs/platform/api-rest/guide/dome-upsert.html: `PATCH` of
  `/services/data/vXX.0/sobjects/{object}/{field}/{value}` creates the record (201) or changes it (200, 204). Several
  that have the value are 300, and nothing is done. The field itself must not stand in the body.
- https://developer.salesforce.com/docs/platform/api-rest/guide/errorcodes.html: an error is a list of `message`,
  `errorCode` and `fields`; 401 is a token that is over, 403 with REQUEST_LIMIT_EXCEEDED a limit that is reached.
- https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_client_credentials_flow.htm: the access token
  of an app is had at the company's own domain, as the user that the app runs as.

It could not be tried against the live service.
"""

import re
from collections.abc import Sequence
from typing import Annotated
from urllib.parse import quote

import msgspec

from dni.errors import InvalidField
from dni.outbound import address, mapping
from dni.outbound.answered import answered
from dni.outbound.model import Answer, Endpoint, Grant, Kind, Outgoing, Request, Result, Skip, plain_result

LEAD: dict[str, str] = {
    "LastName": "{caller_national|Unknown caller}",
    "Company": "Unknown",
    "Phone": "{caller}",
    "LeadSource": "Phone call",
    "Description": "{campaign.name}: {source} {medium} {campaign_name} {keyword}",
}
"""What Salesforce's own fields of a lead are made of; the first two are required."""

_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")
_REQUIRED = {"Lead": ("LastName", "Company"), "Contact": ("LastName",), "Account": ("Name",)}
# Of a moment, whatever the status is.
_PASSING = {
    *("UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED", "REQUEST_RUNNING_TOO_LONG"),
    *("QUERY_TIMEOUT", "INVALID_SESSION_ID"),
}


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    base_url           the company's own domain
    client_id          of the app that may use the API, by the client credentials flow
    object             what is written, by its name in Salesforce's API
    external_id_field  the field that a record is found by; it is marked as an external id, and unique
    external_id        what its value is made of
    fields             of which macros each field is made
    version            of Salesforce's API
    """

    base_url: Annotated[
        str, msgspec.Meta(title="My Domain", description="Such as https://yourcompany.my.salesforce.com")
    ]
    client_id: Annotated[
        str,
        msgspec.Meta(pattern=r"^[!-~]{10,300}\Z", title="Consumer key", description="Of the app in Salesforce"),
    ]
    object: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^[A-Za-z][A-Za-z0-9_]{0,79}\Z",
            title="Object",
            description="Lead, Contact, or one of your own: Call__c",
        ),
    ] = "Lead"
    external_id_field: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^[A-Za-z][A-Za-z0-9_]{0,79}\Z",
            title="Field that finds the record",
            description="Make it in Salesforce first, as an external id that is unique",
        ),
    ] = "DNI_Call_ID__c"
    external_id: Annotated[
        str, msgspec.Meta(title="Its value", description="{call_id}: a record a call; {caller_digits!}: one a caller")
    ] = "{call_id}"
    fields: Annotated[
        dict[str, str], msgspec.Meta(title="Fields", description="Each with its macros, such as Phone = {caller}")
    ] = msgspec.field(default_factory=LEAD.copy)
    version: Annotated[
        str,
        msgspec.Meta(pattern=r"^[0-9]{2,3}\.0\Z", title="Version", description="Of Salesforce's API, such as 66.0"),
    ] = "66.0"

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "base_url", address.base(self.base_url, "/settings/base_url"))
        mapping.checked_id(self.external_id, "/settings/external_id")
        mapping.checked(self.fields, _FIELD, "LastName")
        for name in _REQUIRED.get(self.object, ()):
            if name not in self.fields:
                raise InvalidField("/settings/fields", f"Salesforce requires {name} of a {self.object}")
        if self.external_id_field in self.fields:
            path = f"/settings/fields/{self.external_id_field}"
            raise InvalidField(path, "the record is found by it, so it is not written: leave it out")


class Secrets(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    client_secret   of the app
    """

    client_secret: Annotated[
        str,
        msgspec.Meta(pattern=r"^[!-~]{10,300}\Z", title="Consumer secret", description="Of the app in Salesforce"),
    ]


class _Error(msgspec.Struct, frozen=True):
    message: str | None = None
    errorCode: str | None = None  # noqa: N815


def _check(endpoint: Endpoint, outgoing: Outgoing, _now_ms: int) -> Skip | None:
    settings: Settings = endpoint.settings
    why = mapping.missing(settings.fields, settings.external_id, outgoing.message)
    if why is None and mapping.mark(settings.external_id, outgoing.message) in (".", ".."):
        why = "what the record is found by is . or .., which would make the address another one"
    return Skip(why) if why else None


def _request(endpoint: Endpoint, batch: Sequence[Outgoing], _now_ms: int, token: str | None) -> Request:
    (outgoing,) = batch
    settings: Settings = endpoint.settings
    record = quote(mapping.mark(settings.external_id, outgoing.message), safe="")
    at = f"/services/data/v{settings.version}/sobjects/{settings.object}/{settings.external_id_field}/{record}"
    return Request(
        url=settings.base_url + at,
        method="PATCH",
        headers={"authorization": f"Bearer {token}", "content-type": "application/json"},
        body=msgspec.json.encode(mapping.values(settings.fields, outgoing.message)),
    )


def _results(_endpoint: Endpoint, batch: Sequence[Outgoing], answer: Answer) -> list[Result]:
    return [_result(answer)] * len(batch)


def _result(answer: Answer) -> Result:
    plain = plain_result(answer)
    if plain.state == "delivered":
        return plain
    if answer.status == 300:
        return Result(
            "dead", "several records in Salesforce have this external id: make its field unique", failed=False
        )
    errors = _errors(answer.body)
    said = " · ".join(f"{each.message} ({each.errorCode})" for each in errors if each.message)[:500]
    why = f"Salesforce says: {said}" if said else plain.why
    if any(each.errorCode in _PASSING for each in errors):
        return Result("again", why, plain.after_ms, failed=answer.status != 400)
    if answer.status == 400:
        return Result("dead", why, failed=False)
    return Result("again", why, plain.after_ms)


def _errors(body: bytes) -> list[_Error]:
    found = answered(body, list[_Error])
    one = None if found else answered(body, _Error)
    return found or ([one] if one else [])


def _grant(endpoint: Endpoint) -> Grant:
    settings: Settings = endpoint.settings
    form = {"grant_type": "client_credentials", "client_id": settings.client_id}
    form["client_secret"] = endpoint.secrets.client_secret
    return Grant(f"{settings.base_url}/services/oauth2/token", form)


KIND = Kind(
    name="salesforce",
    label="Salesforce",
    settings=Settings,
    secrets=Secrets,
    converts=False,
    types=("call.completed", "call.qualified", "call.corrected", "outcome.recorded"),
    check=_check,
    request=_request,
    results=_results,
    grant=_grant,
    proven="Requests, answers and errors as Salesforce's documentation shows them. It could not be tried against the "
    "live service.",
)
