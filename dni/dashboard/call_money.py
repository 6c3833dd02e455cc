"""What a call pays and why, as its page shows it: its verdict, what people put in its place, and the journal."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import msgspec

from dni.access.model import Principal
from dni.call.views import CallView
from dni.dashboard import payout_rows, verdict_story
from dni.dashboard.payout_rows import Corrected, Dispute, Posting
from dni.dashboard.verdict_story import VerdictStory
from dni.errors import NotFound
from dni.parts import Parts
from dni.payout import corrections, disputes, journal
from dni.payout.disputes import DisputeFilter
from dni.payout.journal import PostingFilter
from dni.qualification import verdicts

_SHOWN = 100
"""Of postings, corrections and disputes each; nobody makes so many of one call."""


class CallMoney(msgspec.Struct, frozen=True, kw_only=True):
    """`verdict` None: it is not judged. `may_dispute`: there is something to dispute, and none of his is open."""

    verdict: VerdictStory | None
    corrections: Sequence[Corrected]
    disputes: Sequence[Dispute]
    postings: Sequence[Posting]
    may_dispute: bool

    @property
    def is_empty(self) -> bool:
        return self.verdict is None and not (self.corrections or self.disputes or self.postings)


async def of_call(parts: Parts, principal: Principal, call: CallView, zone: ZoneInfo) -> CallMoney | None:
    """None for a call of no campaign, which pays nothing."""
    if call.campaign is None:
        return None
    now_ms = parts.clock.now_ms()
    async with parts.ledger.read() as connection:
        verdict: VerdictStory | None
        try:
            verdict = verdict_story.describe(await verdicts.one(connection, principal, call.id))
        except NotFound:
            verdict = verdict_story.without(call)
        corrected = await corrections.of_call(connection, principal, call.id)
        asked, _ = await disputes.page(connection, principal, _SHOWN, None, DisputeFilter(call=call.id))
        posted, _ = await journal.page(connection, principal, PostingFilter(call=call.id), _SHOWN)
    seen = [side for side in corrections.SIDES if getattr(principal, f"sees_{side}")]
    still_open = {one.side for one in asked if one.state == "open"}
    return CallMoney(
        verdict=verdict,
        corrections=payout_rows.corrected(corrected, seen, zone, now_ms),
        disputes=[payout_rows.dispute(one, zone, now_ms) for one in asked],
        postings=payout_rows.postings(posted, zone, now_ms),
        may_dispute=principal.may_dispute and call.qualification is not None and not still_open >= set(seen),
    )
