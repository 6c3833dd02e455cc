"""A postback: an address, or an address and a body, with macros in it, that is called once a call. Pure.

The first message that the endpoint asks for makes it. What changes of the call afterwards is told where there is an
address for corrections; else the delivery says that it was not.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec

from dni.errors import InvalidField
from dni.outbound import templates
from dni.outbound.macros import Facts, facts_of
from dni.outbound.model import Answer, Endpoint, Kind, Later, Outgoing, Request, Result, Skip
from dni.outbound.presets import Platform, judged

ContentType = Literal["application/x-www-form-urlencoded", "application/json"]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    url           what is called: an absolute address with macros (docs/postbacks.md)
    method        `GET`, or `POST`, which may have a body
    body          of a POST: a form (`a={x}&b={y}`) or JSON (`{"a": "{x}"}`) with macros
    content_type  of the body
    platform      whose answers these are: some say in the body that they refuse
    adjust_url    what is called when a call changed that was told before; empty: changes are not told
    adjust_body   the body of that
    """

    url: Annotated[
        str, msgspec.Meta(title="Address", description="With macros, such as …/postback?id={sub1!}&payout={payout}")
    ]
    method: Annotated[Literal["GET", "POST"], msgspec.Meta(title="Method")] = "GET"
    body: Annotated[
        str, msgspec.Meta(title="Body", description='Of a POST: a=x&b=y, or JSON such as {"id": "{call_id}"}')
    ] = ""
    content_type: Annotated[ContentType, msgspec.Meta(title="The body is", description="A form or JSON")] = (
        "application/x-www-form-urlencoded"
    )
    platform: Annotated[
        Platform, msgspec.Meta(title="Platform", description="Whose answers are read: some refuse in the body")
    ] = "other"
    adjust_url: Annotated[
        str,
        msgspec.Meta(title="Address for corrections", description="Called when a told call changes; empty: not told"),
    ] = ""
    adjust_body: Annotated[
        str, msgspec.Meta(title="Body for corrections", description="Of a POST, as the body above")
    ] = ""

    def __post_init__(self) -> None:
        templates.url(self.url, "/settings/url")
        if self.adjust_url:
            templates.url(self.adjust_url, "/settings/adjust_url")
        for name, body in (("body", self.body), ("adjust_body", self.adjust_body)):
            path = f"/settings/{name}"
            if body and self.method == "GET":
                raise InvalidField(path, "a GET has no body: choose POST, or leave it empty")
            _body(self, body, path)
        if self.adjust_body and not self.adjust_url:
            raise InvalidField("/settings/adjust_url", "a body for corrections needs an address for them")


class Secrets(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    token   what stands for `{secret}` in the templates; shown nowhere
    """

    token: Annotated[
        str, msgspec.Meta(title="Token", description="Stands for {secret} in address and body", max_length=2_000)
    ] = ""


def _body(settings: Settings, body: str, path: str = "") -> templates.Template | templates.Json | None:
    if not body.strip():
        return None
    return templates.json(body, path) if settings.content_type == "application/json" else templates.form(body, path)


def _templates(
    endpoint: Endpoint, outgoing: Outgoing
) -> tuple[templates.Template, templates.Template | templates.Json | None]:
    """Of a message that is told: `check` sees to it that there are some."""
    settings: Settings = endpoint.settings
    if outgoing.action == "adjust":
        return templates.url(settings.adjust_url), _body(settings, settings.adjust_body)
    return templates.url(settings.url), _body(settings, settings.body)


def _facts(endpoint: Endpoint, outgoing: Outgoing) -> Facts:
    return facts_of(outgoing.message, endpoint.secrets.token)


def _check(endpoint: Endpoint, outgoing: Outgoing, now_ms: int) -> Skip | Later | None:
    if outgoing.action == "adjust" and not endpoint.settings.adjust_url:
        return Skip("the call was told before, and no address for corrections is set: what changed is not told")
    address, body = _templates(endpoint, outgoing)
    facts = _facts(endpoint, outgoing)
    why = templates.missing(address.uses + (body.uses if body else []), facts)
    if why is None and templates.filled_url(address, facts) is None:
        why = "a value in the address's path is . or .., which would make it another address"
    return Skip(why) if why else None


def _request(endpoint: Endpoint, batch: Sequence[Outgoing], now_ms: int, token: str | None) -> Request:
    (outgoing,) = batch
    settings: Settings = endpoint.settings
    address, body = _templates(endpoint, outgoing)
    facts = _facts(endpoint, outgoing)
    sent = b""
    if body is not None:
        sent = (
            templates.filled_json(body, facts)
            if isinstance(body, templates.Json)
            else templates.filled_form(body, facts)
        )
    return Request(
        url=templates.filled_url(address, facts) or "",
        method=settings.method,
        headers={"content-type": settings.content_type} if sent else {},
        body=sent,
        hidden=templates.hidden(endpoint.secrets.token),
    )


def _results(endpoint: Endpoint, batch: Sequence[Outgoing], answer: Answer) -> list[Result]:
    settings: Settings = endpoint.settings
    return [judged(settings.platform, answer, outgoing.attempts) for outgoing in batch]


KIND = Kind(
    name="postback",
    label="Postback",
    settings=Settings,
    secrets=Secrets,
    converts=True,
    adjusts=True,
    check=_check,
    request=_request,
    results=_results,
    proven="Addresses of TUNE, CAKE, Everflow, Voluum and RedTrack as their documentation shows them; the answers of "
    "TUNE as documented. None could be tried against the live service.",
)
