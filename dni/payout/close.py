"""Closes a publisher's period: all that is on no statement yet, of calls before its end, comes on a new one."""

from typing import Any

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from dni import ids, money
from dni.access.model import Principal
from dni.campaign.model import Id, Timezone, timezone
from dni.clock import rfc3339
from dni.errors import Conflict, InvalidField
from dni.ledger.schema import call, campaign, posting, publisher
from dni.money import Money
from dni.outbound import outbox
from dni.payout import model, statements
from dni.payout.model import Period
from dni.payout.statements import PreviewView


class NewStatement(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`to` is not within; a day begins at midnight of `timezone`. Left out: `currency` is the only one that there is,
    `from` the end of the publisher's last statement, else the day of its first call, `timezone` that of the last
    statement, else the campaigns' where they have one. `month` stands for `from` and `to`."""

    publisher: Id
    currency: str | None = None
    from_: str | None = msgspec.field(default=None, name="from")
    to: str | None = None
    month: str | None = None
    timezone: Timezone | None = None

    def __post_init__(self) -> None:
        if (self.to is None) == (self.month is None):
            raise InvalidField("/to", "either to, a day such as 2026-12-01 or a time, or a month such as 2026-11")
        if self.month is not None and self.from_ is not None:
            raise InvalidField("/from", "a month has its own")
        if self.timezone is not None:
            timezone(self.timezone)
        if self.currency is not None:
            self.currency = money.currency(self.currency)


async def close(connection: AsyncConnection, principal: Principal, now_ms: int, new: NewStatement) -> str:
    """The id of the new statement. Raises InvalidField, Conflict `period_closed` for one that begins before the last
    one ends, `nothing_to_state`."""
    # Who closes another period of this publisher waits here; who posts for it does not.
    await connection.execute(
        select(publisher.c.id).where(publisher.c.id == new.publisher).with_for_update(key_share=True)
    )
    _, currency, period = await _meant(connection, now_ms, new)
    made: dict[str, Any] = {"id": ids.new_id("sta", now_ms), "publisher_id": new.publisher, "currency": currency}
    made |= {"from_ms": period.from_ms, "to_ms": period.to_ms, "timezone": period.timezone, "closed_at_ms": now_ms}
    sums = await statements.take(connection, {**made, "by_id": principal.id, "by_name": principal.name})
    if not sums.campaigns:
        raise _nothing(model.told(period))
    await outbox.tell(connection, "statement.closed", made["id"], now_ms)
    return str(made["id"])


async def preview(connection: AsyncConnection, now_ms: int, new: NewStatement) -> PreviewView:
    """Raises as `close` does, but for `nothing_to_state`."""
    name, currency, period = await _meant(connection, now_ms, new)
    chosen = statements.unstated(new.publisher, currency, period.to_ms)
    sums = await statements.add_up(connection, chosen, period.from_ms)
    waits = (call.c.publisher_id == new.publisher) & (call.c.started_at_ms < period.to_ms)
    waiting = select(func.count()).select_from(call).where(call.c.unsettled_ms.is_not(None), waits)
    return PreviewView(
        publisher=new.publisher,
        publisher_name=name,
        amount=Money(sums.amount, currency),
        calls=sums.calls,
        waiting=await connection.scalar(waiting) or 0,
        **statements.told(period),
        **statements.parted(sums, currency),
    )


async def _meant(connection: AsyncConnection, now_ms: int, new: NewStatement) -> tuple[str, str, Period]:
    """The publisher's name, the currency and the period."""
    name = await connection.scalar(select(publisher.c.name).where(publisher.c.id == new.publisher))
    if name is None:
        raise InvalidField("/publisher", f"there is no publisher {new.publisher}")
    currency = new.currency or await _only_currency(connection, new.publisher)
    last = await statements.last(connection, new.publisher, currency)
    zone = new.timezone or (last["timezone"] if last else await _zone(connection, new.publisher))
    if new.month is not None:
        path = "/month"
        from_ms, to_ms = model.month_ms(new.month, zone)
    else:
        path = "/to"
        to_ms = model.bound_ms(str(new.to), zone, path)
        from_ms = await _from_ms(connection, new, currency, last, zone)
    if to_ms > now_ms:
        raise InvalidField(path, f"the period is not over: it ends at {rfc3339(to_ms)}")
    if last is not None and min(from_ms, to_ms - 1) < last["to_ms"]:
        raise Conflict(
            f"statement {last['id']} closed all before {rfc3339(last['to_ms'])}: begin there", code="period_closed"
        )
    if to_ms <= from_ms:
        raise InvalidField(path, f"later than its begin, {rfc3339(from_ms)}")
    return name, currency, Period(from_ms, to_ms, zone)


async def _from_ms(connection: AsyncConnection, new: NewStatement, currency: str, last: Any, zone: str) -> int:
    if new.from_ is not None:
        return model.bound_ms(new.from_, zone, "/from")
    if last is not None:
        return int(last["to_ms"])
    of_it = (posting.c.publisher_id == new.publisher) & (posting.c.currency == currency)
    first = await connection.scalar(select(func.min(posting.c.call_at_ms)).where(of_it))
    if first is None:
        raise _nothing(f"in {currency}")
    return model.day_of(first, zone)


async def _only_currency(connection: AsyncConnection, owner: str) -> str:
    query = select(posting.c.currency).where(posting.c.publisher_id == owner).distinct().order_by(posting.c.currency)
    found = (await connection.execute(query)).scalars().all()
    if not found:
        raise _nothing("yet")
    if len(found) > 1:
        raise InvalidField("/currency", f"say which: {', '.join(found)}")
    return str(found[0])


async def _zone(connection: AsyncConnection, owner: str) -> str:
    of_it = select(posting.c.campaign_id).where(posting.c.publisher_id == owner)
    query = select(campaign.c.timezone).where(campaign.c.id.in_(of_it)).distinct()
    found = (await connection.execute(query)).scalars().all()
    return str(found[0]) if len(found) == 1 else "UTC"


def _nothing(when: str) -> Conflict:
    return Conflict(f"there is nothing to state {when}", code="nothing_to_state")
