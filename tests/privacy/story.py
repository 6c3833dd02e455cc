"""Visitors who come, come again and call, as the service itself records them; and all that is kept anywhere."""

import asyncio
import random
from typing import Any

from sqlalchemy import insert, select, update

from dni.access.authenticate import ADMIN
from dni.call.drain import drain_once
from dni.call.journal import Journal
from dni.call.keep_touches import keep_next
from dni.campaign import declare
from dni.ledger import schema
from dni.parts import Parts
from dni.qualification.model import Policy, Side, Terms
from dni.qualification.settle import settle_once
from dni.report.seal import seal_all
from dni.session import recorder
from tests.support import browser
from tests.support.carrier import Carrier, advance, at, configure, door
from tests.support.world import TARGET, add

MINUTE = 60_000
# What tells that a run or an erasure was, and the copy for reports, which is made anew.
AUDIT = {"erasure", "retention_run", "forgotten", "chunk", "chunk_column", "word"}


class Visitor:
    def __init__(self, number: int) -> None:
        self.name = f"v{number}"
        self.caller = f"+1212555{100 + number:04}"
        self.ids: dict[str, Any] = {}
        self.sessions: set[str] = set()
        self.shown: str | None = None
        self.calls: list[str] = []


async def told(parts: Parts, seed: int, *, visitors: int = 5, steps: int = 24, pool_size: int = 3) -> list[Visitor]:
    """A story of chance, recorded and settled."""
    chance = random.Random(seed)  # noqa: S311  a story, no secret
    await add(parts, pool_size=pool_size)
    await _terms(parts)
    people = [Visitor(n) for n in range(visitors)]
    carrier = Carrier(door(parts))
    async with browser.client(browser.door(parts)) as client:
        for step in range(steps):
            advance(parts, chance.choice((1, 5, 40, 300)) * MINUTE)
            who = chance.choice(people)
            if who.shown and chance.random() < 0.4:
                await _call(parts, carrier, who, f"CA{seed:04}{step:028}", chance)
            else:
                await _visit(client, who, step)
    await carrier.http.aclose()
    await record_all(parts)
    await drain_once(parts, Journal(parts))  # what a slow machine had to put on disk
    advance(parts, 20 * MINUTE)
    while await keep_next(parts):
        pass
    while await settle_once(parts):
        pass
    await _former(parts)
    await seal_all(parts)
    return people


async def _terms(parts: Parts) -> None:
    """They look at what tells of the caller, and of the visitor."""
    when = "talk >= 10s and region in (CA, NY) and custom(customer) = v* and param(sub) = x"
    terms = Terms(payout=Side(base=Policy(name="Base", when=when, amount=2_500)))
    async with parts.ledger.write() as connection:
        await declare.terms(connection, ADMIN, parts.clock.now_ms(), "cmp_1", None, None, terms)
    await configure(parts, update(schema.tag).values(params=["sub"]))


async def _visit(client: Any, who: Visitor, step: int) -> None:
    page = {
        "id": f"p{step}",
        "seq": 1,
        "url": f"https://shop.example/?utm_source=google&utm_medium=cpc&gclid={who.name}-{step}&sub=x",
        "title": f"Welcome {who.name}",
    }
    said = {"ids": {"ga": f"ga-{who.name}"}, "custom": {"customer": who.name}}
    answer = (await browser.post(client, "/v1/lease", browser.lease_body(page=page, **said, **who.ids))).json()
    who.ids = {"visitor": answer["visitor"], "session": answer["session"]}
    who.sessions.add(answer["session"])
    who.shown = answer["numbers"][TARGET]["number"] or who.shown


async def _call(parts: Parts, carrier: Carrier, who: Visitor, sid: str, chance: random.Random) -> None:
    assert who.shown
    said = {"From": who.caller, "CallerName": f"MR {who.name}", "FromCity": "ALBANY"}
    assert (await carrier.inbound(who.shown, sid, **said)).status_code == 200
    now = advance(parts, chance.randrange(1, 9) * MINUTE)
    ended = {"Timestamp": at(now), "CallDuration": "60", "SequenceNumber": "3"}
    await carrier.leg("completed", sid, **{**ended, "From": who.caller})
    await carrier.status(who.shown, "completed", sid, **said, **ended)
    await carrier.status(who.shown, "", sid, **said, RecordingUrl=f"https://carrier.example/{sid}", RecordingSid="RE1")
    who.calls.append(sid)


async def _former(parts: Parts) -> None:
    """Each call had the same answer before."""
    columns = ("session_id", "visitor_id", "method", "confidence", "candidates")
    async with parts.ledger.write() as connection:
        for row in (await connection.execute(select(schema.call))).mappings().all():
            values = {name: row[name] for name in columns}
            until = {"call_id": row["id"], "until_ms": row["started_at_ms"] + MINUTE}
            await connection.execute(insert(schema.former_attribution).values(**until, **values))


async def record_all(parts: Parts) -> None:
    stop = asyncio.Event()
    stop.set()
    await recorder.record(parts, stop)


async def rows(parts: Parts, table: Any) -> list[dict[str, Any]]:
    async with parts.ledger.read() as connection:
        found = await connection.execute(select(table).order_by(*table.primary_key.columns))
        return [dict(row) for row in found.mappings()]


async def in_ledger(parts: Parts) -> dict[str, list[str]]:
    """Each row as text, by table."""
    return {table.name: [repr(row) for row in await rows(parts, table)] for table in schema.metadata.sorted_tables}


async def in_redis(parts: Parts) -> dict[bytes, bytes]:
    """Each value under the prefix, and each field of one, as bytes."""
    node = parts.live.node("s0")
    found: dict[bytes, bytes] = {}
    cursor: Any = b"0"
    while True:
        cursor, keys = await node.send("SCAN", cursor, "MATCH", f"{parts.keys.prefix}:*", "COUNT", 1000)
        for key in keys:
            kind = (await node.send("TYPE", key)).decode()
            if kind == "hash":
                flat = await node.send("HGETALL", key)
                found |= {key + b"|" + flat[n]: flat[n + 1] for n in range(0, len(flat), 2)}
            elif kind == "zset":
                found[key] = b" ".join(await node.send("ZRANGE", key, 0, -1))
            elif kind == "stream":
                found[key] = repr(await node.send("XRANGE", key, "-", "+")).encode()
            else:
                found[key] = await node.send("GET", key)
        if cursor == b"0":
            return found
