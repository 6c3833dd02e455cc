"""What waits is sent to real receivers, on each engine, with a clock that only the test moves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest
from sqlalchemy import select, update

from dni.clock import SettableClock
from dni.ledger.schema import delivery, endpoint, outbox
from dni.outbound import deliveries as lists
from dni.outbound.backoff import GIVEN_UP_MS
from dni.outbound.circuit import OPENS_AT
from dni.outbound.claims import IN_ORDER_MS, LEASE_MS
from dni.outbound.deliver import Deliverer
from dni.outbound.kinds import KINDS
from dni.outbound.model import Endpoint, Grant
from dni.parts import Parts
from tests.outbound.telling import add, add_endpoint, attempts, deliveries, health, kind
from tests.support.process import free_port
from tests.support.receiver import Got, Receiver, Reply, receiving
from tests.support.until import until
from tests.support.world import START_MS

HOUR_MS = 3_600_000


@pytest.fixture
def parts(parts: Parts) -> Parts:
    """Its receivers are on loopback, which the operator allows here."""
    parts.settings = msgspec.structs.replace(parts.settings, outbound_allow="127.0.0.0/8")
    return parts


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "plain", kind())


@asynccontextmanager
async def delivering(parts: Parts) -> AsyncIterator[Deliverer]:
    """Pauses are as long as they can be."""
    made = Deliverer(parts, lambda: 1.0)
    try:
        yield made
    finally:
        await made.close()


def clock(parts: Parts) -> SettableClock:
    assert isinstance(parts.clock, SettableClock)
    return parts.clock


def subjects(got: Got) -> list[str]:
    return [one["subject"] for one in msgspec.json.decode(got.body)["told"]]


async def drained(deliverer: Deliverer) -> None:
    """Rounds until nothing is due."""
    while await deliverer.once():
        pass


async def test_what_waits_is_sent_and_what_came_back_is_kept(parts: Parts) -> None:
    async with receiving(lambda _: Reply(202, b"thank\x00 \xff hush-hush")) as receiver, delivering(parts) as deliverer:
        await add_endpoint(parts.ledger, "end_1", receiver.url + "?key=hush-hush")
        [made] = await add(parts.ledger, "end_1", ["call_1"])
        clock(parts).advance(7)
        assert await deliverer.once() == 1
        assert await deliverer.once() == 0
    [row] = await deliveries(parts.ledger)
    assert (row.state, row.attempts, row.lease, row.why) == ("delivered", 1, None, None)
    assert row.done_ms == START_MS + 7
    assert row.kept == {"order": "msg_1"}
    assert row.request["method"] == "POST"
    assert row.request["url"].endswith("/hook?key=••••")
    assert '"secret":"••••"' in row.request["body"]
    [tried] = await attempts(parts.ledger)
    assert (tried.delivery_id, tried.result, tried.status, tried.why) == (made, "delivered", 202, None)
    assert tried.answer == "thank � ••••"
    assert (await health(parts.ledger))["end_1"].delivered_ms == START_MS + 7
    assert len(receiver.got) == 1


async def test_each_endpoint_gets_its_own(parts: Parts) -> None:
    async with receiving() as one, receiving() as other, delivering(parts) as deliverer:
        await add_endpoint(parts.ledger, "end_1", one.url)
        await add_endpoint(parts.ledger, "end_2", other.url)
        await add(parts.ledger, "end_1", ["call_1", "call_2"])
        await add(parts.ledger, "end_2", ["call_1"])
        await drained(deliverer)
    assert sorted(subject for got in one.got for subject in subjects(got)) == ["call_1", "call_2"]
    assert [subjects(got) for got in other.got] == [["call_1"]]


async def test_what_failed_is_tried_again_later_and_later(parts: Parts) -> None:
    async with receiving(lambda _: Reply(500, b"oh")) as receiver, delivering(parts) as deliverer:
        await add_endpoint(parts.ledger, "end_1", receiver.url)
        await add(parts.ledger, "end_1", ["call_1"])
        for pause_ms in (5_000, 15_000, 45_000):
            assert await deliverer.once() == 1
            [row] = await deliveries(parts.ledger)
            assert (row.state, row.why) == ("waiting", "it answered 500")
            assert row.due_ms == clock(parts).now_ms() + pause_ms
            clock(parts).advance(pause_ms - 1)
            assert await deliverer.once() == 0
            clock(parts).advance(1)
        receiver.behave = lambda _: Reply()
        assert await deliverer.once() == 1
    [row] = await deliveries(parts.ledger)
    assert (row.state, row.attempts, row.why) == ("delivered", 4, None)
    tries = await attempts(parts.ledger)
    assert [(one.result, one.status, one.answer) for one in tries] == [("again", 500, "oh")] * 3 + [
        ("delivered", 200, "ok")
    ]
    assert len({msgspec.json.decode(got.body)["told"][0]["id"] for got in receiver.got}) == 1


async def test_it_is_given_up_after_three_days_and_can_be_sent_again(parts: Parts) -> None:
    async with receiving(lambda _: Reply(500)) as receiver, delivering(parts) as deliverer:
        await add_endpoint(parts.ledger, "end_1", receiver.url)
        [made] = await add(parts.ledger, "end_1", ["call_1"])
        clock(parts).advance(GIVEN_UP_MS)
        assert await deliverer.once() == 1
        [row] = await deliveries(parts.ledger)
        assert (row.state, row.why) == ("dead", "given up after 72 hours: it answered 500")
        assert await deliverer.once() == 0
        async with parts.ledger.write() as connection:
            await lists.again(connection, clock(parts).now_ms(), made)
        assert await deliverer.once() == 1
        [row] = await deliveries(parts.ledger)
        assert (row.state, row.attempts) == ("waiting", 1)


async def test_a_message_that_can_never_be_sent_or_is_too_early_is_no_attempt(parts: Parts) -> None:
    async with receiving() as receiver, delivering(parts) as deliverer:
        await add_endpoint(parts.ledger, "end_1", receiver.url)
        await add(parts.ledger, "end_1", ["call_skip", "call_later", "call_bug"])
        await drained(deliverer)
        [skip, later, bug] = await deliveries(parts.ledger)
        assert (skip.state, skip.why, skip.attempts) == ("skipped", "there is no click id", 0)
        assert (later.state, later.why, later.attempts) == ("waiting", "too early", 0)
        assert later.due_ms == START_MS + HOUR_MS
        assert (bug.state, bug.why) == ("waiting", "an error on our side: our log has it")
    assert await attempts(parts.ledger) == []
    assert receiver.got == []


async def test_a_message_that_our_own_code_fails_at_holds_nobody_up(parts: Parts) -> None:
    async with receiving() as receiver, delivering(parts) as deliverer:
        await add_endpoint(parts.ledger, "end_1", receiver.url)
        await add(parts.ledger, "end_1", ["call_worse", "call_2"])
        await drained(deliverer)
    [worse, other] = await deliveries(parts.ledger)
    assert (worse.state, worse.why) == ("waiting", "an error on our side: our log has it")
    assert other.state == "delivered"
    assert (await health(parts.ledger))["end_1"].failures == 0


async def test_messages_of_one_call_arrive_in_order_also_when_one_fails(parts: Parts) -> None:
    arrived: list[str] = []

    def behave(got: Got) -> Reply:
        [told] = msgspec.json.decode(got.body)["told"]
        arrived.append(told["id"])
        return Reply(500) if told["id"] == "msg_1" and arrived.count("msg_1") < 3 else Reply()

    async with receiving(behave) as receiver, delivering(parts) as deliverer:
        await add_endpoint(parts.ledger, "end_1", receiver.url)
        await add(parts.ledger, "end_1", ["call_1", "call_1", "call_2", "call_1"])
        for _ in range(4):
            await drained(deliverer)
            clock(parts).advance(15_000)
    assert [one for one in arrived if one != "msg_3"] == ["msg_1", "msg_1", "msg_1", "msg_2", "msg_4"]
    assert arrived.index("msg_3") < 2


async def test_one_that_waits_for_ten_minutes_holds_up_its_call_no_longer(parts: Parts) -> None:
    def behave(got: Got) -> Reply:
        return Reply(500 if b"msg_1" in got.body else 200)

    async with receiving(behave) as receiver, delivering(parts) as deliverer:
        await add_endpoint(parts.ledger, "end_1", receiver.url)
        await add(parts.ledger, "end_1", ["call_1", "call_1"])
        clock(parts).advance(IN_ORDER_MS - 1)
        await drained(deliverer)
        assert [row.state for row in await deliveries(parts.ledger)] == ["waiting", "waiting"]
        clock(parts).advance(1)
        await drained(deliverer)
        assert [row.state for row in await deliveries(parts.ledger)] == ["waiting", "delivered"]


async def test_a_paused_endpoint_gets_nothing_until_it_goes_on(parts: Parts) -> None:
    async with receiving() as receiver, delivering(parts) as deliverer:
        await add_endpoint(parts.ledger, "end_1", receiver.url, paused=True)
        await add(parts.ledger, "end_1", ["call_1"])
        assert await deliverer.once() == 0
        async with parts.ledger.write() as connection:
            await connection.execute(update(endpoint).values(paused=False))
        assert await deliverer.once() == 1
    assert len(receiver.got) == 1


async def test_a_deleted_endpoint_gets_nothing(parts: Parts) -> None:
    async with receiving() as receiver, delivering(parts) as deliverer:
        await add_endpoint(parts.ledger, "end_1", receiver.url, deleted_at_ms=START_MS)
        await add(parts.ledger, "end_1", ["call_1"])
        assert await deliverer.once() == 0
    assert receiver.got == []


async def test_an_adjustment_knows_what_was_kept_of_its_conversion(parts: Parts) -> None:
    async with receiving() as receiver, delivering(parts) as deliverer:
        await add_endpoint(parts.ledger, "end_1", receiver.url)
        await add(parts.ledger, "end_1", ["call_1"], action="convert")
        await add(parts.ledger, "end_1", ["call_1"], action="adjust")
        await drained(deliverer)
    told = [msgspec.json.decode(got.body)["told"][0] for got in receiver.got]
    assert [(one["action"], one["former"]) for one in told] == [("convert", None), ("adjust", {"order": "msg_1"})]


async def test_an_adjustment_waits_for_its_conversion_however_long_that_takes(parts: Parts) -> None:
    async with receiving(lambda _: Reply(500)) as receiver, delivering(parts) as deliverer:
        await add_endpoint(parts.ledger, "end_1", receiver.url)
        await add(parts.ledger, "end_1", ["call_1"], action="convert")
        await add(parts.ledger, "end_1", ["call_1"], action="adjust")
        clock(parts).advance(IN_ORDER_MS * 2)
        await drained(deliverer)
        assert [row.attempts for row in await deliveries(parts.ledger)] == [1, 0]


async def test_an_adjustment_knows_what_the_last_one_before_it_kept(parts: Parts) -> None:
    async with receiving() as receiver, delivering(parts) as deliverer:
        await add_endpoint(parts.ledger, "end_1", receiver.url)
        for action in ("convert", "adjust", "adjust"):
            await add(parts.ledger, "end_1", ["call_1"], action=action)
        await drained(deliverer)
    told = [msgspec.json.decode(got.body)["told"][0] for got in receiver.got]
    assert [one["former"] for one in told] == [None, {"order": "msg_1"}, {"order": "msg_2"}]


async def test_what_was_skipped_as_a_conversion_is_told_as_one_when_there_is_more_to_tell(parts: Parts) -> None:
    async with receiving() as receiver, delivering(parts) as deliverer:
        await add_endpoint(parts.ledger, "end_1", receiver.url)
        await add(parts.ledger, "end_1", ["call_1"], action="convert", state="skipped")
        await add(parts.ledger, "end_1", ["call_1"], action="adjust")
        await add(parts.ledger, "end_1", ["call_1"], action="adjust")
        await drained(deliverer)
    told = [msgspec.json.decode(got.body)["told"][0] for got in receiver.got]
    assert [(one["action"], one["former"]) for one in told] == [("convert", None), ("adjust", {"order": "msg_2"})]
    assert [row.action for row in await deliveries(parts.ledger)] == ["convert", "convert", "adjust"]


async def test_what_was_forgotten_is_not_sent(parts: Parts) -> None:
    async with receiving() as receiver, delivering(parts) as deliverer:
        await add_endpoint(parts.ledger, "end_1", receiver.url)
        await add(parts.ledger, "end_1", ["call_1"])
        async with parts.ledger.write() as connection:
            await connection.execute(update(outbox).values(data=None))
        await drained(deliverer)
    [row] = await deliveries(parts.ledger)
    assert (row.state, row.why) == ("skipped", "who it tells of was forgotten before it could be sent")
    assert receiver.got == []


async def test_messages_of_different_groups_go_in_requests_of_their_own(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    grouped = msgspec.structs.replace(kind(batch=10), group=lambda outgoing: outgoing.message.subject[-1])
    monkeypatch.setitem(KINDS, "plain", grouped)
    async with receiving() as receiver, delivering(parts) as deliverer:
        await add_endpoint(parts.ledger, "end_1", receiver.url)
        await add(parts.ledger, "end_1", ["call_a", "other_b", "more_a", "last_b"])
        await drained(deliverer)
    assert sorted(subjects(got) for got in receiver.got) == [["call_a", "more_a"], ["other_b", "last_b"]]


async def test_a_secret_that_its_token_renews_is_kept(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    def grant(endpoint: Endpoint) -> Grant:
        return Grant(endpoint.settings.token_url, {"refresh_token": endpoint.secrets.secret}, renews="secret")

    monkeypatch.setitem(KINDS, "plain", msgspec.structs.replace(kind(), grant=grant))
    given = Reply(200, b'{"access_token":"t1","expires_in":3600,"refresh_token":"the next one"}')
    async with receiving(lambda _: given) as tokens, receiving() as receiver, delivering(parts) as deliverer:
        settings = {"url": receiver.url, "token_url": tokens.url}
        await add_endpoint(parts.ledger, "end_1", "", settings=settings, secrets={"secret": "the first one"})
        await add(parts.ledger, "end_1", ["call_1", "call_2"])
        await drained(deliverer)
        await add(parts.ledger, "end_1", ["call_3"])
        await drained(deliverer)
    async with parts.ledger.read() as connection:
        assert await connection.scalar(select(endpoint.c.secrets)) == {"secret": "the next one"}
    assert len(tokens.got) == 1, "the token that came with it is still good"
    assert len(receiver.got) == 3


async def test_what_was_never_sent_is_not_adjusted(parts: Parts) -> None:
    async with receiving() as receiver, delivering(parts) as deliverer:
        await add_endpoint(parts.ledger, "end_1", receiver.url)
        await add(parts.ledger, "end_1", ["call_1"], action="convert", state="dead")
        await add(parts.ledger, "end_1", ["call_1"], action="adjust")
        await drained(deliverer)
    [_, adjust] = await deliveries(parts.ledger)
    assert (adjust.state, adjust.why) == ("skipped", "the conversion itself was not sent")
    assert receiver.got == []


async def test_many_go_in_one_request_and_each_has_its_own_result(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(KINDS, "plain", kind(batch=10))
    reply = Reply(200, b'{"call_1":"dead","call_2":"again"}')
    async with receiving(lambda _: reply) as receiver, delivering(parts) as deliverer:
        await add_endpoint(parts.ledger, "end_1", receiver.url)
        await add(parts.ledger, "end_1", ["call_0", "call_1", "call_skip", "call_2"])
        await deliverer.once()
    assert [subjects(got) for got in receiver.got] == [["call_0", "call_1", "call_2"]]
    rows = await deliveries(parts.ledger)
    assert [(row.state, row.why) for row in rows] == [
        ("delivered", None),
        ("dead", "a bad row"),
        ("skipped", "there is no click id"),
        ("waiting", "a bad row"),
    ]
    assert [one.status for one in await attempts(parts.ledger)] == [200, 200, 200]
    assert (await health(parts.ledger))["end_1"].failures == 0


async def fails(parts: Parts, deliverer: Deliverer, receiver: Receiver, count: int = OPENS_AT + 3) -> None:
    await add_endpoint(parts.ledger, "end_1", receiver.url)
    await add(parts.ledger, "end_1", [f"call_{n}" for n in range(count)])
    await drained(deliverer)


async def test_an_endpoint_that_does_not_answer_is_left_alone_and_then_probed(parts: Parts) -> None:
    async with receiving(lambda _: Reply(503)) as receiver, delivering(parts) as deliverer:
        await fails(parts, deliverer, receiver)
        opened = (await health(parts.ledger))["end_1"]
        tried = len(receiver.got)
        assert opened.failures == OPENS_AT
        assert opened.why == "it answered 503"
        assert OPENS_AT <= tried < OPENS_AT + 2
        untouched = [row for row in await deliveries(parts.ledger) if not row.attempts]
        assert all(row.lease is None for row in untouched)
        pause_ms = 5_000
        for probes in range(1, 4):
            clock(parts).advance(pause_ms - 1)
            assert await deliverer.once() == 0
            clock(parts).advance(1)
            await drained(deliverer)
            assert len(receiver.got) == tried + probes
            pause_ms *= 2
            assert (await health(parts.ledger))["end_1"].not_before_ms == clock(parts).now_ms() + pause_ms


async def test_when_it_answers_again_all_that_waits_is_due_at_once(parts: Parts) -> None:
    async with receiving(lambda _: Reply(503)) as receiver, delivering(parts) as deliverer:
        await fails(parts, deliverer, receiver)
        await add(parts.ledger, "end_1", ["call_later"])
        clock(parts).advance(5_000)
        receiver.behave = lambda _: Reply()
        await drained(deliverer)
        rows = await deliveries(parts.ledger)
        assert [row.state for row in rows] == ["delivered"] * (len(rows) - 1) + ["waiting"]
        closed = (await health(parts.ledger))["end_1"]
        assert (closed.failures, closed.failing_since_ms, closed.not_before_ms) == (0, None, None)


async def test_what_waits_for_three_days_for_an_endpoint_that_is_left_alone_is_given_up(parts: Parts) -> None:
    async with receiving(lambda _: Reply(503)) as receiver, delivering(parts) as deliverer:
        await fails(parts, deliverer, receiver)
        clock(parts).advance(GIVEN_UP_MS + 1)
        await add(parts.ledger, "end_1", ["call_new"], clock(parts).now_ms())
        assert await deliverer.sweep() == 3
        rows = await deliveries(parts.ledger)
        dead = [row for row in rows if row.state == "dead"]
        assert {row.attempts for row in dead} <= {0, 1}
        assert dead[0].why == "given up after 72 hours in which its endpoint did not answer"
        assert rows[-1].state == "waiting"


async def test_one_that_is_dead_does_not_hold_up_another(parts: Parts) -> None:
    async with receiving(lambda _: Reply(hangs=True)) as dead, receiving() as healthy:
        deliverer, stop = Deliverer(parts), asyncio.Event()
        for n in range(20):
            await add_endpoint(parts.ledger, f"end_{n:02}", dead.url)
            await add(parts.ledger, f"end_{n:02}", [f"call_{m}" for m in range(20)])
        await add_endpoint(parts.ledger, "end_99", healthy.url)
        await add(parts.ledger, "end_99", [f"call_{m}" for m in range(300)])
        running = asyncio.create_task(deliverer.run(stop))
        await until(lambda: len(healthy.got) >= 300, "all of the healthy one arrived", 10)
        stop.set()
        await running
    assert len(dead.got) <= 40


async def test_two_deliverers_share_and_send_nothing_twice(parts: Parts) -> None:
    async with receiving() as receiver, delivering(parts) as one, delivering(parts) as other:
        for n in range(3):
            await add_endpoint(parts.ledger, f"end_{n}", receiver.url)
            await add(parts.ledger, f"end_{n}", [f"call_{m}" for m in range(40)])

        await asyncio.gather(drained(one), drained(other))
        await drained(one)
    ids = [msgspec.json.decode(got.body)["told"][0]["id"] for got in receiver.got]
    assert len(ids) == len(set(ids)) == 120
    assert {row.state for row in await deliveries(parts.ledger)} == {"delivered"}
    assert len(await attempts(parts.ledger)) == 120


async def test_what_a_lost_deliverer_had_claimed_is_sent_by_another(parts: Parts) -> None:
    async with receiving() as receiver, delivering(parts) as deliverer:
        await add_endpoint(parts.ledger, "end_1", receiver.url)
        await add(parts.ledger, "end_1", ["call_1"], lease="lse_lost", leased_until_ms=START_MS + LEASE_MS)
        clock(parts).advance(LEASE_MS)
        assert await deliverer.once() == 0
        clock(parts).advance(1)
        assert await deliverer.once() == 1
    assert len(receiver.got) == 1


async def test_who_comes_too_late_records_no_result(parts: Parts) -> None:
    """Its lease was over while the endpoint thought about it, and another has sent it."""

    async def taken(_: Got) -> Reply:
        async with parts.ledger.write() as connection:
            await connection.execute(update(delivery).values(lease="lse_other"))
        return Reply(500)

    async with receiving(taken) as receiver, delivering(parts) as deliverer:
        await add_endpoint(parts.ledger, "end_1", receiver.url)
        await add(parts.ledger, "end_1", ["call_1"])
        await deliverer.once()
    [row] = await deliveries(parts.ledger)
    assert (row.state, row.lease, row.attempts, row.why) == ("waiting", "lse_other", 0, None)
    assert len(await attempts(parts.ledger)) == 1


async def test_asked_to_stop_it_waits_for_what_is_under_way_and_gives_the_rest_back(parts: Parts) -> None:
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_: Got) -> Reply:
        reached.set()
        await go_on.wait()
        return Reply()

    stop = asyncio.Event()
    async with receiving(slow) as receiver:
        await add_endpoint(parts.ledger, "end_1", receiver.url)
        await add(parts.ledger, "end_1", [f"call_{n}" for n in range(9)])
        running = asyncio.create_task(Deliverer(parts).run(stop))
        await asyncio.wait_for(reached.wait(), 10)
        stop.set()
        await asyncio.sleep(0)
        go_on.set()
        await asyncio.wait_for(running, 10)
    rows = await deliveries(parts.ledger)
    assert all(row.lease is None for row in rows)
    assert sum(row.state == "delivered" for row in rows) == len(receiver.got) < 9


async def test_a_message_is_on_its_way_within_a_second(parts: Parts) -> None:
    stop = asyncio.Event()
    async with receiving() as receiver:
        await add_endpoint(parts.ledger, "end_1", receiver.url)
        running = asyncio.create_task(Deliverer(parts).run(stop))
        await add(parts.ledger, "end_1", ["call_1"])
        await until(lambda: bool(receiver.got), "it arrived", 2)
        stop.set()
        await asyncio.wait_for(running, 10)


async def test_an_access_token_is_asked_for_once_and_again_when_it_was_refused(parts: Parts) -> None:
    tokens: list[str] = []

    def grants(got: Got) -> Reply:
        assert got.body == b"client_secret=hush-hush&grant_type=client_credentials"
        tokens.append(f"token{len(tokens)}")
        return Reply(200, msgspec.json.encode({"access_token": tokens[-1], "expires_in": 3600}))

    refused: list[str] = []

    def behave(got: Got) -> Reply:
        return Reply(401 if got.headers["authorization"] in refused else 200)

    async with receiving(grants) as granting, receiving(behave) as receiver, delivering(parts) as deliverer:
        settings = {"url": receiver.url, "token_url": granting.url}
        await add_endpoint(parts.ledger, "end_1", receiver.url, settings=settings, secrets={"secret": "hush-hush"})
        await add(parts.ledger, "end_1", ["call_1", "call_2", "call_3"])
        await drained(deliverer)
        assert tokens == ["token0"]
        refused.append("Bearer token0")
        await add(parts.ledger, "end_1", ["call_4"])
        await drained(deliverer)
        clock(parts).advance(5_000)
        await drained(deliverer)
    assert tokens == ["token0", "token1"]
    assert {row.state for row in await deliveries(parts.ledger)} == {"delivered"}
    assert all("hush" not in (one.answer or "") for one in await attempts(parts.ledger))


async def test_no_address_that_is_not_public_is_asked(parts: Parts) -> None:
    parts.settings = msgspec.structs.replace(parts.settings, outbound_allow="")
    async with receiving() as receiver, delivering(parts) as deliverer:
        await add_endpoint(parts.ledger, "end_1", receiver.url)
        await add_endpoint(parts.ledger, "end_2", f"http://localhost:{free_port()}/")
        await add(parts.ledger, "end_1", ["call_1"])
        await drained(deliverer)
    [tried] = await attempts(parts.ledger)
    assert "127.0.0.1 is none of the public internet" in tried.why
    assert receiver.connections == 0


async def test_what_is_claimed_is_what_is_due_longest(parts: Parts) -> None:
    async with delivering(parts) as deliverer:
        await add_endpoint(parts.ledger, "end_1", "http://127.0.0.1:1/")
        await add(parts.ledger, "end_1", ["call_1"], due_ms=START_MS - 5)
        await add(parts.ledger, "end_1", ["call_2", "call_3"], due_ms=START_MS - 9)
        await deliverer.know()
        await deliverer.claim()
        async with parts.ledger.read() as connection:
            leased = await connection.scalars(select(delivery.c.subject_id).where(delivery.c.lease.is_not(None)))
            assert set(leased) == {"call_2", "call_3"}
