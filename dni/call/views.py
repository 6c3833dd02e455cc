"""A call as people read it, and what of it whom is shown: one place for who reads it and for who is told it. Pure."""

from collections.abc import Collection
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from dni.access.model import Principal
from dni.attribution.model import Candidate
from dni.clock import Instant
from dni.money import Money
from dni.phone import masked
from dni.qualification import shown
from dni.qualification.shown import Qualification

Told = TypeVar("Told", bound="CallOutcome | OutcomeView")


class AttributionView(msgspec.Struct):
    """`method` null: attribution is still to be done. `session` null: nobody, or a static number.

    `undecided`: another candidate is at least half as likely, so the one named is a guess.
    """

    session: str | None
    visitor: str | None
    method: str | None
    confidence: float | None
    undecided: bool
    candidates: list[Candidate]


class CallOutcome(msgspec.Struct, frozen=True):
    """What became of a call, as it was told last."""

    sale: bool | None
    value: Money | None
    lead_status: str | None
    note: str | None


class CallView(msgspec.Struct):
    """`duration` is first ring to end, `talk_seconds` what was spoken; both in seconds. `keys`: pressed in menus.
    `attestation` is STIR/SHAKEN's: A, B, C or failed. `destination` is null for publishers: who buys the
    calls is nothing that they see. `payout` and `revenue` are null where they are not the reader's to know, and of a
    call that is not judged, as `qualification` is: it goes on still, or its campaign has no terms."""

    id: str
    carrier: str
    provider_id: str
    started_at: Instant
    answered_at: Instant | None
    ended_at: Instant | None
    status: str
    answered: bool
    duration: int | None
    talk_seconds: int | None
    caller: str | None
    tracking_number: str | None
    destination: str | None
    campaign: str | None
    publisher: str | None
    tag: str | None
    recording_url: str | None
    refusal: str | None
    hung_up_by: str | None
    keys: str | None
    attestation: str | None
    phone_type: str | None
    source: str | None
    medium: str | None
    campaign_name: str | None
    keyword: str | None
    content: str | None
    channel: str | None
    landing_page: str | None
    referrer: str | None
    click_ids: dict[str, str]
    sub1: str | None
    sub2: str | None
    sub3: str | None
    sub4: str | None
    sub5: str | None
    outcome: CallOutcome | None
    payout: Money | None
    revenue: Money | None
    qualification: Qualification | None
    attribution: AttributionView


class OutcomeView(msgspec.Struct):
    """`at` is when it was told. `id` stays the same when it was told before."""

    id: str
    call: str
    at: Instant
    sale: bool | None
    value: Money | None
    lead_status: str | None
    note: str | None
    by: str


def as_seen(whole: CallView, principal: Principal, own: Collection[str]) -> CallView:
    """`own`: of the candidates' sessions, those within the principal's walls. In a shared pool another publisher's may
    be one: it does not exist for this reader."""
    credited = whole.attribution.session
    kept = [one for one in whole.attribution.candidates if one.session in own or one.session == credited]
    return replace(
        whole,
        caller=whole.caller if principal.sees_callers else masked(whole.caller),
        destination=None if principal.publisher else whole.destination,
        outcome=whole.outcome and _without_note(whole.outcome, principal),
        payout=whole.payout if principal.sees_payout else None,
        revenue=whole.revenue if principal.sees_revenue else None,
        qualification=whole.qualification and shown.as_seen(whole.qualification, principal),
        attribution=replace(whole.attribution, candidates=kept),
    )


def outcome_as_seen(whole: OutcomeView, principal: Principal) -> OutcomeView:
    return _without_note(whole, principal)


def _without_note(told: Told, principal: Principal) -> Told:
    """A note may name people, as a caller's number does."""
    return told if principal.sees_callers else replace(told, note=None)
