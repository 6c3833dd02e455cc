"""Money as pages list it: balances, bills, disputes, statements and the journal of a call. Pure."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import msgspec

from dni.clock import from_rfc3339
from dni.dashboard import words
from dni.dashboard.words import Badge
from dni.money import Money
from dni.payout.balances import BalanceView, BilledView
from dni.payout.corrections import CorrectionView
from dni.payout.disputes import DisputeView
from dni.payout.journal import PostingView
from dni.payout.statements import StatementLine

STATES = {
    "open": Badge("Open", "live"),
    "granted": Badge("Granted", "good"),
    "denied": Badge("Denied", "bad"),
    "withdrawn": Badge("Withdrawn", "calm"),
}
SIDES = {"payout": "the payout", "revenue": "the bill"}
_KINDS = {
    "verdict": "Judged",
    "outcome": "What became of it",
    "correction": "Corrected",
    "dispute": "Dispute",
    "reattribution": "Credited anew",
}


class Cell(msgspec.Struct, frozen=True):
    """An amount; what is below zero looks so, beside its sign."""

    text: str
    is_minus: bool = False


class Balance(msgspec.Struct, frozen=True):
    publisher: str
    name: str
    earned: Cell
    stated: Cell | None
    open: Cell | None


class Billed(msgspec.Struct, frozen=True):
    campaign: str
    name: str
    advertiser: str
    billed: Cell
    payout: Cell | None
    margin: Cell | None


class Dispute(msgspec.Struct, frozen=True, kw_only=True):
    """`about`: `the payout`; `said`: who opened it when; `ended`: who ended it when, empty while it is open."""

    id: str
    call: str
    about: str
    state: Badge
    is_open: bool
    reason: str
    said: str
    amount: str
    note: str
    ended: str


class Posting(msgspec.Struct, frozen=True):
    """One change of what a call pays; each amount is a difference, with its sign, where there is one."""

    when: str
    kind: str
    reason: str
    amounts: list[tuple[str, Cell]]
    corrects: bool


class Corrected(msgspec.Struct, frozen=True):
    when: str
    by: str
    reason: str
    amounts: list[str]


class Line(msgspec.Struct, frozen=True):
    """Of a statement."""

    call: str
    called: str
    campaign: str
    what: str
    why: str
    amount: Cell


def cell(money: Money) -> Cell:
    return Cell(str(money), money.amount < 0)


def signed(money: Money) -> Cell:
    """`+12.50 USD`, of a difference."""
    return Cell(f"+{money}" if money.amount > 0 else str(money), money.amount < 0)


def balances(found: Sequence[BalanceView]) -> list[Balance]:
    return [
        Balance(
            one.publisher,
            one.publisher_name,
            cell(one.earned),
            _known(one.stated),
            _known(one.open),
        )
        for one in found
    ]


def billed(found: Sequence[BilledView]) -> list[Billed]:
    return [
        Billed(
            one.campaign,
            one.campaign_name,
            one.advertiser or "",
            cell(one.billed),
            _known(one.payout),
            _known(one.margin),
        )
        for one in found
    ]


def dispute(view: DisputeView, zone: ZoneInfo, now_ms: int) -> Dispute:
    ended = ""
    if view.decided_at is not None:
        ended = f"{words.moment(from_rfc3339(view.decided_at), zone, now_ms)}, {(view.decided_by or '')[:80]}"
    return Dispute(
        id=view.id,
        call=view.call,
        about=SIDES.get(view.side, view.side),
        state=STATES.get(view.state, Badge(view.state, "calm")),
        is_open=view.state == "open",
        reason=view.reason,
        said=f"{words.moment(from_rfc3339(view.opened_at), zone, now_ms)}, {view.by[:80]}",
        amount=str(view.amount) if view.amount else "",
        note=view.note or "",
        ended=ended,
    )


def postings(found: Sequence[PostingView], zone: ZoneInfo, now_ms: int) -> list[Posting]:
    return [
        Posting(
            words.moment(from_rfc3339(one.at), zone, now_ms),
            _KINDS.get(one.kind, one.kind),
            one.reason,
            [
                (name, signed(money))
                for name in ("payout", "revenue", "margin")
                if (money := getattr(one, name)) is not None and money.amount
            ],
            one.corrects is not None,
        )
        for one in found
    ]


def corrected(found: Sequence[CorrectionView], seen: Sequence[str], zone: ZoneInfo, now_ms: int) -> list[Corrected]:
    """`seen`: the sides that the reader sees."""

    def amount(one: CorrectionView, side: str) -> str:
        money = getattr(one, side)
        return f"{side} {money or 'as the terms say'}"

    return [
        Corrected(
            words.moment(from_rfc3339(one.at), zone, now_ms), one.by, one.reason, [amount(one, side) for side in seen]
        )
        for one in found
    ]


def line(one: StatementLine, zone: ZoneInfo, now_ms: int) -> Line:
    return Line(
        one.call,
        words.moment(from_rfc3339(one.call_at), zone, now_ms),
        one.campaign_name,
        "Correction" if one.corrects else _KINDS.get(one.kind, one.kind),
        one.reason or one.verdict or "",
        signed(one.amount) if one.corrects else cell(one.amount),
    )


def _known(money: Money | None) -> Cell | None:
    return None if money is None else cell(money)
