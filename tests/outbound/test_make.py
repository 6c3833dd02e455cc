"""Each endpoint gets one delivery of what it asks for, and all get the same words, whatever is cut off and however
many make them at once."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine, event, insert, null, text, update

from dni.attribution.model import Attribution, Candidate
from dni.call import outcomes
from dni.call.outcome import TellOutcome
from dni.call.search import one_call
from dni.errors import Unavailable
from dni.ledger import schema
from dni.outbound import outbox
from dni.outbound.make import make
from dni.outbound.model import TYPES, Type
from dni.parts import Parts
from dni.payout.close import NewStatement, close
from dni.privacy.messages import forget_told
from tests.support import world
from tests.support.trade import ADMIN, DAY, PAYS, START_MS, Trade, terms
from tests.support.until import until

MINUTE = 60_000
SESSION = {
    "id": "ses_1",
    "visitor_id": "vis_1",
    "tag_id": "tag_1",
    "campaign_id": "cmp_1",
    "started_at_ms": START_MS - MINUTE,
    "last_seen_ms": START_MS,
    "page_views": 3,
    "consent": "granted",
    "ids": {"ga": "123.456", "_fbp": "fb.1.2.3"},
    "custom": {"plan": "gold"},
    "params": {"transaction_id": "T-1"},
    "device": "phone",
    "city": "Oakland",
}
VISITED = Attribution(
    method="current", session="ses_1", visitor="vis_1", candidates=(Candidate("ses_1", 0.9, "it was on the page"),)
)


@pytest.fixture
async def trade(parts: Parts) -> Trade:
    made = Trade(parts.ledger)
    await made.open()
    return made


async def add(trade: Trade, name: str, kind: str = "webhook", types: tuple[Type, ...] = TYPES, **what: Any) -> None:
    values = {"id": name, "kind": kind, "name": name, "types": list(types), "only": {}, "settings": {}, "secrets": {}}
    async with trade.ledger.write() as connection:
        await connection.execute(insert(schema.endpoint).values(**values | {"created_at_ms": START_MS} | what))


async def visited(trade: Trade) -> str:
    """A call from a visit, that ended and was settled."""
    async with trade.ledger.write() as connection:
        await connection.execute(insert(schema.session).values(SESSION))
    call = await trade.call("a", START_MS, attribution=VISITED)
    await trade.settle()
    return call


async def deliveries(trade: Trade) -> list[tuple[str, str, str]]:
    """Endpoint, type and action, in the order of what happened."""
    types = {row["seq"]: row["type"] for row in await trade.rows(schema.outbox)}
    found = await trade.rows(schema.delivery)
    found.sort(key=lambda row: (row["message_seq"], row["endpoint_id"]))
    return [(row["endpoint_id"], types[row["message_seq"]], row["action"]) for row in found]


async def of(trade: Trade, endpoint: str) -> list[tuple[str, str]]:
    return [(what, action) for one, what, action in await deliveries(trade) if one == endpoint]


async def said(trade: Trade, what: str) -> dict[str, Any]:
    """By the last message of this type."""
    found = [row for row in await trade.rows(schema.outbox) if row["type"] == what]
    told: dict[str, Any] = json.loads(found[-1]["data"])
    return told


async def test_each_gets_what_it_asks_for(parts: Parts, trade: Trade) -> None:
    await trade.put(terms())
    await add(trade, "all")
    await add(trade, "few", types=("call.completed",))
    await add(trade, "others", campaign_id="cmp_2")
    await add(trade, "paused", types=("call.started",), paused=True)
    await add(trade, "gone", deleted_at_ms=START_MS)
    call = await visited(trade)
    assert await make(parts) == 4
    assert await deliveries(trade) == [
        ("all", "call.started", "tell"),
        ("paused", "call.started", "tell"),
        ("all", "call.attributed", "tell"),
        ("all", "call.completed", "tell"),
        ("few", "call.completed", "tell"),
        ("all", "call.qualified", "tell"),
    ]
    now_ms = parts.clock.now_ms()
    for row in await trade.rows(schema.delivery):
        assert (row["state"], row["subject_id"], row["attempts"]) == ("waiting", call, 0)
        assert (row["at_ms"], row["due_ms"], row["lease"]) == (now_ms, now_ms, None)
    for row in await trade.rows(schema.outbox):
        assert (row["made_ms"], row["campaign_id"], row["publisher_id"]) == (now_ms, "cmp_1", "pub_1")
    assert await make(parts) == 0


async def test_what_nobody_wants_is_done_without_a_word(parts: Parts, trade: Trade) -> None:
    await add(trade, "few", types=("call.completed",))
    await trade.rings("a", START_MS)
    assert await make(parts) == 2
    assert await trade.rows(schema.delivery) == []
    assert {(row["made_ms"], row["data"]) for row in await trade.rows(schema.outbox)} == {(parts.clock.now_ms(), None)}
    assert await make(parts) == 0


async def test_a_message_has_the_call_as_staff_reads_it_and_its_visit(parts: Parts, trade: Trade) -> None:
    await trade.put(terms())
    await add(trade, "all")
    call = await visited(trade)
    await make(parts)
    told = await said(trade, "call.qualified")
    assert set(told) == {"call", "visit", "campaign", "publisher", "others", "change"}
    view = await one_call(parts.ledger, ADMIN, call)
    assert told["call"] == as_json(view)
    assert told["call"]["payout"] == {"amount": PAYS, "currency": "USD"}
    assert told["visit"] == {
        "session": "ses_1",
        "visitor": "vis_1",
        "started_at": "2026-09-21T14:12:20.000+00:00",
        "page_views": 3,
        "consent": "granted",
        "ids": {"ga": "123.456", "_fbp": "fb.1.2.3"},
        "custom": {"plan": "gold"},
        "device": "phone",
        "browser": None,
        "os": None,
        "language": None,
        "timezone": None,
        "country": None,
        "region": None,
        "city": "Oakland",
        "title": None,
        "params": {"transaction_id": "T-1"},
    }
    assert told["campaign"] == {
        "id": "cmp_1",
        "name": "cmp_1",
        "timezone": "America/New_York",
        "currency": "USD",
        "advertiser": "Roofers Inc",
    }
    assert told["publisher"] == {"id": "pub_1", "name": "pub_1"}
    assert told["change"] is None


async def test_sessions_of_others_who_share_the_pool_are_named_as_such(parts: Parts, trade: Trade) -> None:
    await add(trade, "all")
    async with trade.ledger.write() as connection:
        for name, publisher in (("ses_1", "pub_1"), ("ses_2", "pub_2"), ("ses_3", "pub_1")):
            await connection.execute(insert(schema.session).values({**SESSION, "id": name, "publisher_id": publisher}))
    candidates = tuple(Candidate(f"ses_{n}", 0.3, "it was on the page") for n in (1, 2, 3))
    attribution = msgspec.structs.replace(VISITED, candidates=candidates, publisher="pub_1")
    await trade.call("a", START_MS, attribution=attribution)
    await make(parts)
    assert (await said(trade, "call.attributed"))["others"] == ["ses_2"]


async def test_a_call_of_nobody_has_neither_visit_nor_campaign(parts: Parts, trade: Trade) -> None:
    await add(trade, "all")
    await trade.rings("a", START_MS, campaign=None, publisher=None)
    await make(parts)
    told = await said(trade, "call.started")
    assert (told["visit"], told["campaign"], told["publisher"], told["change"]) == (None, None, None, None)


async def test_a_message_tells_what_changed(parts: Parts, trade: Trade) -> None:
    await trade.put(terms())
    await add(trade, "all")
    call = await visited(trade)
    async with trade.ledger.write() as connection:
        outcome = await outcomes.tell(connection, ADMIN, trade.now_ms, call, TellOutcome(sale=True, note="a roof"))
    await trade.adjust(call, payout=1)
    await trade.credit_anew(call, "pub_1", confidence=0.6)
    await trade.settle()
    await make(parts)
    assert (await said(trade, "outcome.recorded"))["change"] == as_json(outcome)
    assert (await said(trade, "call.attributed"))["change"] == {
        "session": {"before": "ses_1", "after": "ses_1"},
        "confidence": {"before": 0.9, "after": 0.6},
    }
    change = (await said(trade, "call.corrected"))["change"]
    assert (change["kind"], change["payout"]["after"]) == ("correction", {"amount": 1, "currency": "USD"})


async def test_what_is_said_stays_as_it_was_when_it_was_made(parts: Parts, trade: Trade) -> None:
    await add(trade, "all")
    await trade.rings("a", START_MS)
    await make(parts)
    first = await said(trade, "call.started")
    await trade.ended("a", START_MS + 95_000, 90)
    await make(parts)
    assert await said(trade, "call.started") == first
    assert first["call"]["status"] != (await said(trade, "call.completed"))["call"]["status"]


@pytest.mark.parametrize("most", [1, 200])
async def test_a_conversion_is_told_once_and_then_its_changes(parts: Parts, trade: Trade, most: int) -> None:
    """In one round as in several."""
    await trade.put(terms())
    types: tuple[Type, ...] = ("call.qualified", "call.corrected", "outcome.recorded")
    await add(trade, "adjusts", "postback", types)
    await add(trade, "paid", "postback", types, only={"qualified": True})
    await add(trade, "talks", "postback", types, only={"min_talk_seconds": 91})
    await add(trade, "once", "meta", types)
    call = await visited(trade)
    await trade.adjust(call, payout=0)
    await trade.settle()
    await trade.adjust(call, payout=PAYS)
    await trade.settle()
    while await make(parts, most):
        pass
    changed = [("call.corrected", "adjust"), ("call.corrected", "adjust")]
    assert await of(trade, "adjusts") == [("call.qualified", "convert"), *changed]
    assert await of(trade, "paid") == [("call.qualified", "convert"), *changed]
    assert await of(trade, "once") == [("call.qualified", "convert")]
    assert await of(trade, "talks") == []


async def test_a_conversion_for_which_something_was_missing_is_told_when_there_is_news(
    parts: Parts, trade: Trade
) -> None:
    await trade.put(terms())
    await add(trade, "adjusts", "postback", ("call.qualified", "outcome.recorded"))
    call = await visited(trade)
    await make(parts)
    async with trade.ledger.write() as connection:
        await connection.execute(update(schema.delivery).values(state="skipped"))
        await outcomes.tell(connection, ADMIN, trade.now_ms, call, TellOutcome(sale=True))
    await make(parts)
    assert await of(trade, "adjusts") == [("call.qualified", "convert"), ("outcome.recorded", "convert")]


async def test_what_is_one_endpoints_goes_there_alone(parts: Parts, trade: Trade) -> None:
    await add(trade, "all")
    await add(trade, "files", "csv", ("export.due",))
    await add(trade, "more", "csv", ("export.due",))
    detail = {"endpoint": "files", "day": "2026-09-20"}
    await trade.ledger.commit(lambda connection: outbox.add(connection, "export.due", "files.1", START_MS, detail))
    await make(parts)
    assert await deliveries(trade) == [("files", "export.due", "tell")]
    assert await said(trade, "export.due") == {"day": "2026-09-20"}


async def test_a_closed_statement_is_told_to_its_publisher(parts: Parts, trade: Trade) -> None:
    await trade.put(terms())
    await trade.call("a", START_MS)
    await trade.settle()
    async with trade.ledger.write() as connection:
        new = NewStatement(publisher="pub_1", to="2026-09-23")
        closed = await close(connection, ADMIN, START_MS + 3 * DAY, new)
    await add(trade, "its", types=("statement.closed",), publisher_id="pub_1", only={"qualified": True})
    await add(trade, "another", types=("statement.closed",), publisher_id="pub_2")
    await make(parts)
    assert await deliveries(trade) == [("its", "statement.closed", "tell")]
    told = await said(trade, "statement.closed")
    assert (told["statement"]["id"], told["statement"]["amount"]["amount"]) == (closed, PAYS)


@pytest.mark.parametrize(("kind", "what", "over"), [("tag", "tag.alert", None), ("pool", "pool.alert", START_MS + 9)])
async def test_an_alert_is_told_within_its_campaign(parts: Parts, kind: str, what: Type, over: int | None) -> None:
    await world.declare(parts.ledger)
    trade = Trade(parts.ledger)
    await add(trade, "all")
    await world.declare(parts.ledger, suffix="2", first=100)
    await add(trade, "others", publisher_id="pub_2")
    alert = {"id": "alr_1", "kind": kind, "subject_id": f"{kind}_1", "says": "swaps nothing", "since_ms": START_MS}
    detail = {"alert": "alr_1", "state": "over" if over else "began"}
    async with trade.ledger.write() as connection:
        # It began and is over by now: what began is told as it began.
        await connection.execute(insert(schema.alert).values(**alert, over_ms=START_MS + 9))
        await outbox.tell(connection, what, f"{kind}_1", START_MS, detail)
    await make(parts)
    assert await deliveries(trade) == [("all", what, "tell")]
    assert await said(trade, what) == {
        "alert": {
            "id": "alr_1",
            "state": detail["state"],
            "says": "swaps nothing",
            "since": "2026-09-21T14:13:20.000+00:00",
            "over": "2026-09-21T14:13:20.009+00:00" if over else None,
        },
        kind: {"id": f"{kind}_1", "name": f"{kind.title()} 1", "campaign": "cmp_1"},
    }


async def test_who_is_forgotten_just_now_is_in_no_message(parts: Parts, trade: Trade) -> None:
    """Whoever makes it waits until that is done."""
    await add(trade, "all")
    call = (await trade.rings("a", START_MS)).id
    async with trade.ledger.write() as connection:
        await forget_told(connection, [call], START_MS)
        making = asyncio.create_task(make(parts))
        if not trade.ledger.is_sqlite:
            await until(partial(waits_for_a_lock, trade), "it waits")
        await connection.execute(update(schema.call).values(caller=None))
    assert await making == 2
    assert (await said(trade, "call.started"))["call"]["caller"] is None


async def waits_for_a_lock(trade: Trade) -> bool:
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%outbox%'")
    async with trade.ledger.read() as connection:
        return bool(await connection.scalar(waiting))


async def test_what_cannot_be_made_stays_and_holds_up_nothing(parts: Parts, trade: Trade) -> None:
    await add(trade, "all", types=("call.started",))
    odd, good = (await trade.rings("a", START_MS)).id, (await trade.rings("b", START_MS)).id
    its = schema.call.c.id == odd
    async with trade.ledger.write() as connection:
        await connection.execute(update(schema.call).where(its).values(outcome={"sale": "perhaps"}))
    assert await make(parts) == 3
    assert [row["subject_id"] for row in await trade.rows(schema.delivery)] == [good]
    assert await make(parts) == 0
    async with trade.ledger.write() as connection:
        await connection.execute(update(schema.call).where(its).values(outcome=null()))
    assert await make(parts) == 1
    assert {row["subject_id"] for row in await trade.rows(schema.delivery)} == {good, odd}


@contextmanager
def cut_at(nth: int) -> Iterator[None]:
    """Before the nth statement that is asked."""
    asked = count(1)

    @event.listens_for(Engine, "before_cursor_execute")
    def note(*_: Any) -> None:
        if next(asked) == nth:
            raise Unavailable("the ledger is gone", code="ledger_away")

    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def test_whatever_is_cut_off_is_made_once(parts: Parts, trade: Trade) -> None:
    await trade.put(terms())
    await add(trade, "all")
    await add(trade, "adjusts", "postback", ("call.qualified", "call.corrected"))
    call = await visited(trade)
    await trade.adjust(call, payout=0)
    await trade.settle()
    for nth in range(1, 100):
        with cut_at(nth):
            try:
                await make(parts)
                break
            except Unavailable:
                pass
        made = {row["made_ms"] for row in await trade.rows(schema.outbox)}
        assert len(made) == 1
        assert len(await trade.rows(schema.delivery)) == (0 if made == {None} else 7)
    assert nth > 7
    told = ["call.started", "call.attributed", "call.completed", "call.qualified", "call.corrected"]
    assert await of(trade, "all") == [(one, "tell") for one in told]
    assert await of(trade, "adjusts") == [("call.qualified", "convert"), ("call.corrected", "adjust")]


async def test_many_makers_make_each_delivery_once(parts: Parts, trade: Trade) -> None:
    """While calls go on, and none is left."""
    await trade.put(terms())
    await add(trade, "all")
    await add(trade, "adjusts", "postback", ("call.qualified", "call.corrected"))
    calls = [trade.call(f"c{n}", START_MS, caller=f"+1415555{100 + n:04}") for n in range(30)]
    told = asyncio.gather(*calls)
    while not told.done():
        await asyncio.gather(*(make(parts, 7) for _ in range(4)))
    await trade.settle()
    await asyncio.gather(told, *(make(parts, 7) for _ in range(4)))
    while await make(parts):
        pass
    for call in await told:
        mine = [(one, what, action) for one, what, action, of_call in await whole(trade) if of_call == call]
        types = ["call.started", "call.attributed", "call.completed", "call.qualified"]
        assert sorted(mine) == sorted(
            [("adjusts", "call.qualified", "convert"), *(("all", one, "tell") for one in types)]
        )


async def whole(trade: Trade) -> list[tuple[str, str, str, str]]:
    types = {row["seq"]: row["type"] for row in await trade.rows(schema.outbox)}
    found = await trade.rows(schema.delivery)
    return [(row["endpoint_id"], types[row["message_seq"]], row["action"], row["subject_id"]) for row in found]


def as_json(view: Any) -> Any:
    return json.loads(msgspec.json.encode(view))
