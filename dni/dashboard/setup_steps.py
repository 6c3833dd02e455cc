"""The guided set-up: which steps are done and what comes next, by what the ledger and the tag's reports hold. Pure."""

from typing import Literal

import msgspec

from dni.campaign.campaigns import CampaignView
from dni.pool.pools import PoolBrief
from dni.pool.sizing import AroundMean, Demand, numbers_for_blocking
from dni.tag.tags import TagView

# A visit of three minutes whose number rests two more: what `dni size` is told of in docs/size.md.
_VISIT_S, _HOLD_S, _CALL_DELAY_S = 180.0, 120.0, 600.0
_MOST_WITHOUT = 0.01
_FIRST = "/setup/campaign"
_BUSIEST_HOURS = (5, 20, 60, 200)


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Of one campaign; None and False: not yet. `ready`: there is an account of a carrier."""

    campaign: CampaignView | None = None
    pool: PoolBrief | None = None
    tag: TagView | None = None
    seen: bool = False
    ready: bool = False
    rang: bool = False


class Step(msgspec.Struct, frozen=True):
    """`address` is None while something before it is missing."""

    name: str
    label: str
    address: str | None
    state: Literal["done", "now", "later"]


def steps(state: State, here: str) -> list[Step]:
    """In order; `here` is the name of the one that is open."""
    begun = f"/setup/campaigns/{state.campaign.id}" if state.campaign else None
    has_pool, has_tag = bool(begun and state.pool), bool(begun and state.tag)
    page = f"/tags/{state.tag.id}/edit" if state.tag else f"{begun}/page" if has_pool else None
    told = (
        (
            "campaign",
            "Where calls go",
            f"/campaigns/{state.campaign.id}/edit" if state.campaign else _FIRST,
            bool(begun),
        ),
        ("numbers", "Your numbers", begun and f"{begun}/numbers", has_pool),
        ("page", "Your page", page, has_tag),
        ("tag", "Paste the tag", f"{begun}/tag" if has_tag else None, state.seen),
        ("call", "The first call", f"{begun}/call" if has_tag else None, state.rang),
    )
    return [
        Step(name, label, address, "now" if name == here else "done" if done else "later")
        for name, label, address, done in told
    ]


def done(state: State) -> int:
    """How many of the steps."""
    return sum(step.state == "done" for step in steps(state, ""))


def next_address(state: State) -> str:
    """Where to go on."""
    found = steps(state, "")
    return next(
        (step.address for step in found if step.state == "later" and step.address), found[-1].address or "/setup"
    )


def numbers_needed() -> list[tuple[int, int]]:
    """Visits in the busiest hour, and the numbers with which 1 visit in 100 finds none free."""
    delay = AroundMean(_CALL_DELAY_S)
    demands = ((visits, Demand(visits, _VISIT_S, _HOLD_S, delay)) for visits in _BUSIEST_HOURS)
    return [(visits, numbers_for_blocking(demand.erlangs, _MOST_WITHOUT)) for visits, demand in demands]
