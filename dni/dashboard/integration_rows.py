"""Integrations and deliveries as their pages list them: how each is, and what that means for whoever looks. Pure."""

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

import msgspec

from dni.clock import from_rfc3339
from dni.dashboard import forms, integration_words, overview_rows, struct_fields, words
from dni.dashboard.integration_form import WEBHOOK
from dni.dashboard.words import Badge
from dni.outbound.endpoints import MOST_COUNTED, EndpointView
from dni.outbound.model import TYPES, Kind, Only

# Beside what is wrong, in a narrow list.
_SHORT = 40


class Row(msgspec.Struct, frozen=True):
    """`told`: what it is told of which calls. `says`: of its health, in a sentence. Counts are empty for none."""

    id: str
    name: str
    kind: str
    told: str
    health: Badge
    says: str
    waiting: str
    dead: str


class Trouble(msgspec.Struct, frozen=True):
    """Why an integration needs somebody, and since when; `next`: what it will do by itself. `acts`: addresses, behind
    that of the integration, and words."""

    title: str
    why: str
    next: str
    tone: str
    acts: tuple[tuple[str, str], ...] = ()


def row(view: EndpointView, now_ms: int, names: Mapping[str, str]) -> Row:
    """`names`: of campaigns and publishers, by id."""
    return Row(
        id=view.id,
        name=view.name,
        kind=integration_words.kind_of(view.kind),
        told=told(view, names),
        health=integration_words.HEALTH[view.health.state],
        says=says(view, now_ms),
        waiting=counted(view.waiting),
        dead=counted(view.dead),
    )


def facts(kind: Kind, view: EndpointView) -> list[tuple[str, str]]:
    """Its settings, and which secrets are set, by their labels."""
    secrets = [] if kind.name == WEBHOOK else struct_fields.fields(kind.secrets, secret=True)
    kept = [(one.label, "set, never shown" if one.name in view.secrets_set else "not set") for one in secrets]
    return [*struct_fields.told(kind.settings, view.settings, integration_words.CHOICES), *kept]


def told(view: EndpointView, names: Mapping[str, str]) -> str:
    """`Call qualified and call corrected, of qualified calls of Bay Plumbing`."""
    if not view.events:
        return "A file of each day's calls"
    if set(view.events) == set(TYPES):
        events = "All that happens"
    else:
        events = _joined([integration_words.event(one).lower() for one in view.events])
    whose = [names.get(one, one) for one in (view.campaign, view.publisher) if one]
    calls = which(view.only)
    of = f", of {_joined(whose)}" if whose else ""
    return f"{events[:1].upper()}{events[1:]}{of}{f'; {calls}' if calls else ''}"


def which(only: Only) -> str:
    """`only qualified calls, talked for at least 60 s`; empty for all."""
    found = [
        {True: yes, False: no}[value]
        for value, yes, no in (
            (only.qualified, "only calls that qualified", "only calls that did not qualify"),
            (only.billable, "only calls that are billed", "only calls that are not billed"),
            (only.answered, "only answered calls", "only calls that nobody took"),
        )
        if value is not None
    ]
    if only.min_talk_seconds:
        found.append(f"talked for at least {only.min_talk_seconds} s")
    if only.min_confidence:
        found.append(f"credited with at least {words.share(only.min_confidence)}")
    return ", ".join(found)


def says(view: EndpointView, now_ms: int) -> str:
    health = view.health
    if health.state == "failing" and health.failing_since:
        return f"for {_ago(health.failing_since, now_ms)}: {health.why or 'no answer'}"
    if health.state == "paused":
        return "what happens waits"
    return f"delivered {_ago(health.delivered_at, now_ms)} ago" if health.delivered_at else ""


def troubles(view: EndpointView, zone: ZoneInfo, now_ms: int) -> list[Trouble]:
    """In the order of their weight."""
    health, found = view.health, list[Trouble]()
    waits = f"{counted(view.waiting)} {'delivery waits' if view.waiting == 1 else 'deliveries wait'}"
    if health.failures and health.failing_since:
        since_ms = from_rfc3339(health.failing_since)
        tries = "try" if health.failures == 1 else "tries in a row"
        found.append(
            Trouble(
                f"It fails since {words.moment(since_ms, zone, now_ms)}: {health.failures:,} {tries}.",
                forms.sentence(health.why or "there was no answer"),
                _next(view, now_ms, waits),
                "bad",
            )
        )
    if view.dead:
        one = view.dead == 1
        found.append(
            Trouble(
                f"{counted(view.dead)} {'delivery was' if one else 'deliveries were'} given up.",
                "Nothing more is tried of them by itself.",
                f"When the cause is mended, send {'it' if one else 'them'} again.",
                "bad",
                (("?state=dead#deliveries", "Show it" if one else "Show them"), ("/send", "Send again …")),
            )
        )
    if view.paused:
        found.append(
            Trouble(
                "It is paused.",
                f"{waits}." if view.waiting else "What happens from now on waits here.",
                "When it goes on, all that waits is sent in order.",
                "warn",
            )
        )
    return found


def for_overview(view: EndpointView, now_ms: int) -> list[overview_rows.Trouble]:
    """What needs a look."""
    found, page = list[overview_rows.Trouble](), f"/integrations/{view.id}"
    name = view.name if len(view.name) <= _SHORT else f"{view.name[: _SHORT - 1]}…"
    if view.health.state == "failing":
        found.append(overview_rows.Trouble(Badge("failing", "bad"), f"{name} {says(view, now_ms)}", page))
    if view.dead:
        many = f"{counted(view.dead)} {'delivery' if view.dead == 1 else 'deliveries'}"
        dead = overview_rows.Trouble(Badge("given up", "bad"), f"{name}: {many}", f"{page}?state=dead#deliveries")
        found.append(dead)
    return found


def counted(many: int) -> str:
    """Empty for none; what was counted no further is more."""
    if many >= MOST_COUNTED:
        return f"more than {MOST_COUNTED - 1:,}"
    return f"{many:,}" if many else ""


def _next(view: EndpointView, now_ms: int, waits: str) -> str:
    if view.paused:
        return ""
    at = view.health.next_try_at
    when = (
        "It is tried again at once" if at is None or from_rfc3339(at) <= now_ms else f"Next try in {_until(at, now_ms)}"
    )
    return f"{when}; {waits}. Nothing is lost: each is tried for three days." if view.waiting else ""


def _ago(at: str, now_ms: int) -> str:
    return words.span(max(0, now_ms - from_rfc3339(at)))


def _until(at: str, now_ms: int) -> str:
    return words.span(max(0, from_rfc3339(at) - now_ms))


def _joined(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
