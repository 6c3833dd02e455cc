"""Terms as sentences: what each policy pays, and what a version comes to. Pure."""

import msgspec

from dni.dashboard.terms_draft import BASE
from dni.money import Money
from dni.qualification.model import Policy, Side, Terms


class SideWords(msgspec.Struct, frozen=True):
    """`short`: within a sentence; `nothing`: said where there is no policy; `otherwise`: when none of them holds."""

    name: str
    title: str
    short: str
    nothing: str
    otherwise: str


SIDES = {
    "payout": SideWords(
        "payout",
        "Payout, to the publisher",
        "payout",
        "No policy yet, so publishers are paid nothing.",
        "the publisher is paid nothing",
    ),
    "revenue": SideWords(
        "revenue",
        "Revenue, from the advertiser",
        "revenue",
        "No policy yet, so the advertiser owes nothing.",
        "the advertiser owes nothing",
    ),
}

# By what a policy is.
ABOUT = {
    "base": "What a call pays when no bonus holds for it.",
    "bonus": "What a call pays in place of the base, when this holds for it. Amounts are never added up.",
}


def pays(policy: Policy, currency: str) -> str:
    """`12.50 USD`, `4% of the sale`."""
    if policy.percent is not None:
        return f"{policy.percent:.6g}% of the sale"
    return str(Money(policy.amount or 0, currency))


def kind(place: str) -> str:
    return "base" if place == BASE else "bonus"


def summary(terms: Terms, currency: str, sides: tuple[str, ...]) -> str:
    """`payout 12.50 USD and 2 bonuses; revenue 20.00 USD`, of the sides that the reader may see."""
    return "; ".join(f"{name} {_side(getattr(terms, name), currency)}" for name in sides)


_SCOPES = {
    "campaign": "this campaign",
    "advertiser": "a campaign of the same advertiser",
    "destination": "the same destination",
}


def rules(terms: Terms) -> list[str]:
    """What holds for all policies that do not speak of it."""
    told = ["A call must have been answered."]
    if (dedupe := terms.dedupe) is not None:
        days = "day" if dedupe.days == 1 else f"{dedupe.days} days"
        before = f"whose call to {_SCOPES[dedupe.scope]} was {dedupe.counts} within the last {days}"
        told.append(
            f"A telephone {before} is a repeat, and does not count. Of withheld and shared telephones nobody can say."
        )
    if terms.min_confidence:
        told.append(
            f"Where publishers share a pool, it must be {100 * terms.min_confidence:.6g}% likely that this "
            "publisher's visitor made the call."
        )
    return [*told, *(f"{name} is {text}, on the campaign's clock." for name, text in terms.hours.items())]


def _side(side: Side, currency: str) -> str:
    bonuses = len(side.bonuses)
    told = f"{bonuses} {'bonus' if bonuses == 1 else 'bonuses'}" if bonuses else ""
    base = pays(side.base, currency) if side.base else ""
    return " and ".join(part for part in (base, told) if part) or "nothing"
