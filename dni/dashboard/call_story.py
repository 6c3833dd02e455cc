"""One call as its page shows it: facts, the visit it came from, and both on one timeline. Pure."""

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

import msgspec

from dni.attribution.model import undecided
from dni.call.search import CallEventView, CallTouchView, FormerAttributionView
from dni.call.views import CallView
from dni.catalog.model import Catalog
from dni.clock import from_rfc3339, rfc3339
from dni.dashboard import words
from dni.dashboard.routing_words import PHONES
from dni.dashboard.timeline import Event, Moment, moments
from dni.dashboard.words import Badge
from dni.ledger.schema import SUBS
from dni.session.search import LeaseView, SessionView

_REFUSALS = {
    "unknown_number": "The number that was dialled is in no pool and bound to no source.",
    "no_campaign": "The number's pool is not used by any campaign yet.",
}
_HUNG_UP = {"caller": "the caller", "destination": "the destination"}
# STIR/SHAKEN, by its letter.
_VERDICTS = {
    "A": "Vouched for (A): his carrier knows the caller, and that the number is his",
    "B": "In part (B): his carrier knows the caller, but not that the number is his",
    "C": "Not vouched for (C): the call came from a carrier that knows nothing of the caller",
    "failed": "The check failed: the number may be forged",
}
_PENDING = (
    "The live store was away when it rang, or no longer knew how the visit came. The ledger is asked instead, "
    "which usually takes less than a minute."
)


class Fact(msgspec.Struct, frozen=True):
    """`address`: where the value leads, https alone."""

    label: str
    value: str | None
    mono: bool = False
    address: str | None = None


class Notice(msgspec.Struct, frozen=True):
    title: str
    text: str
    tone: str


class CandidateRow(msgspec.Struct, frozen=True):
    session: str
    short: str
    came: str | None
    chosen: bool
    share: float
    confidence: str | None
    why: str

    @property
    def is_unlikely(self) -> bool:
        return self.confidence is not None and self.share < 0.01


class RawEvent(msgspec.Struct, frozen=True):
    kind: str
    time: str
    fields: list[tuple[str, str]]


class CallStory(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    when: str
    date: str
    time: str
    zone: str
    zone_of_campaign: bool
    caller: str | None
    status: Badge
    talk: str | None
    source: str | None
    medium: str | None
    keyword: str | None
    notice: Notice | None
    moments: list[Moment]
    method_text: str
    candidates: list[CandidateRow]
    nobody: str | None
    former: list[Fact]
    touch: list[Fact]
    session_note: str | None
    session: list[Fact]
    facts: list[Fact]
    events: list[RawEvent]


def describe(
    catalog: Catalog,
    call: CallView,
    session: SessionView | None,
    events: Sequence[CallEventView],
    former: Sequence[FormerAttributionView],
    touches: Sequence[CallTouchView],
    readers_zone: ZoneInfo,
) -> CallStory:
    """Everything the page of one call shows, in the zone of its campaign, or the reader's when it has none."""
    campaign = catalog.campaigns.get(call.campaign or "")
    zone = ZoneInfo(campaign.timezone) if campaign else readers_zone
    started = from_rfc3339(call.started_at)
    return CallStory(
        id=call.id,
        when=words.moment(started, zone),
        date=words.date(started, zone),
        time=words.clock_time(started, zone),
        zone=zone.key,
        zone_of_campaign=campaign is not None,
        caller=words.number(call.caller, call.tracking_number) if call.caller else None,
        status=words.status(call.status),
        talk=words.duration(call.talk_seconds) if call.talk_seconds else None,
        source=call.source,
        medium=call.medium,
        keyword=call.keyword,
        notice=_notice(call),
        moments=moments([*_came_before(call, touches), *_visit(call, session), *_call(call)], zone),
        method_text=words.method(call.attribution.method)[1],
        candidates=_candidates(call, touches),
        nobody=_nobody(call),
        former=[_former(one, zone) for one in former],
        touch=_touch(call),
        session_note=_session_note(call, session),
        session=_session(session, zone) if session else [],
        facts=_facts(catalog, call),
        events=[_raw(event, zone) for event in events],
    )


def _notice(call: CallView) -> Notice | None:
    if call.refusal == "routing":
        return Notice("This call was not connected", "A step of the campaign's routing decided so.", "warn")
    if call.refusal:
        why = _REFUSALS.get(call.refusal, call.refusal)
        if call.destination:
            return Notice(
                "This call belongs to no campaign", f"{why} It went to the carrier account's own line.", "warn"
            )
        return Notice("This call was refused", f"{why} The carrier account names no line for such calls.", "bad")
    if call.attribution.method is None:
        return Notice("Not attributed yet", _PENDING, "warn")
    if call.attribution.undecided and call.attribution.session:
        shares = [words.share(one.confidence or 0.0) for one in call.attribution.candidates[:2]]
        # The rival may be another publisher's visit, which this reader is not shown.
        against = " against ".join(shares if undecided(call.attribution.candidates) else shares[:1])
        return Notice(
            "More than one visit fits this call",
            f"The first is taken, but it is a guess and no fact: {against}.",
            "warn",
        )
    return None


def _came_before(call: CallView, touches: Sequence[CallTouchView]) -> list[Event]:
    """The credited visitor's other visits until the call."""
    credited = call.attribution
    return [
        Event(from_rfc3339(one.at), "Earlier visit", "page", f"from {_came(one)}")
        for one in touches
        if one.visitor == credited.visitor and one.session != credited.session
    ]


def _visit(call: CallView, session: SessionView | None) -> list[Event]:
    if session is None:
        return []
    events = [Event(from_rfc3339(session.started_at), "Visit began", "page", f"from {_came(session)}")]
    for lease in session.leases:
        if lease.number == call.tracking_number:
            events += _lease(lease)
    return events


def _came(how: CallTouchView | SessionView) -> str:
    return (" / ".join(part for part in (how.source, how.medium) if part) or "unknown source")[:160]


def _lease(lease: LeaseView) -> list[Event]:
    number, target = words.number(lease.number), words.number(lease.target)
    events = [Event(from_rfc3339(lease.started_at), "Number leased", "page", f"{number} shown instead of {target}")]
    marks = (
        (lease.tapped_at, "Number tapped", "on the page, to call it"),
        (lease.left_at, "Page left", "the last open page said so"),
        (lease.ended_at, "Number passed on", "it was leased to another visit"),
    )
    events += [Event(from_rfc3339(at), what, "page", more) for at, what, more in marks if at]
    told = {lease.started_at, lease.tapped_at, lease.left_at, lease.ended_at}
    if lease.last_sign_at not in told:
        events.append(Event(from_rfc3339(lease.last_sign_at), "Page last heard of", "page"))
    return events


def _call(call: CallView) -> list[Event]:
    started = from_rfc3339(call.started_at)
    destination = words.number(call.destination) if call.destination else ""
    events = [Event(started, "Phone rang", "call", f"{_number(call.tracking_number) or 'a number'} was dialled")]
    if call.answered_at:
        events.append(Event(from_rfc3339(call.answered_at), "Answered", "call", destination and f"at {destination}"))
    if call.ended_at:
        ended = words.status(call.status)
        if call.status == "completed":
            talked = f"after {words.duration(call.talk_seconds)} of talk" if call.talk_seconds else ""
            events.append(Event(from_rfc3339(call.ended_at), "Call ended", "call", talked))
        elif call.status == "voicemail":
            events.append(Event(from_rfc3339(call.ended_at), "Message left", "call", "nobody had answered"))
        else:
            events.append(Event(from_rfc3339(call.ended_at), ended.label, "bad", destination and f"at {destination}"))
    return events


def _candidates(call: CallView, touches: Sequence[CallTouchView]) -> list[CandidateRow]:
    came = {one.session: _came(one) for one in touches}
    return [
        CandidateRow(
            session=one.session,
            short=f"…{one.session[-8:]}",
            came=came.get(one.session),
            chosen=one.session == call.attribution.session,
            share=one.confidence or 0.0,
            confidence=None if one.confidence is None else words.share(one.confidence),
            why=one.why,
        )
        for one in call.attribution.candidates
    ]


def _nobody(call: CallView) -> str | None:
    """How likely it is that none of the candidates called; None where no probability is stated."""
    stated = [one.confidence for one in call.attribution.candidates if one.confidence is not None]
    return words.share(max(0.0, 1 - sum(stated))) if stated else None


def _former(one: FormerAttributionView, zone: ZoneInfo) -> Fact:
    until = words.moment(from_rfc3339(one.until), zone)
    named = f"…{one.session[-8:]}" if one.session else "nobody"
    sure = f", {one.confidence:.0%}" if one.confidence is not None else ""
    return Fact(f"Until {until}", f"{words.method(one.method)[0]}: {named}{sure}")


def _touch(call: CallView) -> list[Fact]:
    return _known(
        Fact("Source", call.source),
        Fact("Medium", call.medium),
        Fact("Campaign name", call.campaign_name),
        Fact("Keyword", call.keyword),
        Fact("Content", call.content),
        Fact("Channel", call.channel),
        *(Fact(f"Sub-id {name[-1]}", getattr(call, name)) for name in SUBS),
        Fact("Landing page", call.landing_page),
        Fact("Referrer", call.referrer),
        *(Fact(name, value, mono=True) for name, value in _pairs(call.click_ids)),
    )


def _session_note(call: CallView, session: SessionView | None) -> str | None:
    if session is not None:
        return None
    if call.attribution.session:
        return (
            "The visit is known and not written down yet; it shows here within moments. What is needed of it "
            "stands beside the call already."
        )
    if call.attribution.method == "static":
        return "A static number is not leased to visits: its source is known, who called is not."
    if call.attribution.method is None:
        return "It is not known yet which visit this call came from."
    return "This call came from no visit that we know of."


def _session(session: SessionView, zone: ZoneInfo) -> list[Fact]:
    began, seen = from_rfc3339(session.started_at), from_rfc3339(session.last_seen_at)
    place = ", ".join(part for part in (session.city, session.region or session.country) if part)
    return _known(
        Fact("Began", words.moment(began, zone)),
        Fact("Last recorded", f"{words.span(seen - began)} later" if seen > began else "at its beginning"),
        Fact("Page views", str(session.page_views)),
        Fact("Page title", session.title),
        Fact("Device", ", ".join(part for part in (session.device, session.browser, session.os) if part)),
        Fact("Place", place),
        Fact("Language", session.language),
        Fact("Time zone", session.timezone),
        Fact("Screen", session.screen),
        Fact("Consent", session.consent),
        *(Fact(name, value, mono=True) for name, value in _pairs(session.ids)),
        *(Fact(name, value) for name, value in _pairs(session.custom)),
        Fact("Visitor", session.visitor, mono=True),
        Fact("Session", session.id, mono=True),
    )


def _facts(catalog: Catalog, call: CallView) -> list[Fact]:
    campaign, publisher = catalog.campaigns.get(call.campaign or ""), catalog.publishers.get(call.publisher or "")
    tag, carrier = catalog.tags.get(call.tag or ""), catalog.carriers.get(call.carrier)
    return _known(
        Fact("Dialled", _number(call.tracking_number)),
        Fact("Connected to" if call.answered else "Sent to", _number(call.destination)),
        Fact("Ring to end", _seconds(call.duration)),
        Fact("Talked", _seconds(call.talk_seconds)),
        Fact("Keys pressed", call.keys),
        Fact("Who hung up", _HUNG_UP.get(call.hung_up_by or "", call.hung_up_by)),
        Fact("Caller's number", _VERDICTS.get(call.attestation or "", call.attestation)),
        Fact("Telephone", PHONES.get(call.phone_type or "", call.phone_type)),
        _recording(call),
        Fact("Campaign", campaign.name if campaign else call.campaign),
        Fact("Publisher", publisher.name if publisher else call.publisher),
        Fact("Tag", tag.name if tag else call.tag),
        Fact("Carrier", carrier.name if carrier else call.carrier),
        Fact("Carrier's id", call.provider_id, mono=True),
        Fact("Our id", call.id, mono=True),
    )


def _recording(call: CallView) -> Fact:
    url, label = call.recording_url, "Message" if call.status == "voicemail" else "Recording"
    return Fact(label, url, address=url if url and url.startswith("https://") else None)


def _raw(event: CallEventView, zone: ZoneInfo) -> RawEvent:
    at = from_rfc3339(event.at)
    return RawEvent(event.kind, f"{words.moment(at, zone)} ({rfc3339(at)})", _pairs(event.fields))


def _known(*facts: Fact) -> list[Fact]:
    return [fact for fact in facts if fact.value]


def _number(e164: str | None) -> str | None:
    return words.number(e164) if e164 else None


def _seconds(count: int | None) -> str | None:
    return None if count is None else words.duration(count)


def _pairs(values: Mapping[str, object]) -> list[tuple[str, str]]:
    return [(name, str(value)) for name, value in values.items()]
