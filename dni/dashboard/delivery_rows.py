"""Deliveries as pages show them: the list, and one with each of its tries. Pure."""

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

import msgspec

from dni.clock import from_rfc3339
from dni.dashboard import forms, integration_words, words
from dni.dashboard.words import Badge
from dni.outbound.deliveries import AttemptView, DeliveryView, WholeDelivery

Callers = Mapping[str, tuple[str | None, str]]
"""By call: who called, and the number dialled."""

_INDENT = 2


class Row(msgspec.Struct, frozen=True):
    """`about`: of what it tells, with its page where it has one; `says`: why it is as it is, or when it goes on."""

    id: str
    when: str
    iso: str
    what: str
    about: str
    about_page: str | None
    endpoint: str
    endpoint_page: str
    state: Badge
    attempts: int
    says: str
    is_waiting: bool


class Try(msgspec.Struct, frozen=True):
    when: str
    iso: str
    took: str
    result: Badge
    status: str
    why: str
    answer: str


def row(view: DeliveryView, callers: Callers, zone: ZoneInfo, now_ms: int) -> Row:
    about, about_page = _about(view, callers)
    return Row(
        id=view.id,
        when=words.moment(from_rfc3339(view.at), zone, now_ms),
        iso=view.at,
        what=what(view),
        about=about,
        about_page=about_page,
        endpoint=view.endpoint_name,
        endpoint_page=f"/integrations/{view.endpoint}",
        state=integration_words.STATES[view.state],
        attempts=view.attempts,
        says=_says(view, now_ms),
        is_waiting=view.state == "waiting",
    )


def what(view: DeliveryView) -> str:
    """`Call qualified, as a conversion`."""
    action = integration_words.ACTIONS[view.action]
    return integration_words.event(view.type) + (f", {action}" if action else "")


def tries(view: WholeDelivery, zone: ZoneInfo, now_ms: int) -> list[Try]:
    return [_try(one, zone, now_ms) for one in view.tries]


def pretty(text: str) -> str:
    """JSON with a line for each field; what is none stays as it is."""
    try:
        return msgspec.json.format(text.encode(), indent=_INDENT).decode()
    except msgspec.DecodeError:
        return text


def answered(milliseconds: int) -> str:
    return f"{milliseconds:,} ms" if milliseconds < 10_000 else words.span(milliseconds)


def _try(one: AttemptView, zone: ZoneInfo, now_ms: int) -> Try:
    return Try(
        when=words.moment(from_rfc3339(one.at), zone, now_ms),
        iso=one.at,
        took=answered(one.took_ms),
        result=integration_words.RESULTS.get(one.result) or Badge(one.result, "calm"),
        status=str(one.status) if one.status is not None else "no answer",
        why=forms.sentence(one.why) if one.why else "",
        answer=pretty(one.answer or ""),
    )


def _about(view: DeliveryView, callers: Callers) -> tuple[str, str | None]:
    if view.call is not None:
        if view.call not in callers:
            return "a call that is gone", None
        caller, dialled = callers[view.call]
        return words.number(caller, dialled) if caller else "a withheld number", f"/calls/{view.call}"
    prefix = view.subject.partition("_")[0]
    room, noun = _ROOMS.get(prefix, (None, "itself"))
    return noun, f"{room}/{view.subject}" if room else None


_ROOMS: Mapping[str, tuple[str | None, str]] = {
    "sta": ("/statements", "a statement"),
    "tag": ("/tags", "a tag"),
    "pool": ("/pools", "a pool"),
}


def _says(view: DeliveryView, now_ms: int) -> str:
    why = forms.sentence(view.why) if view.why else ""
    if view.state != "waiting" or view.next_try_at is None:
        return why
    wait_ms = from_rfc3339(view.next_try_at) - now_ms
    tried = f"Next try in {words.span(wait_ms)}." if wait_ms >= 1000 else "Its turn comes."
    return f"{why} {tried}".strip()


def filters(state: str | None, type_: str | None) -> Sequence[tuple[str, str, bool]]:
    """The states that a list may be narrowed to: the query of each, its words, and whether it is chosen."""
    more = f"&type={type_}" if type_ else ""
    offered = [("", "All"), *((name, badge.label) for name, badge in integration_words.STATES.items())]
    return [(f"state={name}{more}", label, name == (state or "")) for name, label in offered]
