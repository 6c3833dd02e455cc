"""What of a verdict whom is shown: not the other side's, and for publishers not where calls go. Pure."""

import re

import msgspec
from msgspec.structs import replace

from dni.access.model import Principal
from dni.clock import Instant
from dni.qualification.model import SideVerdict, Term, Verdict

# A number in a text for who does not see where calls go.
_NUMBER = re.compile(r"\+\d{6,15}")


class Why(msgspec.Struct):
    """`policy`: the one that matched, by name. `missing`: what would have had to be otherwise, where none did."""

    policy: str | None
    missing: str


class Qualification(msgspec.Struct):
    """Whether a call counts: for an advertiser whether it is billed, for others whether it is paid. `billable`: whether
    it is billed; null where that is not the reader's to know. `terms`: the id of the version that it was judged by.
    `payout` and `revenue` are null where they are not the reader's to know, and of a call that a person decided without
    any terms."""

    qualified: bool
    billable: bool | None
    at: Instant | None
    terms: str | None
    payout: Why | None
    revenue: Why | None


def as_seen(whole: Qualification, principal: Principal) -> Qualification:
    return replace(
        whole,
        qualified=whole.qualified if principal.sees_payout else bool(whole.billable),
        billable=whole.billable if principal.sees_revenue else None,
        payout=_why(whole.payout, principal) if principal.sees_payout else None,
        revenue=_why(whole.revenue, principal) if principal.sees_revenue else None,
    )


def verdict_as_seen(told: Verdict, principal: Principal) -> Verdict:
    return Verdict(
        payout=_side(told.payout, principal) if principal.sees_payout else SideVerdict(),
        revenue=_side(told.revenue, principal) if principal.sees_revenue else SideVerdict(),
    )


def hidden(text: str) -> str:
    """Without phone numbers."""
    return _NUMBER.sub("+••••", text)


def _why(why: Why | None, principal: Principal) -> Why | None:
    return replace(why, missing=hidden(why.missing)) if why and principal.publisher else why


def _side(side: SideVerdict, principal: Principal) -> SideVerdict:
    if not principal.publisher:
        return side
    policies = tuple(
        replace(policy, terms=tuple(Term(hidden(t.text), t.holds, hidden(t.told)) for t in policy.terms))
        for policy in side.policies
    )
    return replace(side, policies=policies, missing=hidden(side.missing))
