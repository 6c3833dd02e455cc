"""Campaigns with terms, publishers and calls in a ledger: all through the stores that the service itself writes by."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import insert, select, update

from dni import ids
from dni.access.model import Principal
from dni.attribution.model import Attribution, Candidate
from dni.call import calls, credits
from dni.call.told import Recorded, Told
from dni.campaign import declare
from dni.ledger import schema
from dni.ledger.engines import Ledger
from dni.qualification.model import Policy, Side, Terms
from dni.qualification.settle import settle_call
from dni.session.model import Touch

START_MS = 1_790_000_000_000  # 2026-09-21T14:13:20Z, a Monday
DAY = 86_400_000
ADMIN = Principal("tok_admin", "Ann", "admin")
CALLER, OTHER = "+14155550142", "+12125550143"
BUYER = "+14155550199"
ADVERTISERS = {"cmp_1": "Roofers Inc", "cmp_2": "Roofers Inc"}
PAYS, BILLS = 2_500, 4_000


def terms(when: str = "talk >= 60s", **more: Any) -> Terms:
    """Both sides alike: so much to the publisher, so much from the advertiser."""
    pays = {"payout": PAYS, "revenue": BILLS}
    sides = {side: Side(base=Policy(name="Base", when=when, amount=amount)) for side, amount in pays.items()}
    return Terms(**{**sides, **more})


class Trade:
    """`cmp_1`, `cmp_2` of one advertiser and `cmp_3` of none; `pub_1` and `pub_2`; a SIP server `car_1`."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.now_ms = START_MS
        self.ids: dict[str, str] = {}

    async def open(self) -> None:
        at = {"created_at_ms": START_MS}
        campaign = {"destination": BUYER, "timezone": "America/New_York", "currency": "USD", **at}
        carrier = {"id": "car_1", "kind": "generic", "name": "SIP", "account_sid": "sip", "auth_token": "t", **at}
        async with self.ledger.write() as connection:
            for name in ("cmp_1", "cmp_2", "cmp_3"):
                values = {"id": name, "name": name, "advertiser": ADVERTISERS.get(name), **campaign}
                await connection.execute(insert(schema.campaign).values(values))
            for name in ("pub_1", "pub_2"):
                await connection.execute(insert(schema.publisher).values(id=name, name=name, **at))
            await connection.execute(insert(schema.carrier).values(carrier))

    async def put(self, settings: Terms | None, campaign: str = "cmp_1", publisher: str | None = None) -> str | None:
        """From now on."""
        async with self.ledger.write() as connection:
            return await declare.terms(connection, ADMIN, self.now_ms, campaign, publisher, None, settings)

    async def rings(self, name: str, at_ms: int, caller: str | None = CALLER, **more: Any) -> Recorded:
        """A call begins; see `told`."""
        fields = {"to": "+14155550120", **({"from": caller} if caller else {})}
        return await self.told(name, fields, at_ms, inbound=True, **more)

    async def answered(self, name: str, at_ms: int, **more: Any) -> Recorded:
        return await self.told(name, {"event": "answered", "destination": BUYER}, at_ms, **more)

    async def ended(self, name: str, at_ms: int, talk_s: int, **more: Any) -> Recorded:
        return await self.told(name, {"event": "ended", "destination": BUYER, "talk_s": str(talk_s)}, at_ms, **more)

    async def told(
        self,
        name: str,
        fields: dict[str, str],
        at_ms: int,
        *,
        inbound: bool = False,
        campaign: str | None = "cmp_1",
        publisher: str | None = "pub_1",
        attribution: Attribution | None = None,
    ) -> Recorded:
        """One event of a call, as the SIP server tells it."""
        told = Told(
            carrier="car_1",
            port="generic",
            inbound=inbound,
            received_ms=self.now_ms,
            fields={"call_id": name, "time_ms": str(at_ms), **fields},
            campaign=campaign,
            publisher=publisher,
            attribution=attribution or (Attribution(method="static") if inbound else None),
        )
        done = await self.ledger.commit(lambda connection: calls.record(connection, self.ledger, told))
        self.ids[name] = done.id
        return done

    async def call(self, name: str, at_ms: int, talk_s: int = 90, caller: str | None = CALLER, **more: Any) -> str:
        """A whole call, not settled yet; its id."""
        await self.rings(name, at_ms, caller, **more)
        await self.answered(name, at_ms + 5_000, **more)
        return (await self.ended(name, at_ms + 5_000 + talk_s * 1000, talk_s, **more)).id

    async def credit_anew(self, call_id: str, publisher: str, confidence: float = 0.9) -> None:
        found = Attribution(
            method="current",
            touch=Touch(source="google"),
            session="ses_1",
            visitor="vis_1",
            publisher=publisher,
            candidates=(Candidate("ses_1", confidence, "it was on the page"),),
        )
        self.now_ms += 1
        async with self.ledger.write() as connection:
            row = (await connection.execute(select(schema.call).where(schema.call.c.id == call_id))).mappings().one()
            if row["method"] is None:
                await credits.credit(connection, call_id, found, row["campaign_id"], self.now_ms)
            else:
                await credits.credit_anew(connection, row, found, self.now_ms)

    async def adjust(self, call_id: str, payout: int | None = None, revenue: int | None = None) -> None:
        self.now_ms += 1
        values = {"id": ids.new_id("adj", self.now_ms), "call_id": call_id, "at_ms": self.now_ms, "reason": "agreed"}
        values |= {"payout": payout, "revenue": revenue, "by_id": ADMIN.id, "by_name": ADMIN.name}
        async with self.ledger.write() as connection:
            mine = schema.call.c.id == call_id
            await connection.execute(update(schema.call).where(mine).values(unsettled_ms=self.now_ms))
            await connection.execute(insert(schema.adjustment).values(values))

    async def settle(self, *call_ids: str) -> None:
        """These alone; without any, all that wait, until none does."""
        for one in call_ids:
            await self.ledger.commit(partial(settle_call, call_id=one, now_ms=self.now_ms))
        while not call_ids and (waiting := await self.unsettled()):
            await self.settle(*waiting)

    async def unsettled(self) -> Sequence[str]:
        wanted = select(schema.call.c.id).where(schema.call.c.unsettled_ms.is_not(None))
        async with self.ledger.read() as connection:
            return (await connection.execute(wanted.order_by(schema.call.c.unsettled_ms))).scalars().all()

    async def rows(self, table: Any) -> list[dict[str, Any]]:
        async with self.ledger.read() as connection:
            found = await connection.execute(select(table).order_by(*table.primary_key.columns))
            return [dict(row) for row in found.mappings()]

    async def row(self, call_id: str) -> dict[str, Any]:
        [found] = [row for row in await self.rows(schema.call) if row["id"] == call_id]
        return found

    async def pays(self, call_id: str) -> tuple[bool | None, int | None, int | None]:
        """Whether it qualifies, payout, revenue."""
        row = await self.row(call_id)
        return row["qualified"], row["payout"], row["revenue"]

    async def posted(self, call_id: str) -> list[tuple[str, str | None, int, int]]:
        """The call's postings from the first to the last: kind, publisher, payout, revenue."""
        found = {row["corrects_id"]: row for row in await self.rows(schema.posting) if row["call_id"] == call_id}
        told, last = [], None
        while last in found:
            row = found[last]
            told.append((row["kind"], row["publisher_id"], row["payout"], row["revenue"]))
            last = row["id"]
        assert len(told) == len(found)
        return told
