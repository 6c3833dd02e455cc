"""Google Analytics 4 is told of calls by its Measurement Protocol: an event of the visit that led to the call. Pure.

By Google's documentation as it stood in September 2026, under
https://developers.google.com/analytics/devguides/collection/protocol/ga4: `reference` (address, body, consent, reserved
names), `sending-events` (limits, time of an event), `use-cases` (what an event needs to be credited), and
`validating-events` (the server that only checks); which names of events are taken on the web says
https://support.google.com/analytics/answer/13316687.

- An event is of a client, by the id in its cookie `_ga`. Google must know the client from the page: the event gets its
  place, device and source from there.
- An event is at most 72 hours old. An older one would be counted as of 72 hours ago, so it is not sent.
- It is credited to the source of the session if it names the session, is sent within 24 hours of the session's start,
  and happened before the session's end (by default 30 minutes without activity; we cannot know it). Later it names no
  session: that would count one whose source nobody knows. The visitor's first source, and Google Ads, still get it.
- Parameters named source, medium or campaign would make it a new source, so ours are named otherwise. A caller's number
  is never sent: Google forbids it.
- The answer is 2xx whatever is wrong with the event. Only the server that checks says what is, but for the secret.
- An event cannot be taken back (`refund` is for `purchase` alone, and of another moment), so changes are not sent. The
  same event sent twice, because an answer was lost, counts twice.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal
from urllib.parse import quote

import msgspec

from dni.errors import InvalidField
from dni.outbound.answered import answered, without
from dni.outbound.conversion import ADDRESS, Told, Valued, Visit, read, value_of, visit_of
from dni.outbound.model import Answer, Endpoint, Kind, Outgoing, Request, Result, Skip, plain_result

_MAX_AGE_MS = 72 * 3_600_000
_SESSION_MS = 24 * 3_600_000
# A session's id is its start by the browser's clock.
_CLOCKS_MS = 600_000
_MAX_LENGTH = 100

_RESERVED = {
    *("ad_activeview", "ad_click", "ad_exposure", "ad_impression", "ad_query", "ad_reward", "adunit_exposure"),
    *(
        "app_clear_data",
        "app_exception",
        "app_install",
        "app_remove",
        "app_store_refund",
        "app_store_subscription_cancel",
    ),
    *("app_store_subscription_renew", "app_update", "app_upgrade", "click", "dynamic_link_app_open"),
    *("dynamic_link_app_update", "dynamic_link_first_open", "error", "file_download", "firebase_campaign"),
    *("firebase_in_app_message_action", "firebase_in_app_message_dismiss", "firebase_in_app_message_impression"),
    *("first_open", "first_visit", "form_start", "form_submit", "in_app_purchase", "notification_dismiss"),
    *("notification_foreground", "notification_open", "notification_receive", "notification_send", "os_update"),
    *("page_view", "screen_view", "scroll", "session_start", "user_engagement", "video_progress", "video_start"),
    *("view_complete", "view_search_results"),
}
_RESERVED_STARTS = ("firebase_", "ga_", "google_", "query_id")

_Consent = Literal["page", "granted", "denied"]
_CLIENT = re.compile(r"[!-~]{1,100}")
_SESSION = re.compile(r"[0-9]{1,12}", re.ASCII)


class Settings(Valued, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Beside those of every platform:

    measurement_id      of the web stream, `G-…`
    event               the event's name
    ad_user_data        whether Google may use the event for ads. `page`: as the page's own consent mode told Google
    ad_personalization  whether it may make ads personal by it; likewise
    validate_only       send to the server that checks: nothing is counted, and its messages are the answer
    base_url            where the events go; `https://region1.google-analytics.com` is in the EU
    """

    measurement_id: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^G-[A-Z0-9]{4,20}\Z",
            title="Measurement ID",
            description="Google Analytics, Admin, Data streams: the stream's, such as G-A1B2C3D4E5",
        ),
    ]
    event: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^[A-Za-z][A-Za-z0-9_]{0,39}\Z",
            title="Name of the event",
            description="Letters, digits and _; mark it as a key event in Google Analytics",
        ),
    ] = "phone_call"
    ad_user_data: Annotated[
        _Consent,
        msgspec.Meta(
            title="May be used for ads", description="page: as the page's own consent mode told Google of the visitor"
        ),
    ] = "page"
    ad_personalization: Annotated[
        _Consent,
        msgspec.Meta(
            title="May make ads personal", description="page: as the page's own consent mode told Google of the visitor"
        ),
    ] = "page"
    validate_only: Annotated[
        bool,
        msgspec.Meta(title="Only check", description="Google's checking server says what is wrong; nothing is counted"),
    ] = False
    base_url: Annotated[
        str,
        ADDRESS,
        msgspec.Meta(title="Address of the service", description="In the EU: https://region1.google-analytics.com"),
    ] = "https://www.google-analytics.com"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.event in _RESERVED or self.event.startswith(_RESERVED_STARTS):
            raise InvalidField("/settings/event", f"Google keeps the name {self.event} for itself: choose another one")


class Secrets(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`api_secret`: of the stream's Measurement Protocol."""

    api_secret: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^[!-~]{4,200}\Z",
            title="API secret",
            description="Admin, Data streams, the stream, Measurement Protocol API secrets",
        ),
    ]


def check(endpoint: Endpoint, outgoing: Outgoing, now_ms: int) -> Skip | None:
    made = _event(endpoint, outgoing, now_ms)
    return made if isinstance(made, Skip) else None


def request(endpoint: Endpoint, outgoing: Sequence[Outgoing], now_ms: int, _token: str | None) -> Request:
    body = _event(endpoint, outgoing[0], now_ms)
    if isinstance(body, Skip):
        raise ValueError(f"what `check` refuses is not sent: {body.why}")
    settings: Settings = endpoint.settings
    secret = endpoint.secrets.api_secret
    quoted = quote(secret, safe="")
    path = "/debug/mp/collect" if _is_checked_only(endpoint, outgoing[0]) else "/mp/collect"
    return Request(
        url=f"{settings.base_url}{path}?measurement_id={settings.measurement_id}&api_secret={quoted}",
        headers={"content-type": "application/json"},
        body=msgspec.json.encode(body),
        hidden=(secret, quoted),
    )


def _is_checked_only(endpoint: Endpoint, outgoing: Outgoing) -> bool:
    """A test too: an event of it would be of a call that was told, or never was."""
    return endpoint.settings.validate_only or outgoing.message.type == "test"


def _event(endpoint: Endpoint, outgoing: Outgoing, now_ms: int) -> dict[str, Any] | Skip:
    settings: Settings = endpoint.settings
    told = read(outgoing)
    if isinstance(told, Skip):
        return told
    visit = visit_of(settings, told)
    if isinstance(visit, Skip):
        return visit
    client = visit.id_of("ga")
    if not isinstance(client, str) or not _CLIENT.fullmatch(client):
        return Skip(
            "the page told no GA client id: Google Analytics must run on the page of the tag, "
            "and the visitor must have consented before the call, so that the tag reads its cookie _ga"
        )
    if now_ms - told.at_ms > _MAX_AGE_MS:
        return Skip("the call is more than 72 hours old, and Google Analytics takes no older events")
    value = value_of(settings, told)
    if isinstance(value, Skip):
        return value
    params: dict[str, Any] = {}
    session = visit.id_of("ga_session")
    if _of_session(session, told.at_ms, now_ms):
        params["session_id"] = session
    # Google wants some time of engagement to show the event in its live report; the call's is not the page's.
    params["engagement_time_msec"] = 1
    if value is not None:
        params |= {"value": float(value.amount), "currency": value.currency}
    params |= {"transaction_id": told.call.id} | _about(told, visit)
    body: dict[str, Any] = {"client_id": client, "timestamp_micros": min(told.at_ms, now_ms) * 1000}
    if consent := _consent(settings):
        body["consent"] = consent
    if _is_checked_only(endpoint, outgoing):
        body["validation_behavior"] = "ENFORCE_RECOMMENDATIONS"
    return body | {"events": [{"name": settings.event, "params": params}]}


def _of_session(session: object, at_ms: int, now_ms: int) -> bool:
    """Whether the event may name the session, whose id is its start in seconds."""
    if not isinstance(session, str) or not _SESSION.fullmatch(session):
        return False
    began_ms = int(session) * 1000
    return began_ms - _CLOCKS_MS <= at_ms and now_ms <= began_ms + _SESSION_MS


def _about(told: Told, visit: Visit) -> dict[str, Any]:
    """Custom parameters: dimensions and metrics that can be made of them in Google Analytics."""
    found: dict[str, Any] = {
        "talk_seconds": told.call.talk_seconds,
        "call_campaign": told.campaign.name if told.campaign else None,
        "call_publisher": told.publisher.name if told.publisher else None,
        "tracking_number": told.call.tracking_number,
    }
    return {
        name: value[:_MAX_LENGTH] if isinstance(value, str) else value
        for name, value in found.items()
        if value is not None
    }


def _consent(settings: Settings) -> dict[str, str]:
    told = {"ad_user_data": settings.ad_user_data, "ad_personalization": settings.ad_personalization}
    return {name: value.upper() for name, value in told.items() if value != "page"}


class _Message(msgspec.Struct, rename="camel"):
    description: str = ""
    field_path: str = ""


class _Checked(msgspec.Struct, rename="camel"):
    validation_messages: list[_Message] = []


def results(endpoint: Endpoint, outgoing: Sequence[Outgoing], answer: Answer) -> list[Result]:
    result = plain_result(answer)
    if result.state != "delivered" or not _is_checked_only(endpoint, outgoing[0]):
        return [result]
    checked = answered(answer.body, _Checked)
    if checked is None:
        return [Result("again", "it answered, but not as Google's checking server does: see its address")]
    if found := checked.validation_messages:
        said = "; ".join(f"{one.field_path}: {one.description}".removeprefix(": ") for one in found)
        why = without(f"Google's checking server says: {said}", endpoint.secrets.api_secret)
        return [Result("dead", why, failed=False)]
    return [result]


KIND = Kind(
    name="ga4",
    label="Google Analytics 4",
    settings=Settings,
    secrets=Secrets,
    converts=True,
    check=check,
    request=request,
    results=results,
    proven=(
        "Requests equal the examples of Google's documentation of September 2026, field by field. The live service was "
        "not tried. It answers 204 whatever is wrong with an event, so delivered means that it arrived, not that it "
        "counts: look into its live report, or send to its checking server first."
    ),
)
