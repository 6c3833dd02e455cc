"""TikTok is told of calls by its Events API 2.0: one event a call, by click or by whom it knows. Pure.

By TikTok's documentation as others held it in August 2026 (its own pages can be read in a browser alone):
https://business-api.tiktok.com/portal/docs?id=1771101303285761 (the request), `?id=1771100865818625` (web events, how
to write a phone number), `?id=1771100965992450` (what is counted once); events of offline sets by
https://ads.tiktok.com/help/article/about-events-api-for-offline.

- A web event belongs to a pixel; TikTok knows the caller by the click (`ttclid` of the landing page), its cookie
  (`_ttp`) or the hashed phone number. An offline event belongs to an offline event set, and is known by the phone
  number alone. `crm` needs the lead's id from a TikTok form, which a call does not have.
- A phone number is hashed in E.164, with the plus: +12133734253.
- TikTok credits clicks for at most 28 days, so no older call is sent.
- `event_id` is the call's, so that a repetition within 48 hours counts once.
- The answer is 200 whatever happened: `code` 0 is done, all else is not.
- Nothing can be taken back or changed. Without a test code nothing is sent as a test, since it would count.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec

from dni.outbound.answered import answered, without
from dni.outbound.conversion import ADDRESS, Told, read, value_of
from dni.outbound.model import Answer, Endpoint, Kind, Outgoing, Request, Result, Skip, plain_result
from dni.outbound.person import Person, Personal, click_id, hashed, person_of

_MAX_AGE_MS = 28 * 86_400_000
_COOKIE = re.compile(r"[!-~]{8,255}")
_BOUGHT = {"Purchase", "CompletePayment"}
# "Invalid parameters": about this event, so the endpoint itself may be well.
_BAD_EVENT = 40_002


class Settings(Personal, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Beside those of every platform, and of those that know people by phone numbers:

    event_source      `web`: of a pixel; `offline`: of an offline event set
    event_source_id   the pixel's code, or the set's id
    event             standard event, such as Contact or Purchase, or one of your own
    limited_data_use  US privacy laws: TikTok works for you alone with it where a state's law applies
    test_event_code   shows web events under "Test events"
    base_url          where the events go
    """

    event_source: Annotated[
        Literal["web", "offline"],
        msgspec.Meta(
            title="Events of", description="web: a pixel, which knows clicks; offline: an offline event set, by phone"
        ),
    ] = "web"
    event_source_id: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^[A-Za-z0-9]{5,40}\Z",
            title="Pixel or event set",
            description="Events Manager: the pixel's code, or the ID of the offline event set",
        ),
    ]
    event: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^[A-Za-z][A-Za-z0-9_ -]{0,48}[A-Za-z0-9]\Z",
            title="Event",
            description="Contact, Lead, Schedule, Purchase …, or a name of your own",
        ),
    ] = "Contact"
    limited_data_use: Annotated[
        bool,
        msgspec.Meta(title="Limited data use", description="Asks TikTok to apply the privacy laws of US states"),
    ] = False
    test_event_code: (
        Annotated[
            str,
            msgspec.Meta(
                pattern=r"^[A-Za-z0-9_-]{1,50}\Z",
                title="Test code",
                description="Events Manager, the pixel, Test events; only while you try it out",
            ),
        ]
        | None
    ) = None
    base_url: Annotated[
        str,
        ADDRESS,
        msgspec.Meta(title="Address of the service", description="TikTok's own, unless a proxy stands before it"),
    ] = "https://business-api.tiktok.com"


class Secrets(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`access_token`: of the pixel or event set."""

    access_token: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^[!-~]{4,1000}\Z",
            title="Access token",
            description="Events Manager, the pixel or set, Settings, Events API: Generate access token",
        ),
    ]


def check(endpoint: Endpoint, outgoing: Outgoing, now_ms: int) -> Skip | None:
    made = _event(endpoint.settings, outgoing, now_ms)
    return made if isinstance(made, Skip) else None


def request(endpoint: Endpoint, outgoing: Sequence[Outgoing], now_ms: int, _token: str | None) -> Request:
    settings: Settings = endpoint.settings
    event = _event(settings, outgoing[0], now_ms)
    if isinstance(event, Skip):
        raise ValueError(f"what `check` refuses is not sent: {event.why}")
    body: dict[str, Any] = {"event_source": settings.event_source, "event_source_id": settings.event_source_id}
    if settings.test_event_code:
        body["test_event_code"] = settings.test_event_code
    token = endpoint.secrets.access_token
    return Request(
        url=f"{settings.base_url}/open_api/v1.3/event/track/",
        headers={"content-type": "application/json", "access-token": token},
        body=msgspec.json.encode(body | {"data": [event]}),
        hidden=(token,),
    )


def _event(settings: Settings, outgoing: Outgoing, now_ms: int) -> dict[str, Any] | Skip:
    if outgoing.message.type == "test" and settings.test_event_code is None:
        return Skip("a test would count as an event: set a test code first (Events Manager, Test events)")
    told = read(outgoing)
    if isinstance(told, Skip):
        return told
    person = person_of(settings, told)
    if isinstance(person, Skip):
        return person
    if now_ms - told.at_ms > _MAX_AGE_MS:
        return Skip("the call is more than 28 days old, and TikTok credits no older events")
    value = value_of(settings, told)
    if isinstance(value, Skip):
        return value
    if value is None and settings.event in _BOUGHT:
        why = f"TikTok takes no {settings.event} without a value"
        return Skip(f"{why}: choose where the value comes from, or another event")
    user = _user(settings, told, person)
    if isinstance(user, Skip):
        return user
    event: dict[str, Any] = {
        "event": settings.event,
        "event_time": min(told.at_ms, now_ms) // 1000,
        "event_id": told.call.id,
        "user": user,
        "properties": ({"value": float(value.amount), "currency": value.currency} if value else {})
        | {"order_id": told.call.id},
    }
    if settings.event_source == "web" and person.visit and told.call.landing_page:
        event["page"] = {"url": told.call.landing_page}
    if settings.limited_data_use:
        event["limited_data_use"] = True
    return event


def _user(settings: Settings, told: Told, person: Person) -> dict[str, str] | Skip:
    found: dict[str, str] = {}
    if person.visit and settings.event_source == "web":
        if click := click_id(told.call.click_ids.get("ttclid")):
            found["ttclid"] = click
        cookie = person.visit.id_of("_ttp")
        if isinstance(cookie, str) and _COOKIE.fullmatch(cookie):
            found["ttp"] = cookie
    if person.caller:
        found["phone"] = hashed(person.caller)
    if not found:
        return Skip(
            "an offline event is known by the phone number alone, and the caller withheld it"
            if settings.event_source == "offline"
            else "nothing that TikTok could know the caller by: he withheld his number, "
            "he did not come by an ad of TikTok's, and the page told no cookie _ttp"
        )
    if person.visit and person.visit.visitor:
        found["external_id"] = hashed(person.visit.visitor)
    return found


class _Answered(msgspec.Struct):
    code: int
    message: str = ""


def results(endpoint: Endpoint, _outgoing: Sequence[Outgoing], answer: Answer) -> list[Result]:
    plain = plain_result(answer)
    said = answered(answer.body, _Answered)
    if said is None and plain.state == "delivered":
        return [Result("again", "it answered, but not as TikTok does: see its address")]
    if said is None or said.code == 0:
        return [plain]
    why = without(f"TikTok says: {said.message} (code {said.code})", endpoint.secrets.access_token)
    return [Result("again", why, plain.after_ms, failed=said.code != _BAD_EVENT)]


KIND = Kind(
    name="tiktok",
    label="TikTok",
    settings=Settings,
    secrets=Secrets,
    converts=True,
    check=check,
    request=request,
    results=results,
    proven=(
        "Requests equal the examples of TikTok's documentation as others held it in August 2026, field by field. "
        "The live service was not tried, and TikTok publishes no package that could say whether they are right."
    ),
)
