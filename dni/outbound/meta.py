"""Meta (Facebook, Instagram) is told of calls by its Conversions API: one event a call, by whom it knows. Pure.

By Meta's documentation as it stood in September 2026, under
https://developers.facebook.com/documentation/ads-commerce/conversions-api: `using-the-api` (address, body, time, tries
with a test code), `parameters/server-event`, `parameters/customer-information-parameters` (how each is written before
it is hashed), `parameters/fbp-and-fbc`, `parameters/custom-data`, `offline-events` (what is counted once); errors by
https://developers.facebook.com/docs/graph-api/guides/error-handling.

- `action_source` is `phone_call`, which a call is. An event of `website` needs the browser's user agent, which we do
  not keep, so a call can't be told as one: campaigns that optimise for website events do not see it.
- An event is at most 7 days old; Meta's 62 days are for `physical_store` alone. One bad event refuses the whole
  request, and the answer does not say which: so a request has one.
- `event_id` and `order_id` are the call's, so that a repetition counts once.
- Of a phone number: digits alone, with the country's code (E.164 has no zeros in front). Of places: lower case, letters
  alone; a state by its two letters, in the US. The click id is Meta's cookie `_fbc`, else made from the `fbclid` of the
  landing page and when the visit began; neither is ever changed.
- Nothing can be taken back or changed. What a test code marks counts, too; without one nothing is sent as a test.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import quote

import msgspec

from dni.outbound.answered import answered, without
from dni.outbound.conversion import ADDRESS, Told, Value, Visit, read, value_of
from dni.outbound.model import Answer, Endpoint, Kind, Outgoing, Request, Result, Skip, plain_result
from dni.outbound.person import Person, Personal, click_id, hashed, person_of

_MAX_AGE_MS = 7 * 86_400_000
# Their cookies: fb, depth of the domain, when it was made, and the click or a random number; more may follow a dot.
_COOKIE = re.compile(r"fb\.[0-9]\.[0-9]{1,16}\.[!-~]{1,500}", re.ASCII)
# The tag tells no more of a cookie.
_CUT = 256

_TOKEN_CODES = {10, 102, 190}
_WAIT_CODES = {1, 2, 4, 17, 32, 341, 368, 613}


class Settings(Personal, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Beside those of every platform, and of those that know people by phone numbers:

    dataset_id        of the dataset (pixel)
    event             standard event, such as Lead or Purchase, or one of your own
    limited_data_use  US privacy laws: Meta works for you alone with it where a state's law applies
    test_event_code   shows events under "Test events"; Meta counts them all the same
    version           of the Graph API; each is served for two years at least
    base_url          where the events go
    """

    dataset_id: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^[0-9]{5,20}\Z", title="Dataset ID", description="Events Manager, Data sources: the dataset's ID"
        ),
    ]
    event: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^[A-Za-z][A-Za-z0-9_ ]{0,38}[A-Za-z0-9]\Z",
            title="Event",
            description="Lead, Contact, Schedule, Purchase …, or a name of your own",
        ),
    ] = "Lead"
    limited_data_use: Annotated[
        bool,
        msgspec.Meta(title="Limited data use", description="Asks Meta to apply the privacy laws of US states"),
    ] = False
    test_event_code: (
        Annotated[
            str,
            msgspec.Meta(
                pattern=r"^[A-Za-z0-9_-]{1,50}\Z",
                title="Test code",
                description="Events Manager, Test events; only while you try it out: such events count, too",
            ),
        ]
        | None
    ) = None
    version: Annotated[
        str,
        msgspec.Meta(pattern=r"^v[0-9]{1,2}\.[0-9]\Z", title="Version", description="Of the Graph API, such as v25.0"),
    ] = "v25.0"
    base_url: Annotated[
        str,
        ADDRESS,
        msgspec.Meta(title="Address of the service", description="Meta's own, unless a proxy stands before it"),
    ] = "https://graph.facebook.com"


class Secrets(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`access_token`: that of a system user, which does not expire."""

    access_token: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^[!-~]{4,1000}\Z",
            title="Access token",
            description="Events Manager, the dataset, Settings, Conversions API: Generate access token",
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
    body: dict[str, Any] = {"data": [event]}
    if settings.test_event_code:
        body["test_event_code"] = settings.test_event_code
    token = endpoint.secrets.access_token
    quoted = quote(token, safe="")
    return Request(
        url=f"{settings.base_url}/{settings.version}/{settings.dataset_id}/events?access_token={quoted}",
        headers={"content-type": "application/json"},
        body=msgspec.json.encode(body),
        hidden=(token, quoted),
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
        return Skip("the call is more than 7 days old, and Meta takes no older events")
    value = value_of(settings, told)
    if isinstance(value, Skip):
        return value
    if value is None and settings.event == "Purchase":
        return Skip("Meta takes no Purchase without a value: choose where the value comes from, or another event")
    user = _user_data(told, person)
    if not user.keys() & {"ph", "fbc", "fbp"}:
        return Skip(
            "nothing that Meta could know the caller by: he withheld his number, "
            "he did not come by an ad of Meta's, and the page told no cookie _fbp"
        )
    event: dict[str, Any] = {
        "event_name": settings.event,
        "event_time": min(told.at_ms, now_ms) // 1000,
        "event_id": told.call.id,
        "action_source": "phone_call",
        "user_data": user,
        "custom_data": _custom_data(told, value),
    }
    if settings.limited_data_use:
        # 0 and 0: Meta finds out itself which state's law applies.
        event |= {
            "data_processing_options": ["LDU"],
            "data_processing_options_country": 0,
            "data_processing_options_state": 0,
        }
    return event


def _custom_data(told: Told, value: Value | None) -> dict[str, Any]:
    worth = {"value": float(value.amount), "currency": value.currency} if value else {}
    return worth | {"order_id": told.call.id}


def _user_data(told: Told, person: Person) -> dict[str, Any]:
    """Whom Meta may match the caller with; what is not known is left out."""
    found: dict[str, Any] = {}
    if person.caller:
        found["ph"] = [hashed(phone(person.caller))]
    visit = person.visit
    if visit is None:
        return found
    if visit.visitor:
        found["external_id"] = [hashed(visit.visitor)]
    if visit.country and (country := visit.country.lower()).isascii() and country.isalpha() and len(country) == 2:
        found["country"] = [hashed(country)]
    if us_state := _STATE.fullmatch(visit.region or ""):
        found["st"] = [hashed(us_state[1].lower())]
    if visit.city and (town := city(visit.city)):
        found["ct"] = [hashed(town)]
    if fbc := _fbc(told, visit):
        found["fbc"] = fbc
    fbp = visit.id_of("_fbp")
    if isinstance(fbp, str) and _COOKIE.fullmatch(fbp):
        found["fbp"] = fbp
    return found


_STATE = re.compile(r"US-([A-Z]{2})")


def phone(number: str) -> str:
    """16505551212 of +1 (650) 555-1212."""
    return re.sub(r"[^0-9]", "", number)


def city(name: str) -> str:
    """`newyork` of New York: letters of any alphabet stay."""
    return "".join(c for c in name.lower() if c.isalpha())


def _fbc(told: Told, visit: Visit) -> str | None:
    """The cookie unless it holds another click than the visit came by, or may have been cut off."""
    cookie = visit.id_of("_fbc")
    if not isinstance(cookie, str) or len(cookie) >= _CUT or not _COOKIE.fullmatch(cookie):
        cookie = None
    click = click_id(told.call.click_ids.get("fbclid"))
    if click is None or (cookie and f".{click}" in cookie):
        return cookie
    return f"fb.1.{told.visit_ms}.{click}"


class _Error(msgspec.Struct):
    message: str = ""
    code: int = 0
    error_subcode: int = 0
    error_user_msg: str | None = None
    is_transient: bool = False


class _Answered(msgspec.Struct):
    events_received: int = 0
    error: _Error | None = None


# Of the event itself (2804003: too old; 2804050: nobody can be known by it): no other try would be taken.
_OF_THE_EVENT = range(2_804_000, 2_805_000)


def results(endpoint: Endpoint, _outgoing: Sequence[Outgoing], answer: Answer) -> list[Result]:
    plain = plain_result(answer)
    said = answered(answer.body, _Answered) or _Answered()
    if said.error is not None:
        return [_refused(said.error, endpoint.secrets.access_token, plain)]
    if plain.state == "delivered" and said.events_received != 1:
        return [Result("again", "it answered, but not that it received the event: see the answer")]
    return [plain]


def _refused(error: _Error, token: str, plain: Result) -> Result:
    why = without(f"Meta says: {error.error_user_msg or error.message} (code {error.code})", token)
    if error.code in _TOKEN_CODES or 200 <= error.code < 300:
        return Result("again", f"{why}. Enter an access token that may send events to this dataset")
    if error.error_subcode in _OF_THE_EVENT and not error.is_transient:
        return Result("dead", why, failed=False)
    return Result("again", why, max(plain.after_ms, 60_000 if error.code in _WAIT_CODES else 0))


KIND = Kind(
    name="meta",
    label="Meta (Facebook, Instagram)",
    settings=Settings,
    secrets=Secrets,
    converts=True,
    check=check,
    request=request,
    results=results,
    proven=(
        "Requests equal the examples of Meta's documentation of September 2026, field by field, and what Meta's own "
        "package for Python makes of the same call. The live service was not tried."
    ),
)
