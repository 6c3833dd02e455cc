"""Endpoints as they are kept, on each engine."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import insert, select

from dni.errors import InvalidField, NotFound
from dni.ledger.schema import delivery, endpoint, endpoint_health, outbox
from dni.outbound import declare, endpoints
from dni.outbound.entered import NewIntegration, NewWebhook, WebhookChange
from dni.outbound.model import TYPES, Only
from dni.parts import Parts
from tests.support.world import START_MS, add

URL = "https://example.com/calls"


async def made(parts: Parts, **more: Any) -> str:
    async with parts.ledger.write() as connection:
        wanted, _ = await declare.new_webhook(connection, START_MS, NewWebhook(name="W", url=URL, **more))
    return wanted


async def queued(parts: Parts, of: str, *states: str) -> None:
    async with parts.ledger.write() as connection:
        for n, state in enumerate(states):
            told = {"id": f"msg_{n}", "type": "call.completed", "at_ms": START_MS, "subject_id": f"call_{n}"}
            seq = (await connection.execute(insert(outbox).values(**told).returning(outbox.c.seq))).scalar_one()
            row = {
                "id": f"dlv_{n}",
                "endpoint_id": of,
                "message_seq": seq,
                "subject_id": f"call_{n}",
                "at_ms": START_MS,
            }
            due = {"action": "tell", "state": state, "due_ms": START_MS}
            await connection.execute(insert(delivery).values(**row, **due))


async def test_what_is_not_said_is_the_kinds(parts: Parts) -> None:
    wanted = await made(parts)
    async with parts.ledger.read() as connection:
        [loaded] = await endpoints.live(connection)
        seen = await endpoints.one(connection, wanted)
        assert loaded == await endpoints.load(connection, wanted)
    assert (loaded.id, loaded.kind, loaded.types, loaded.only) == (wanted, "webhook", TYPES, Only())
    assert loaded.settings.url == URL
    assert loaded.secrets.secret.startswith("whsec_")
    assert seen.secrets_set == ["secret"]
    assert (seen.health.state, seen.waiting, seen.dead) == ("never", 0, 0)


async def test_a_view_holds_no_secret(parts: Parts) -> None:
    wanted = await made(parts)
    async with parts.ledger.read() as connection:
        secret = (await endpoints.load(connection, wanted)).secrets.secret
        assert secret not in repr(await endpoints.one(connection, wanted))
        assert secret not in repr(await endpoints.page(connection, 10))


async def test_those_in_trouble_do_not_answer_or_had_something_given_up(parts: Parts) -> None:
    well, dead, sick, gone = [await made(parts) for _ in range(4)]
    await queued(parts, dead, "dead", "delivered", "waiting")
    async with parts.ledger.write() as connection:
        for one, failures in ((well, 0), (sick, 2), (gone, 3)):
            await connection.execute(insert(endpoint_health).values(endpoint_id=one, failures=failures))
        await endpoints.delete(connection, START_MS, gone)
    async with parts.ledger.read() as connection:
        found = await endpoints.in_trouble(connection, 10)
        assert {(one.id, one.health.failures, one.dead) for one in found} == {(sick, 2, 0), (dead, 0, 1)}
        assert len(await endpoints.in_trouble(connection, 1)) == 1


async def test_what_is_left_out_of_a_change_stays(parts: Parts) -> None:
    wanted = await made(parts, fields=["call.id"], only=Only(answered=True))
    async with parts.ledger.write() as connection:
        before = await endpoints.load(connection, wanted)
        await declare.change_webhook(connection, START_MS, wanted, WebhookChange(name="Other", fields=None))
        after = await endpoints.load(connection, wanted)
    assert (after.name, after.settings.fields) == ("Other", None)
    assert (after.only, after.secrets, after.settings.url) == (before.only, before.secrets, URL)


async def test_names_must_be_there(parts: Parts) -> None:
    await add(parts)
    with pytest.raises(InvalidField, match="/publisher: there is no publisher 'pub_9'"):
        await made(parts, campaign="cmp_1", publisher="pub_9")
    wanted = await made(parts, campaign="cmp_1", publisher="pub_1")
    async with parts.ledger.read() as connection:
        loaded = await endpoints.load(connection, wanted)
    assert (loaded.campaign, loaded.publisher) == ("cmp_1", "pub_1")


async def test_only_what_its_kind_can_be_told_may_be_asked_for(parts: Parts) -> None:
    with pytest.raises(InvalidField, match=r"/events/1: Webhook can be told call\.started"):
        await made(parts, events=["call.started", "export.due"])


async def test_a_webhook_is_no_integration() -> None:
    with pytest.raises(InvalidField, match="/kind: one of"):
        NewIntegration(kind="webhook", name="W")


async def test_health_and_counts_are_shown(parts: Parts) -> None:
    wanted = await made(parts)
    await queued(parts, wanted, "waiting", "waiting", "dead", "delivered", "skipped")
    async with parts.ledger.write() as connection:
        health = {"failures": 3, "failing_since_ms": START_MS, "not_before_ms": START_MS + 1000, "why": "refused"}
        await connection.execute(insert(endpoint_health).values(endpoint_id=wanted, **health))
    async with parts.ledger.read() as connection:
        [seen], after = await endpoints.page(connection, 10, None, ("webhook",))
        assert (await endpoints.page(connection, 10, None, ("google_ads",))) == ([], None)
    assert after is None
    assert (seen.waiting, seen.dead) == (2, 1)
    assert (seen.health.state, seen.health.failures, seen.health.why) == ("failing", 3, "refused")


async def test_deleting_ends_what_waits_and_forgets_the_secret(parts: Parts) -> None:
    wanted = await made(parts)
    await queued(parts, wanted, "waiting", "delivered")
    async with parts.ledger.write() as connection:
        await endpoints.delete(connection, START_MS, wanted)
    async with parts.ledger.read() as connection:
        with pytest.raises(NotFound):
            await endpoints.one(connection, wanted)
        assert await endpoints.live(connection) == []
        assert (await connection.execute(select(endpoint.c.secrets))).scalar_one() == {}
        found = (await connection.execute(select(delivery.c.state, delivery.c.why).order_by(delivery.c.id))).all()
    assert [tuple(row) for row in found] == [("skipped", "its endpoint was deleted"), ("delivered", None)]


async def test_rotations_at_once_lose_no_secret(parts: Parts) -> None:
    wanted = await made(parts)

    async def rotate() -> str:
        async with parts.ledger.write() as connection:
            return await declare.rotate(connection, START_MS, wanted)

    async with parts.ledger.read() as connection:
        first = (await endpoints.load(connection, wanted)).secrets.secret
    told = await asyncio.gather(rotate(), rotate())
    async with parts.ledger.read() as connection:
        kept = (await endpoints.load(connection, wanted)).secrets
    assert {kept.secret, *(former.secret for former in kept.former)} == {first, *told}
