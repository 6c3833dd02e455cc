"""What a macro of a template stands for: `{sub1}`, `{payout}`, `{custom.plan}`. Pure.

Every field of a call's message has a name here; docs/postbacks.md lists them for people. How they are written in a
template is told in `templates.py`.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Literal

import msgspec

from dni.clock import from_rfc3339, rfc3339
from dni.money import Money
from dni.outbound.model import Message
from dni.phone import national
from dni.session.click_ids import CLICK_IDS

Value = str | int | Decimal | bool | None
"""None, and an empty text, are empty: there is nothing to say."""
Is = Literal["text", "number", "flag"]


class Facts(msgspec.Struct, frozen=True):
    """What values are taken from. Parts of the message that are null are empty here. `secret`: of the endpoint."""

    message: Message
    secret: str = ""
    call: Mapping[str, Any] = {}
    visit: Mapping[str, Any] = {}
    campaign: Mapping[str, Any] = {}
    publisher: Mapping[str, Any] = {}
    change: Mapping[str, Any] = {}


class Macro(msgspec.Struct, frozen=True):
    """`says`: for people. `absent`: why it may be empty, as the end of a sentence."""

    is_a: Is
    says: str
    of: Callable[[Facts], Value]
    absent: str = "the call has none"


class Group(msgspec.Struct, frozen=True):
    """Macros with a name of the user's own behind a dot: `{custom.plan}`."""

    says: str
    of: Callable[[Facts, str], Value]
    absent: str


def facts_of(message: Message, secret: str = "") -> Facts:
    data = message.data
    parts = {name: data.get(name) or {} for name in ("call", "visit", "campaign", "publisher", "change")}
    return Facts(message, secret, **parts)


def known(name: str) -> bool:
    group, dot, own = name.partition(".")
    return name in MACROS or bool(dot and own and group in GROUPS)


def value(name: str, facts: Facts) -> Value:
    """Of a macro that is `known`."""
    if macro := MACROS.get(name):
        return macro.of(facts)
    group, _, own = name.partition(".")
    return GROUPS[group].of(facts, own)


def is_a(name: str) -> Is:
    return MACROS[name].is_a if name in MACROS else "text"


def absent(name: str) -> str:
    """Why it is empty, as people would say it."""
    macro = MACROS.get(name)
    return macro.absent if macro else GROUPS[name.partition(".")[0]].absent


def written(found: Value) -> str:
    """As it stands in a text: `true`, `12.50`, nothing where there is none."""
    if found is None:
        return ""
    if isinstance(found, bool):
        return "true" if found else "false"
    return format(found, "f") if isinstance(found, Decimal) else str(found)


_NOT_TOLD = "the carrier did not tell"
_NO_VISIT = "the call is credited to no visit, or its visit is not known yet"
_NO_CLICK = "the visit that the call is credited to came with no ad click id"
_NOT_JUDGED = "the call is not judged: it goes on still, or its campaign has no terms"
_NO_OUTCOME = "nobody told what became of the call"
_NO_CHANGE = "nothing of it was changed"


def _call(field: str) -> Callable[[Facts], Value]:
    return lambda facts: _plain(facts.call.get(field))


def _in_ms(field: str) -> Callable[[Facts], Value]:
    def of(facts: Facts) -> Value:
        seconds = facts.call.get(field)
        return None if seconds is None else round(seconds * 1000)

    return of


def _visit(field: str) -> Callable[[Facts], Value]:
    return lambda facts: _plain(facts.visit.get(field))


def _plain(found: Any) -> Value:
    """What is no single value is none."""
    if isinstance(found, float):
        return int(found) if found.is_integer() else Decimal(str(round(found, 4)))
    return found if isinstance(found, (str, int)) else None


def _ms(at: Any) -> int | None:
    return from_rfc3339(at) if isinstance(at, str) else None


def _unix(at: Any) -> int | None:
    ms = _ms(at)
    return None if ms is None else ms // 1000


def _money(found: Any) -> Money | None:
    return msgspec.convert(found, Money) if found else None


def _major(found: Any) -> Decimal | None:
    money = _money(found)
    return money.major if money else None


def _minor(found: Any) -> int | None:
    money = _money(found)
    return money.amount if money else None


def _currency(facts: Facts) -> Value:
    money = _money(facts.call.get("payout")) or _money(facts.call.get("revenue"))
    return money.currency if money else _plain(facts.campaign.get("currency"))


def _part(whole: Any, field: str) -> Any:
    return whole.get(field) if isinstance(whole, Mapping) else None


def _national(number: Any) -> str | None:
    return national(number) if number else None


def _click_name(facts: Facts) -> str | None:
    carried = facts.call.get("click_ids") or {}
    return next((name for name in CLICK_IDS if carried.get(name)), None)


def _click(name: str | None, facts: Facts) -> Value:
    return _plain(_part(facts.call.get("click_ids"), name)) if name else None


def _of_click(name: str) -> Macro:
    return Macro("text", f"the click id `{name}`", lambda facts: _click(name, facts), f"the visit came with no {name}")


def _times(name: str, says: str, at: Callable[[Facts], Any], missing: str) -> dict[str, Macro]:
    return {
        f"{name}_at": Macro("text", f"{says}, RFC 3339 in UTC", lambda facts: _plain(at(facts)), missing),
        f"{name}_unix": Macro("number", f"{says}, seconds since 1970", lambda facts: _unix(at(facts)), missing),
        f"{name}_ms": Macro("number", f"{says}, milliseconds since 1970", lambda facts: _ms(at(facts)), missing),
    }


def _amounts(name: str, says: str, of: Callable[[Facts], Any], missing: str) -> dict[str, Macro]:
    return {
        name: Macro("number", f"{says}, as a decimal: `12.50`", lambda facts: _major(of(facts)), missing),
        f"{name}_minor": Macro("number", f"{says}, in minor units: `1250`", lambda facts: _minor(of(facts)), missing),
    }


def _outcome(field: str) -> Callable[[Facts], Any]:
    return lambda facts: _part(facts.call.get("outcome"), field)


def _outcome_currency(facts: Facts) -> Value:
    return _plain(_part(_outcome("value")(facts), "currency"))


def _attribution(field: str) -> Callable[[Facts], Value]:
    return lambda facts: _plain(_part(facts.call.get("attribution"), field))


def _before(field: str) -> Callable[[Facts], Any]:
    return lambda facts: _part(facts.change.get(field), "before")


MACROS: dict[str, Macro] = {
    "call_id": Macro("text", "our id of the call", _call("id")),
    "provider_id": Macro("text", "the carrier's id of the call", _call("provider_id")),
    "status": Macro("text", "what became of the call: `completed`, `no_answer`, …", _call("status")),
    "answered": Macro("flag", "`true` or `false`", _call("answered")),
    "duration": Macro("number", "seconds from the first ring to the end", _call("duration"), "the call goes on still"),
    "duration_ms": Macro("number", "the same in milliseconds", _in_ms("duration"), "the call goes on still"),
    "talk_seconds": Macro("number", "seconds that were spoken", _call("talk_seconds"), "nobody spoke yet"),
    "talk_ms": Macro("number", "the same in milliseconds", _in_ms("talk_seconds"), "nobody spoke yet"),
    **_times("started", "when it rang", lambda facts: facts.call.get("started_at"), "the call has none"),
    **_times("answered", "when it was answered", lambda facts: facts.call.get("answered_at"), "nobody answered"),
    **_times("ended", "when it ended", lambda facts: facts.call.get("ended_at"), "the call goes on still"),
    "caller": Macro("text", "who called, E.164: `+14155550100`", _call("caller"), "the caller withheld the number"),
    "caller_national": Macro(
        "text", "the same as people of that country write it: `(415) 555-0100`",
        lambda facts: _national(facts.call.get("caller")), "the caller withheld the number",
    ),
    "caller_digits": Macro(
        "text", "the same in digits alone: `14155550100`",
        lambda facts: (facts.call.get("caller") or "").lstrip("+"), "the caller withheld the number",
    ),
    "tracking_number": Macro("text", "the number that was called, E.164", _call("tracking_number")),
    "destination": Macro("text", "where the call was connected, E.164", _call("destination"), "it was not connected"),
    "tag": Macro("text", "our id of the tag", _call("tag")),
    "carrier": Macro("text", "our id of the carrier's account", _call("carrier")),
    "phone_type": Macro("text", "`mobile`, `landline` …, where the carrier tells", _call("phone_type"), _NOT_TOLD),
    "attestation": Macro("text", "STIR/SHAKEN: A, B, C or failed", _call("attestation"), _NOT_TOLD),
    "refusal": Macro("text", "why it was not connected", _call("refusal"), "it was not refused"),
    "hung_up_by": Macro("text", "`caller` or `destination`", _call("hung_up_by"), _NOT_TOLD),
    "keys": Macro("text", "what the caller pressed in menus", _call("keys"), "no key was pressed"),
    "recording_url": Macro("text", "where the recording is", _call("recording_url"), "nothing was recorded"),
    "source": Macro("text", "the visit's source, such as `google`", _call("source")),
    "medium": Macro("text", "its medium, such as `cpc`", _call("medium")),
    "campaign_name": Macro("text", "the advertising campaign by its `utm_campaign`", _call("campaign_name")),
    "keyword": Macro("text", "the keyword (`utm_term`)", _call("keyword")),
    "content": Macro("text", "the ad (`utm_content`)", _call("content")),
    "channel": Macro("text", "the channel, such as `Paid Search`", _call("channel")),
    "landing_page": Macro("text", "the page that the visit began on", _call("landing_page")),
    "referrer": Macro("text", "the page that the visit came from", _call("referrer")),
    **{
        f"sub{n}": Macro("text", f"the publisher's sub-id {n}", _call(f"sub{n}"), f"the visit came with no sub{n}")
        for n in range(1, 6)
    },
    "click_id": Macro(
        "text", "the ad click id; of several the one that stands first in the list above",
        lambda facts: _click(_click_name(facts), facts), _NO_CLICK,
    ),
    "click_id_name": Macro("text", "which one that is, such as `gclid`", _click_name, _NO_CLICK),
    **{name: _of_click(name) for name in CLICK_IDS},
    "method": Macro("text", "how the call was attributed", _attribution("method")),
    "confidence": Macro("number", "the probability of its visit, 0 to 1", _attribution("confidence"), _NO_VISIT),
    "session": Macro("text", "our id of the visit", _visit("session"), _NO_VISIT),
    "visitor": Macro("text", "our id of the visitor", _visit("visitor"), _NO_VISIT),
    **_times("visited", "when the visit began", lambda facts: facts.visit.get("started_at"), _NO_VISIT),
    "page_views": Macro("number", "pages that the visit saw", _visit("page_views"), _NO_VISIT),
    "page_title": Macro("text", "the title of the page", _visit("title"), _NO_VISIT),
    "consent": Macro("text", "`granted`, `denied` or `unknown`", _visit("consent"), _NO_VISIT),
    "device": Macro("text", "the visitor's device", _visit("device"), _NO_VISIT),
    "browser": Macro("text", "the visitor's browser", _visit("browser"), _NO_VISIT),
    "os": Macro("text", "the visitor's system", _visit("os"), _NO_VISIT),
    "language": Macro("text", "the browser's language, such as `en-US`", _visit("language"), _NO_VISIT),
    "timezone": Macro("text", "the browser's time zone", _visit("timezone"), _NO_VISIT),
    "country": Macro("text", "the visitor's country, ISO 3166-1", _visit("country"), _NO_VISIT),
    "region": Macro("text", "the visitor's region, ISO 3166-2", _visit("region"), _NO_VISIT),
    "city": Macro("text", "the visitor's city", _visit("city"), _NO_VISIT),
    "qualified": Macro(
        "flag", "whether the call counts: `true` or `false`",
        lambda facts: _part(facts.call.get("qualification"), "qualified"), _NOT_JUDGED,
    ),
    **_amounts("payout", "what the publisher gets", lambda facts: facts.call.get("payout"), _NOT_JUDGED),
    **_amounts("revenue", "what the advertiser pays", lambda facts: facts.call.get("revenue"), _NOT_JUDGED),
    "currency": Macro("text", "of both, ISO 4217", _currency),
    "campaign.id": Macro("text", "our campaign's id", lambda facts: _plain(facts.campaign.get("id"))),
    "campaign.name": Macro("text", "our campaign's name", lambda facts: _plain(facts.campaign.get("name"))),
    "campaign.timezone": Macro("text", "its time zone", lambda facts: _plain(facts.campaign.get("timezone"))),
    "campaign.advertiser": Macro("text", "its advertiser", lambda facts: _plain(facts.campaign.get("advertiser"))),
    "publisher.id": Macro("text", "the publisher's id", lambda facts: _plain(facts.publisher.get("id"))),
    "publisher.name": Macro("text", "the publisher's name", lambda facts: _plain(facts.publisher.get("name"))),
    "outcome.sale": Macro("flag", "whether it was a sale", _outcome("sale"), _NO_OUTCOME),
    **_amounts("outcome.value", "the sale's value", _outcome("value"), _NO_OUTCOME),
    "outcome.currency": Macro("text", "of that, ISO 4217", _outcome_currency, _NO_OUTCOME),
    "outcome.lead_status": Macro("text", "what became of the lead", _outcome("lead_status"), _NO_OUTCOME),
    "outcome.note": Macro("text", "what was noted", _outcome("note"), _NO_OUTCOME),
    **_amounts("payout_before", "of a correction: the payout until then", _before("payout"), _NO_CHANGE),
    **_amounts("revenue_before", "of a correction: the revenue until then", _before("revenue"), _NO_CHANGE),
    "reason": Macro("text", "of a correction: why", lambda facts: _plain(facts.change.get("reason")), _NO_CHANGE),
    "event": Macro("text", "what happened, such as `call.qualified`", lambda facts: facts.message.type),
    "message_id": Macro("text", "the same however often it is sent", lambda facts: facts.message.id),
    **_times("event", "when it happened", lambda facts: rfc3339(facts.message.at_ms), ""),
    "secret": Macro("text", "the token that is kept with the endpoint", lambda facts: facts.secret, "no token is set"),
}  # fmt: skip
"""By name, in the order in which they are listed."""

GROUPS: dict[str, Group] = {
    "param": Group(
        "a parameter of the landing page's address, such as `{param.transaction_id}`: one that the tag keeps",
        lambda facts, own: _plain(_part(facts.visit.get("params"), own)),
        "the visit came without that parameter, or the tag does not keep it",
    ),
    "custom": Group(
        "a field that the page set, such as `{custom.plan}`",
        lambda facts, own: _plain(_part(facts.visit.get("custom"), own)),
        "the page did not set it, or the call is credited to no visit",
    ),
    "ids": Group(
        "an id that the page's other scripts gave the visitor, such as `{ids.ga}`",
        lambda facts, own: _plain(_part(facts.visit.get("ids"), own)),
        "the page had no such id, or the call is credited to no visit",
    ),
}
