"""The list of calls as its page shows it. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from zoneinfo import ZoneInfo

import msgspec

from dni.call.search import CallView
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


class Totals(msgspec.Struct, frozen=True):
    """Of everything that the filters let through. Talk time is that of answered calls."""

    calls: int
    answered: int
    mean_talk: str | None


def zone_of(zones: Iterable[str]) -> tuple[ZoneInfo, bool]:
    """The campaigns' zone and True, when they agree; else UTC and False."""
    known = set(zones)
    return (ZoneInfo(known.pop()), True) if len(known) == 1 else (ZoneInfo("UTC"), False)


def totals(calls: Sequence[CallView]) -> Totals:
    talks = [call.talk_seconds for call in calls if call.talk_seconds is not None and call.answered]
    mean = words.duration(round(sum(talks) / len(talks))) if talks else None
    return Totals(len(calls), sum(call.answered for call in calls), mean)


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
    )


def _named(labels: Mapping[str, Mapping[str, str]], noun: str, wanted: str | None) -> str | None:
    return labels.get(noun, {}).get(wanted, wanted) if wanted else None


def chips(filters: Filters, labels: Mapping[str, Mapping[str, str]]) -> list[tuple[str, str, str]]:
    """Label, value as a person reads it, and the address without this filter."""
    statuses = {name: badge.label for name, badge in STATUSES.items()}
    first = {"yes": "of this telephone", "no": "no: called before, or withheld"}
    said = {**labels, "status": statuses, "first_time": first}
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
