"""What a report groups by and counts: every figure is defined here, once. Pure."""

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from dni.errors import InvalidField
from dni.ledger.schema import KEPT_MODELS, SUBS
from dni.money import Money
from dni.report.amounts import Seen

_HOW = ("source", "medium", "campaign_name", "keyword", "content", "channel", "landing_page", "device", "region")
OF_TOUCH = (*_HOW, *SUBS)
"""Of sessions, and of calls by the touches that led to them. A landing page is told without its query."""
OF_OWNER = ("campaign", "publisher", "tag")
OF_TIME = ("day", "weekday", "hour")
"""Of a session's begin or a call's first ring, in its campaign's time zone. `weekday`: 1 is Monday."""
OF_CALL = ("number", "first_time")
"""Of calls alone: a report by these has no sessions."""
DIMENSIONS = (*OF_TOUCH, *OF_OWNER, *OF_TIME, *OF_CALL)

MODELS = KEPT_MODELS
Model = Literal["first_touch", "last_touch", "last_non_direct", "linear", "position_based", "time_decay"]
MOST_DIMENSIONS = 4


class ReportFilter(msgspec.Struct, kw_only=True):
    """All that are given must hold. `from_ms` is within, `to_ms` is not; `campaign`, `publisher`, `tag` are ids; texts
    match whole, whatever the case of their ASCII letters. No session has `number` and `first_time`: calls alone do.
    `currency`: of the amounts; it leaves out no call. None: that of the most judged calls."""

    from_ms: int
    to_ms: int
    campaign: str | None = None
    publisher: str | None = None
    tag: str | None = None
    source: str | None = None
    medium: str | None = None
    campaign_name: str | None = None
    keyword: str | None = None
    content: str | None = None
    channel: str | None = None
    landing_page: str | None = None
    device: str | None = None
    region: str | None = None
    sub1: str | None = None
    sub2: str | None = None
    sub3: str | None = None
    sub4: str | None = None
    sub5: str | None = None
    number: str | None = None
    first_time: bool | None = None
    currency: str | None = None

    @property
    def texts(self) -> dict[str, str]:
        """What is asked for of the dimensions that are words."""
        named = {name: getattr(self, name) for name in (*OF_TOUCH, "number")}
        return {name: text for name, text in named.items() if text is not None}

    @property
    def of_calls_alone(self) -> bool:
        return self.number is not None or self.first_time is not None


class ReportRow(msgspec.Struct, kw_only=True):
    """One group; it names what it is grouped by, null where that is not set.

    sessions            visits that began; null where the report is grouped by what only calls have
    leased              of these, those that got a number of a pool
    calls               calls that rang, each shared by the credit model among the touches of the visitor whom it is
                        credited to; a call that is nobody's counts where nothing is set
    expected_calls      the same shared among all visitors who may have called, each by his probability; what is
                        nobody's is in no row
    first_time_callers  calls from telephones that never called this campaign before; withheld ones are none
    answered            calls that were connected
    duration            seconds from first ring to end, of all calls together
    mean_duration       of one call
    talk_seconds        seconds spoken
    calls_per_100_sessions
    qualified           calls that a payout policy matches, for an advertiser a revenue policy; null: none was judged
    payout, revenue     what they pay now, in the report's currency; each call's amount is divided in whole minor units
                        among its touches, so rows sum to the total. Null: none was judged, or it is not the reader's to
                        know; so is `margin`, revenue less payout
    payout_per_qualified  of one qualified call; null where other currencies are among the calls
    elsewhere           judged calls to campaigns of other currencies: their money is not in these figures
    """

    source: str | UnsetType | None = UNSET
    medium: str | UnsetType | None = UNSET
    campaign_name: str | UnsetType | None = UNSET
    keyword: str | UnsetType | None = UNSET
    content: str | UnsetType | None = UNSET
    channel: str | UnsetType | None = UNSET
    landing_page: str | UnsetType | None = UNSET
    device: str | UnsetType | None = UNSET
    region: str | UnsetType | None = UNSET
    sub1: str | UnsetType | None = UNSET
    sub2: str | UnsetType | None = UNSET
    sub3: str | UnsetType | None = UNSET
    sub4: str | UnsetType | None = UNSET
    sub5: str | UnsetType | None = UNSET
    campaign: str | UnsetType | None = UNSET
    publisher: str | UnsetType | None = UNSET
    tag: str | UnsetType | None = UNSET
    day: str | UnsetType | None = UNSET
    weekday: int | UnsetType | None = UNSET
    hour: int | UnsetType | None = UNSET
    number: str | UnsetType | None = UNSET
    first_time: bool | UnsetType | None = UNSET
    sessions: int | None = None
    leased: int | None = None
    calls: float = 0.0
    expected_calls: float = 0.0
    first_time_callers: float = 0.0
    answered: float = 0.0
    duration: float = 0.0
    mean_duration: float | None = None
    talk_seconds: float = 0.0
    calls_per_100_sessions: float | None = None
    qualified: float | None = None
    payout: Money | None = None
    revenue: Money | None = None
    margin: Money | None = None
    payout_per_qualified: Money | None = None
    elsewhere: float = 0.0


class Sums(msgspec.Struct, frozen=True):
    """Of one group. What is shared is in millionths, so that groups add up exactly; amounts are in minor units."""

    sessions: int = 0
    leased: int = 0
    calls: int = 0
    first: int = 0
    answered: int = 0
    duration: int = 0
    talk: int = 0
    expected: float = 0.0
    judged: int = 0
    elsewhere: int = 0
    qualified: int = 0
    billable: int = 0
    payout: int = 0
    revenue: int = 0

    def row(
        self, seen: Seen, names: tuple[str, ...] = (), key: tuple[object, ...] = (), *, of_calls_alone: bool = False
    ) -> ReportRow:
        row = ReportRow(
            calls=self.calls / 1e6,
            expected_calls=round(self.expected, 4),
            first_time_callers=self.first / 1e6,
            answered=self.answered / 1e6,
            duration=round(self.duration / 1e6, 1),
            mean_duration=round(self.duration / self.calls, 1) if self.calls else None,
            talk_seconds=round(self.talk / 1e6, 1),
        )
        for name, value in zip(names, key, strict=True):
            setattr(row, name, value)
        if not of_calls_alone and not set(names) & set(OF_CALL):
            row.sessions, row.leased = self.sessions, self.leased
            row.calls_per_100_sessions = round(self.calls / self.sessions / 1e4, 2) if self.sessions else None
        self._add_money(row, seen)
        return row

    def _add_money(self, row: ReportRow, seen: Seen) -> None:
        row.elsewhere = self.elsewhere / 1e6
        if self.judged or self.elsewhere:
            row.qualified = (self.qualified if seen.payout else self.billable) / 1e6
        if not self.judged:
            return
        if seen.payout:
            row.payout = Money(self.payout, seen.currency)
            if self.qualified and not self.elsewhere:
                row.payout_per_qualified = Money(round(self.payout * 1e6 / self.qualified), seen.currency)
        if seen.revenue:
            row.revenue = Money(self.revenue, seen.currency)
        if seen.payout and seen.revenue:
            row.margin = Money(self.revenue - self.payout, seen.currency)


def dimensions(text: str) -> tuple[str, ...]:
    """Of a list with commas; empty: all in one group. Raises InvalidField at /group_by."""
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    unknown = [name for name in names if name not in DIMENSIONS]
    if unknown:
        raise InvalidField("/group_by", f"{unknown[0][:80]!r} is none of {', '.join(DIMENSIONS)}")
    if len(names) > MOST_DIMENSIONS:
        raise InvalidField("/group_by", f"at most {MOST_DIMENSIONS} of them")
    return names
