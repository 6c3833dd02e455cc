"""The list of calls as its page shows it. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from zoneinfo import ZoneInfo

import msgspec

from dni.call.views import CallView
from dni.clock import from_rfc3339
from dni.dashboard import words
from dni.dashboard.filters import LABELS, Filters
from dni.dashboard.words import STATUSES, Badge
from dni.ledger.schema import SUBS

TEXT_FILTERS = (
    ("q", "Search", "name, number or id"),
    ("source", "Source", "google"),
    ("medium", "Medium", "cpc"),
    ("campaign_name", "Campaign name", "spring"),
    ("keyword", "Keyword", "emergency plumber"),
    *((name, LABELS[name], "as in the link") for name in SUBS),
)
REPORT_FILTERS = TEXT_FILTERS[1:]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    when: str
    iso: str
    caller: str | None
    tracking: str | None
    source: str | None
    medium: str | None
    campaign: str | None
    keyword: str | None
    page: str | None
    page_full: str
    content: str | None
    channel: str | None
    sub1: str | None
    sub2: str | None
    sub3: str | None
    sub4: str | None
    sub5: str | None
    referrer: str | None
    owner: str | None
    publisher: str | None
    tag: str | None
    destination: str | None
    status: Badge
    duration: str | None
    session: bool
    method: str
    confidence: str | None
    qualified: Badge | None
    why: str
    payout: str | None
    revenue: str | None


class Totals(msgspec.Struct, frozen=True):
    """Of everything that the filters let through. Talk time is that of answered calls. `qualified`: None where no call
    was judged; `money`: what the reader may know, with its label."""

    calls: int
    answered: int
    mean_talk: str | None
    qualified: int | None
    money: list[tuple[str, str]]


def zone_of(zones: Iterable[str]) -> tuple[ZoneInfo, bool]:
    """The campaigns' zone and True, when they agree; else UTC and False."""
    known = set(zones)
    return (ZoneInfo(known.pop()), True) if len(known) == 1 else (ZoneInfo("UTC"), False)


def totals(calls: Sequence[CallView]) -> Totals:
    talks = [call.talk_seconds for call in calls if call.talk_seconds is not None and call.answered]
    mean = words.duration(round(sum(talks) / len(talks))) if talks else None
    judged = [call.qualification.qualified for call in calls if call.qualification]
    sums = [(side, told) for side in ("payout", "revenue") if (told := _sum(calls, side))]
    return Totals(len(calls), sum(call.answered for call in calls), mean, sum(judged) if judged else None, sums)


def row(call: CallView, zone: ZoneInfo, now_ms: int, labels: Mapping[str, Mapping[str, str]] | None = None) -> Row:
    """`labels`: what people call campaigns, publishers and tags, by id."""
    said = labels or {}
    started = from_rfc3339(call.started_at)
    seconds = call.talk_seconds or call.duration
    confidence = call.attribution.confidence
    return Row(
        id=call.id,
        when=words.moment(started, zone, now_ms),
        iso=call.started_at,
        caller=words.number(call.caller, call.tracking_number) if call.caller else None,
        tracking=words.number(call.tracking_number) if call.tracking_number else None,
        source=call.source,
        medium=call.medium,
        campaign=call.campaign_name,
        keyword=call.keyword,
        page=words.path_of(call.landing_page) if call.landing_page else None,
        page_full=call.landing_page or "",
        content=call.content,
        channel=call.channel,
        **{name: getattr(call, name) for name in SUBS},
        referrer=call.referrer,
        owner=_named(said, "campaign", call.campaign),
        publisher=_named(said, "publisher", call.publisher),
        tag=_named(said, "tag", call.tag),
        destination=words.number(call.destination, call.tracking_number) if call.destination else None,
        status=words.status(call.status),
        duration=words.duration(seconds) if seconds else None,
        session=call.attribution.session is not None,
        method=words.method(call.attribution.method)[0],
        confidence=None if confidence is None else f"{confidence:.0%}",
        qualified=_qualified(call),
        why=_why(call),
        payout=str(call.payout) if call.payout else None,
        revenue=str(call.revenue) if call.revenue else None,
    )


def _qualified(call: CallView) -> Badge | None:
    if call.qualification is None:
        return None
    return Badge("Yes", "good") if call.qualification.qualified else Badge("No", "warn")


def _why(call: CallView) -> str:
    """Which policy matched, or what was missing, on the side that the reader is about."""
    told = call.qualification
    side = (told.payout or told.revenue) if told else None
    if told is None or side is None:
        return ""
    if told.qualified and side.policy is None:
        return "a person decided so"
    return side.policy or side.missing


def _sum(calls: Iterable[CallView], side: str) -> str:
    """Empty where there is none, and where currencies differ."""
    found = [money for call in calls if (money := getattr(call, side)) is not None]
    return str(sum(found[1:], found[0])) if found and len({money.currency for money in found}) == 1 else ""


def _named(labels: Mapping[str, Mapping[str, str]], noun: str, wanted: str | None) -> str | None:
    return labels.get(noun, {}).get(wanted, wanted) if wanted else None


def chips(filters: Filters, labels: Mapping[str, Mapping[str, str]]) -> list[tuple[str, str, str]]:
    """Label, value as a person reads it, and the address without this filter."""
    statuses = {name: badge.label for name, badge in STATUSES.items()}
    first = {"yes": "of this telephone", "no": "no: called before, or withheld"}
    said = {**labels, "status": statuses, "first_time": first, "qualified": {"yes": "yes", "no": "no, or not judged"}}
    answer = []
    for name, label in LABELS.items():
        text = filters.get(name)
        if name in ("unset", "exact"):
            value = ", ".join(LABELS[one].lower() for one in text.split(",")) if text else ""
        else:
            value = words.number(text) if name == "number" and text else said.get(name, {}).get(text, text)
        if value:
            answer.append((label, value, filters.address(without=name)))
    return answer
