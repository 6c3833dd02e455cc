"""What calls pay, reckoned from the facts as they are in the end: call by call, in the order in which they began."""

from typing import Any

import msgspec

from dni.qualification.facts_of import facts_of
from dni.qualification.judge import judge
from dni.qualification.model import Dedupe, Terms, Verdict

Row = dict[str, Any]
Pays = tuple[bool | None, int | None, int | None]
"""Whether it qualifies, payout, revenue."""


class ByHand:
    """Rows of the ledger's tables, all of them; `advertisers` by campaign."""

    def __init__(self, calls: list[Row], terms: list[Row], adjustments: list[Row], advertisers: dict[str, str]) -> None:
        self._terms, self._adjustments, self._advertisers = terms, adjustments, advertisers
        self.pays: dict[str, Pays] = {}
        self._done: list[Row] = []
        for call in sorted(calls, key=lambda row: (row["started_at_ms"], row["id"])):
            self.pays[call["id"]] = self._pays(call)
            self._done.append(call)

    def _pays(self, call: Row) -> Pays:
        verdict, put = self._verdict(call), self._put(call)
        if verdict is None and put is None:
            return None, None, None
        qualified, payout, revenue = False, 0, 0
        if verdict is not None:
            qualified = verdict.payout.policy is not None
            payout, revenue = verdict.payout.amount, verdict.revenue.amount
        if put is not None and put["payout"] is not None:
            payout, qualified = put["payout"], put["payout"] > 0
        if put is not None and put["revenue"] is not None:
            revenue = put["revenue"]
        return qualified, payout if call["publisher_id"] else 0, revenue

    def _put(self, call: Row) -> Row | None:
        mine = [row for row in self._adjustments if row["call_id"] == call["id"]]
        return max(mine, key=lambda row: row["at_ms"]) if mine else None

    def _verdict(self, call: Row) -> Verdict | None:
        owners = (call["publisher_id"], None) if call["publisher_id"] else (None,)
        settings = next((found for owner in owners if (found := self._settings(call, owner))), None)
        if settings is None:
            return None
        terms = msgspec.convert(settings, Terms)
        how = terms.dedupe or Dedupe()
        last_ms: int | None = None
        if call["caller"] and call["caller"] not in how.shared:
            last_ms = max((row["started_at_ms"] for row in self._done if self._counts(call, row, how)), default=0)
        return judge(terms, facts_of(call, timezone="America/New_York", last_ms=last_ms))

    def _settings(self, call: Row, publisher: str | None) -> Row | None:
        begun = [
            row
            for row in self._terms
            if (row["campaign_id"], row["publisher_id"]) == (call["campaign_id"], publisher)
            and row["from_ms"] <= call["started_at_ms"]
        ]
        last = max(begun, key=lambda row: (row["from_ms"], row["created_at_ms"]), default=None)
        settings: Row | None = last and last["settings"]
        return settings

    def _counts(self, call: Row, earlier: Row, how: Dedupe) -> bool:
        if earlier["caller"] != call["caller"]:
            return False
        connected = earlier["answered_at_ms"] is not None and earlier["status"] != "rejected"
        if not (self.pays[earlier["id"]][0] if how.counts == "paid" else connected):
            return False
        if how.scope == "destination":
            return bool(earlier["destination"] == call["destination"])
        if how.scope == "advertiser" and (advertiser := self._advertisers.get(call["campaign_id"])):
            return self._advertisers.get(earlier["campaign_id"]) == advertiser
        return bool(earlier["campaign_id"] == call["campaign_id"])
