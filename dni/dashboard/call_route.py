"""A call's way through its campaign's routing, and what became of it, as its page shows them. Pure."""

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

import msgspec

from dni.call.search import DecisionView
from dni.call.views import OutcomeView
from dni.clock import from_rfc3339
from dni.dashboard import rehearsal_form, words
from dni.dashboard.rehearsal_form import Passed
from dni.dashboard.words import Badge
from dni.routing.search import AttemptView


class Turn(msgspec.Struct, frozen=True):
    """One answer to the carrier, and the way that led there."""

    time: str
    title: str
    path: list[Passed]


class Tried(msgspec.Struct, frozen=True):
    time: str
    name: str
    number: str
    state: Badge
    lasted: str


class Told(msgspec.Struct, frozen=True):
    """What somebody said became of the call."""

    when: str
    by: str
    says: str
    note: str | None


class CallRoute(msgspec.Struct, frozen=True):
    turns: list[Turn]
    tried: list[Tried]


def describe(
    decisions: Sequence[DecisionView], attempts: Sequence[AttemptView], labels: Mapping[str, str], zone: ZoneInfo
) -> CallRoute:
    """`labels`: of the steps that the routing has now, by id."""
    return CallRoute(
        [
            Turn(_time(one.at, zone), rehearsal_form.title(one.phase), rehearsal_form.way(one.path, labels))
            for one in decisions
        ],
        [_tried(one, zone) for one in attempts],
    )


def told(views: Sequence[OutcomeView], zone: ZoneInfo) -> list[Told]:
    return [Told(words.moment(from_rfc3339(one.at), zone), one.by, says(one), one.note) for one in views]


def says(view: OutcomeView) -> str:
    """`Sale, 125.00 USD, won`."""
    sale = {True: "Sale", False: "No sale", None: ""}[view.sale]
    parts = (sale, str(view.value) if view.value else "", view.lead_status or "")
    return ", ".join(part for part in parts if part) or ("" if view.note else "Taken back")


def _tried(one: AttemptView, zone: ZoneInfo) -> Tried:
    lasted = words.span(from_rfc3339(one.ended_at) - from_rfc3339(one.at)) if one.ended_at else ""
    return Tried(_time(one.at, zone), one.name, words.number(one.number), words.status(one.state), lasted)


def _time(at: str, zone: ZoneInfo) -> str:
    return words.clock_time(from_rfc3339(at), zone)
