"""The terms of a campaign, what is known of a call when they are applied, and the verdict. Pure.

Two sides are judged apart: the payout, to the publisher, and the revenue, from the advertiser. Each has a base policy
and bonus policies, and a policy is a condition (`dni.qualification.language`) with an amount. Amounts are never added
up: one policy matches, and its amount is the side's.
"""

from datetime import date
from typing import Annotated, Literal

import msgspec

from dni.campaign import model
from dni.errors import InvalidField
from dni.phone import e164
from dni.qualification import language
from dni.routing import hours

LARGEST = 10**12
"""Minor units: ten thousand million of a currency with cents."""
MOST_BONUSES, MOST_SHARED = 50, 1_000

Amount = Annotated[int, msgspec.Meta(ge=0, le=LARGEST)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class _Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What is not told is left out of its JSON."""


class Policy(_Told, frozen=True, kw_only=True):
    """`when`: the condition as `dni.qualification.language` reads it, `""` always holds. What it pays: `amount`, in
    minor units of the campaign's currency, or `percent` of the sale's value."""

    name: Name
    when: str = ""
    amount: Amount | None = None
    percent: Annotated[float, msgspec.Meta(gt=0, le=100)] | None = None


class Side(_Told, frozen=True, kw_only=True):
    """`pick`: `first` takes the first bonus that holds, else the base; `best` takes what pays most of all that hold."""

    base: Policy | None = None
    bonuses: tuple[Policy, ...] = ()
    pick: Literal["first", "best"] = "first"

    @property
    def policies(self) -> tuple[Policy, ...]:
        """In the order in which they are tried."""
        return (*self.bonuses, *((self.base,) if self.base else ()))


class Dedupe(_Told, frozen=True, kw_only=True):
    """A call is a duplicate when the same telephone rang within `days` before, and that call counts.

    scope   calls of this campaign, of all campaigns of its advertiser, or those that went to the same destination
    counts  earlier calls that were connected, or only those that were paid
    shared  telephones that many people call from (a hotel, a hospital): none of their calls is a duplicate
    """

    days: Annotated[int, msgspec.Meta(ge=1, le=3_650)] = 30
    scope: Literal["campaign", "advertiser", "destination"] = "campaign"
    counts: Literal["connected", "paid"] = "connected"
    shared: tuple[model.Phone, ...] = ()


class Terms(_Told, frozen=True, kw_only=True):
    """What calls must be, and what they pay. Checks itself; raises InvalidField with the place of the fault.

    dedupe          None: every call may count, however often the same telephone rings
    min_confidence  that a publisher's visitor made the call, asked where publishers share the number's pool
    hours           spans of time by name, for `during(name)`, as `dni.routing.hours` reads them
    Where a policy's condition does not speak of `answered`, `repeat` or `confidence`, the call must have been answered,
    be no duplicate, and be credited as surely as `min_confidence` says.
    """

    payout: Side = Side()
    revenue: Side = Side()
    dedupe: Dedupe | None = Dedupe()
    min_confidence: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.8
    hours: dict[str, str] = {}

    def __post_init__(self) -> None:
        for name, text in self.hours.items():
            if not language.NAME.fullmatch(name):
                raise InvalidField(
                    f"/hours/{name[:40]}", "a name of lower-case letters, digits and _, such as business"
                )
            hours.read(text, f"/hours/{name}")
        for side in ("payout", "revenue"):
            _check(getattr(self, side), f"/{side}", frozenset(self.hours))
        if self.dedupe is not None:
            if len(self.dedupe.shared) > MOST_SHARED:
                raise InvalidField("/dedupe/shared", f"at most {MOST_SHARED:,} telephones")
            for place, one in enumerate(self.dedupe.shared):
                e164(one, f"/dedupe/shared/{place}")


def _check(side: Side, path: str, hours_named: frozenset[str]) -> None:
    if len(side.bonuses) > MOST_BONUSES:
        raise InvalidField(f"{path}/bonuses", f"at most {MOST_BONUSES}")
    places = [(f"{path}/bonuses/{place}", one) for place, one in enumerate(side.bonuses)]
    places += [(f"{path}/base", side.base)] if side.base else []
    seen: set[str] = set()
    for where, policy in places:
        model.text(policy.name, f"{where}/name", 100)
        if policy.name in seen:
            raise InvalidField(f"{where}/name", f"two policies are called {policy.name!r}")
        seen.add(policy.name)
        if (policy.amount is None) == (policy.percent is None):
            raise InvalidField(f"{where}/amount", "either an amount in minor units, or a percent of the sale's value")
        language.parse(policy.when, f"{where}/when", hours_named)


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a call when its terms are applied. None: not known, or not so.

    began_ms, timezone  when it began; `timezone` is the campaign's: hours and days are told by its clock
    talk_s, duration_s  0 while it has none
    region, country     of the caller's area code: ISO 3166-2 (`US-CA`), ISO 3166-1 (`US`)
    publisher           its id
    destination         E.164 of who was connected, or was tried last
    shared_pool         publishers share the number's pool, so that `confidence` says whether it is this publisher's
    last_ms             when the last earlier call of this telephone began that counts, by the terms' `dedupe`; 0: there
                        is none; None: withheld or shared telephones, of which nobody can say
    value               of the sale, in minor units of the campaign's `currency`
    """

    began_ms: int
    timezone: str = "UTC"
    holidays: frozenset[date] = frozenset()
    status: str = "completed"
    answered: bool = False
    talk_s: int = 0
    duration_s: int = 0
    caller: str | None = None
    region: str | None = None
    country: str | None = None
    phone_type: str | None = None
    keys: str | None = None
    source: str | None = None
    medium: str | None = None
    channel: str | None = None
    campaign_name: str | None = None
    keyword: str | None = None
    content: str | None = None
    publisher: str | None = None
    destination: str | None = None
    custom: dict[str, str] | None = None
    params: dict[str, str] | None = None
    confidence: float | None = None
    shared_pool: bool = False
    last_ms: int | None = 0
    sale: bool | None = None
    value: int | None = None
    lead_status: str | None = None
    currency: str = "USD"


class Term(msgspec.Struct, frozen=True, gc=False):
    """One term of a condition, judged: as it is written, whether it holds (None: not known, which does not count as
    holding), and both what was found and what was needed: `talk 74 s, needed 90 s`."""

    text: str
    holds: bool | None
    told: str


class PolicyVerdict(msgspec.Struct, frozen=True, gc=False):
    """`amount`: what it would pay in minor units if it holds; None: a share of a sale that is not told yet."""

    name: str
    holds: bool | None
    amount: int | None
    terms: tuple[Term, ...]


class SideVerdict(msgspec.Struct, frozen=True, gc=False):
    """`policy`: the one that matched, by name; None: none did, and `amount` is 0. `missing`: what would have had to be
    otherwise for the policy that came nearest, `""` where one matched or there is none."""

    policy: str | None = None
    amount: int = 0
    policies: tuple[PolicyVerdict, ...] = ()
    missing: str = ""


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """What the terms say of a call, before budgets and corrections."""

    payout: SideVerdict
    revenue: SideVerdict
