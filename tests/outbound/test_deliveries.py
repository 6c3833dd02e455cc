from typing import Any

import pytest
from sqlalchemy import insert, select, update

from dni.errors import Conflict, InvalidField, NotFound
from dni.ids import new_id
from dni.ledger.engines import Ledger
from dni.ledger.schema import delivery, delivery_attempt, endpoint, endpoint_health, outbox
from dni.outbound import deliveries
from dni.outbound.deliveries import DeliveryFilter
from tests.support.world import START_MS

HOUR_MS = 3_600_000


async def told(
    ledger: Ledger, count: int = 1, *, its: str = "end_1", begin: int = 0, kind: str = "call.qualified", **values: Any
) -> list[str]:
    """Deliveries of as many calls to an endpoint, each a second after the one before; `values` change columns."""
    made = [new_id("dlv", START_MS + (begin + n) * 1000) for n in range(count)]
    async with ledger.write() as connection:
        there = await connection.scalar(select(endpoint.c.id).where(endpoint.c.id == its))
        if there is None:
            own = {"id": its, "kind": "webhook", "name": f"Shop {its}", "types": [], "created_at_ms": START_MS}
            await connection.execute(insert(endpoint).values(**own, settings={}, secrets={}))
        for n, one in enumerate(made, begin):
            at_ms = START_MS + n * 1000
            message = {"id": f"msg_{its}_{n}", "type": kind, "at_ms": at_ms, "subject_id": f"call_{n}", "data": "{}"}
            stored = await connection.execute(insert(outbox).values(**message, made_ms=at_ms).returning(outbox.c.seq))
            seq = stored.scalar_one()
            row = {"id": one, "endpoint_id": its, "message_seq": seq, "subject_id": f"call_{n}", "action": "tell"}
            row |= {"state": "delivered", "at_ms": at_ms, "due_ms": at_ms, **values}
            await connection.execute(insert(delivery).values(**row))
    return made


async def ids(ledger: Ledger, limit: int = 100, cursor: str | None = None, **wanted: Any) -> list[str]:
    async with ledger.read() as connection:
        found, _ = await deliveries.page(connection, DeliveryFilter(**wanted), limit, cursor)
    return [view.id for view in found]


async def state(ledger: Ledger, wanted: str) -> Any:
    async with ledger.read() as connection:
        return (await connection.execute(select(delivery).where(delivery.c.id == wanted))).one()


async def test_they_are_listed_newest_first_page_by_page(ledger: Ledger) -> None:
    made = await told(ledger, 5)
    async with ledger.read() as connection:
        first, cursor = await deliveries.page(connection, DeliveryFilter(), 3)
        second, end = await deliveries.page(connection, DeliveryFilter(), 3, cursor)
        with pytest.raises(InvalidField, match="cursor"):
            await deliveries.page(connection, DeliveryFilter(), 3, "x")
    assert [view.id for view in first + second] == made[::-1]
    assert end is None


async def test_a_filter_holds_as_a_whole(ledger: Ledger) -> None:
    delivered = await told(ledger, 2)
    dead = await told(ledger, 2, begin=2, state="dead", why="no answer")
    other = await told(ledger, 2, its="end_2", kind="tag.alert", begin=1)
    assert set(await ids(ledger)) == {*delivered, *dead, *other}
    assert await ids(ledger, endpoint="end_1", state="dead") == dead[::-1]
    assert await ids(ledger, state="dead") == dead[::-1]
    assert await ids(ledger, endpoint="end_2", state="dead") == []
    assert await ids(ledger, type="tag.alert") == other[::-1]
    assert await ids(ledger, call="call_1", endpoint="end_1") == [delivered[1]]
    assert set(await ids(ledger, call="call_1")) == {delivered[1], other[0]}
    assert await ids(ledger, from_ms=START_MS + 1000, to_ms=START_MS + 3000, endpoint="end_1") == [
        dead[0],
        delivered[1],
    ]


async def test_a_rare_one_among_many_is_found_on_a_later_page(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    rare = await told(ledger, 1, state="skipped")
    await told(ledger, 9, begin=1)
    monkeypatch.setattr(deliveries, "_LOOKED_AT", 3)
    found, pages, cursor = [], 0, None
    async with ledger.read() as connection:
        while cursor is not None or not pages:
            views, cursor = await deliveries.page(connection, DeliveryFilter(state="skipped"), 10, cursor)
            found += [view.id for view in views]
            pages += 1
    assert found == rare
    assert pages == 4


async def test_one_is_shown_whole(ledger: Ledger) -> None:
    sent = {"method": "POST", "url": "https://example.com/", "body": "{}"}
    [made] = await told(ledger, state="waiting", attempts=2, why="it answered 500", request=sent)
    async with ledger.write() as connection:
        await connection.execute(update(outbox).values(data='{"call":{"id":"call_0"}}'))
        for n, status in enumerate((None, 500)):
            row = {"id": f"att_{n}", "delivery_id": made, "at_ms": START_MS + n, "took_ms": 7, "result": "again"}
            await connection.execute(insert(delivery_attempt).values(**row, status=status, why="no", answer="oh"))
    async with ledger.read() as connection:
        view = await deliveries.one(connection, made)
        with pytest.raises(NotFound):
            await deliveries.one(connection, "dlv_none")
    assert view.request is not None
    assert view.request.url == "https://example.com/"
    assert view.data == {"call": {"id": "call_0"}}
    assert [one.status for one in view.tries] == [500, None]
    assert (view.call, view.message, view.endpoint_name, view.kind) == (
        "call_0", "msg_end_1_0", "Shop end_1", "webhook",
    )  # fmt: skip
    assert view.next_try_at is not None
    assert view.done_at is None


async def test_what_tells_of_no_call_has_none(ledger: Ledger) -> None:
    [made] = await told(ledger, kind="tag.alert")
    async with ledger.read() as connection:
        view = await deliveries.one(connection, made)
    assert view.call is None
    assert view.subject == "call_0"
    assert view.request is None


async def test_one_is_sent_again_as_if_it_were_new(ledger: Ledger) -> None:
    [made] = await told(ledger, state="dead", why="given up", attempts=9, done_ms=START_MS + 5)
    now_ms = START_MS + 100 * HOUR_MS
    async with ledger.write() as connection:
        await deliveries.again(connection, now_ms, made)
        with pytest.raises(NotFound):
            await deliveries.again(connection, now_ms, "dlv_none")
    row = await state(ledger, made)
    assert (row.state, row.attempts, row.why, row.done_ms) == ("waiting", 0, None, None)
    assert row.at_ms == row.due_ms == now_ms


async def test_nothing_is_sent_again_to_what_was_deleted(ledger: Ledger) -> None:
    [made] = await told(ledger, state="dead")
    async with ledger.write() as connection:
        await connection.execute(update(endpoint).values(deleted_at_ms=START_MS))
        with pytest.raises(Conflict, match="deleted"):
            await deliveries.again(connection, START_MS + 1, made)


async def test_one_that_is_being_sent_stays_as_it_is(ledger: Ledger) -> None:
    lease: dict[str, Any] = {"lease": "l1", "leased_until_ms": START_MS + 60_000, "state": "waiting", "attempts": 1}
    [made] = await told(ledger, **lease)
    async with ledger.write() as connection:
        await deliveries.again(connection, START_MS + 1, made)
    row = await state(ledger, made)
    assert (row.lease, row.attempts) == ("l1", 1)


async def test_an_endpoint_that_is_left_alone_is_tried_at_once(ledger: Ledger) -> None:
    [made] = await told(ledger, state="dead")
    async with ledger.write() as connection:
        health = {"endpoint_id": "end_1", "failures": 9, "not_before_ms": START_MS + 300_000}
        await connection.execute(insert(endpoint_health).values(**health))
        await deliveries.again(connection, START_MS + 7, made)
        row = (await connection.execute(select(endpoint_health))).one()
    assert row.not_before_ms == START_MS + 7
    assert row.failures == 9


async def test_all_since_are_sent_again_of_one_endpoint_and_these_states(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "_TOGETHER", 2)
    dead = await told(ledger, 7, state="dead")
    delivered = await told(ledger, 1, begin=7)
    other = await told(ledger, 1, its="end_2", begin=1, state="dead")
    skipped = await told(ledger, 1, begin=8, state="skipped")
    now_ms = START_MS + HOUR_MS
    sent = await deliveries.all_again(ledger, now_ms, "end_1", START_MS + 2000, ["dead", "skipped", "waiting"])
    assert sent == 6
    waiting = {one for one in (*dead, *delivered, *other, *skipped) if (await state(ledger, one)).state == "waiting"}
    assert waiting == {*dead[2:], *skipped}
    assert await deliveries.all_again(ledger, now_ms, "end_1", START_MS, ["delivered"]) == 1
    assert await deliveries.all_again(ledger, now_ms, "end_1", START_MS, []) == 0


async def test_a_conversion_that_was_skipped_is_not_made_twice(ledger: Ledger) -> None:
    skipped = [*await told(ledger, action="convert", state="skipped"), *await told(ledger, begin=1, state="skipped")]
    later = await told(ledger, 2, begin=2, action="convert", state="skipped")
    async with ledger.write() as connection:
        await connection.execute(update(delivery).values(subject_id="call_1"))
    assert await deliveries.all_again(ledger, START_MS, "end_1", START_MS, ["skipped"]) == 2
    waiting = {one for one in (*skipped, *later) if (await state(ledger, one)).state == "waiting"}
    assert waiting == {skipped[1], later[1]}
    async with ledger.write() as connection:
        with pytest.raises(Conflict, match="a later message"):
            await deliveries.again(connection, START_MS, skipped[0])
        await deliveries.again(connection, START_MS, later[1])
