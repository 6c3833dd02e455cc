"""How those who may have called came is kept with the call, also when the sessions are long forgotten."""

from typing import Any

from sqlalchemy import delete, update

from dni.access.model import Principal
from dni.call.keep_touches import keep_next
from dni.call.search import CallTouchView, call_touches
from dni.call.touches import MOST_TOUCHES
from dni.ledger import schema
from dni.parts import Parts
from tests.dashboard.samples import HOUR, call, insert_rows, session
from tests.support.carrier import advance
from tests.support.world import add

ADMIN = Principal("tok", "", "admin")
DAY = 24 * HOUR
SETTLED_MS = 16 * 60_000


def came(name: str, ago_ms: int, source: str, visitor: str = "ann", **values: Any) -> dict[str, Any]:
    return session(name, ago_ms, visitor_id=visitor, source=source, medium="cpc", **values)


def called(name: str, ago_ms: int, of: str | None, *others: tuple[str, float], **values: Any) -> dict[str, Any]:
    """A call credited to a session with 0.6, and candidates beside it."""
    candidates = [{"session": one, "confidence": p, "why": ""} for one, p in [(of, 0.6), *others] if one]
    usual = {"session_id": of, "visitor_id": "ann" if of else None, "confidence": 0.6, "candidates": candidates}
    return call(name, ago_ms, **{**usual, **values})


async def told(parts: Parts, name: str, principal: Principal = ADMIN) -> list[CallTouchView]:
    return await call_touches(parts.ledger, principal, name)


async def forget_sessions(parts: Parts) -> None:
    async with parts.ledger.write() as connection:
        await connection.execute(delete(schema.session))


def short(touches: list[CallTouchView]) -> list[tuple[str, str | None, float | None]]:
    return [(one.session, one.source, one.confidence) for one in touches]


async def test_touches_before_a_call_outlive_their_sessions(parts: Parts) -> None:
    await add(parts)
    await insert_rows(
        parts,
        schema.session,
        came("s1", 9 * DAY, "google", click_ids={"gclid": "x"}),
        came("s2", 2 * HOUR, "bing"),
        came("s3", HOUR // 2, "later than the call"),
        came("else", 3 * DAY, "secret", campaign_id="cmp_2"),
    )
    await insert_rows(parts, schema.call, called("call_1", HOUR, "s2"))
    expected = [("s1", "google", 0.6), ("s2", "bing", 0.6)]
    assert short(await told(parts, "call_1")) == expected, "before it is kept"
    assert await keep_next(parts) == 1
    assert await keep_next(parts) == 0
    await forget_sessions(parts)
    touches = await told(parts, "call_1")
    assert short(touches) == expected
    assert touches[0].click_ids == {"gclid": "x"}
    assert {one.visitor for one in touches} == {"ann"}


async def test_a_later_call_knows_what_an_earlier_one_kept(parts: Parts) -> None:
    await add(parts)
    await insert_rows(parts, schema.session, came("s1", 40 * DAY, "google"), came("s2", 30 * DAY, "bing"))
    await insert_rows(parts, schema.call, called("call_1", 30 * DAY - HOUR, "s2"))
    assert await keep_next(parts) == 1
    await forget_sessions(parts)
    await insert_rows(parts, schema.session, came("s3", HOUR, "flyer"))
    await insert_rows(parts, schema.call, called("call_2", HOUR // 2, "s3"))
    assert await keep_next(parts) == 1
    assert [one.source for one in await told(parts, "call_2")] == ["google", "bing", "flyer"]
    assert [one.source for one in await told(parts, "call_1")] == ["google", "bing"]


async def test_every_visitor_who_may_have_called_and_what_a_publisher_sees_of_it(parts: Parts) -> None:
    await add(parts)
    await insert_rows(
        parts,
        schema.session,
        came("s1", 5 * HOUR, "google"),
        came("b1", 7 * HOUR, "email", "bob", publisher_id="pub_2"),
        came("b2", 4 * HOUR, "bing", "bob", publisher_id="pub_2"),
        came("c1", 3 * HOUR, "flyer", "cid"),
    )
    await insert_rows(parts, schema.call, called("call_1", HOUR, "s1", ("b2", 0.3), ("b1", 0.05), ("c1", 0.005)))
    expected = [("b1", "email", 0.35), ("s1", "google", 0.6), ("b2", "bing", 0.35)]
    assert short(await told(parts, "call_1")) == expected, "one in two hundred is no candidate to speak of"
    await keep_next(parts)
    assert short(await told(parts, "call_1")) == expected
    seen = await told(parts, "call_1", Principal("tok", "", "publisher", publisher="pub_1"))
    assert [one.session for one in seen] == ["s1"]


async def test_of_very_many_visits_the_first_and_the_latest_stay(parts: Parts) -> None:
    await add(parts)
    many = [came(f"s{n:03}", (100 - n) * HOUR, f"source {n}") for n in range(80)]
    await insert_rows(parts, schema.session, *many)
    await insert_rows(parts, schema.call, called("call_1", HOUR, "s079"))
    await keep_next(parts)
    touches = await told(parts, "call_1")
    assert len(touches) == MOST_TOUCHES
    assert (touches[0].session, touches[1].session, touches[-1].session) == ("s000", "s031", "s079")


async def test_what_was_never_written_has_the_calls_own_copy(parts: Parts) -> None:
    await add(parts)
    await insert_rows(parts, schema.call, called("call_1", HOUR, "lost", source="google", medium="cpc", channel="x"))
    await keep_next(parts)
    [touch] = await told(parts, "call_1")
    assert (touch.session, touch.visitor, touch.source, touch.channel) == ("lost", "ann", "google", "x")


async def test_calls_wait_until_they_are_settled_and_are_asked_once(parts: Parts) -> None:
    await add(parts)
    static = {"method": "static", "confidence": 1.0, "candidates": []}
    await insert_rows(
        parts,
        schema.call,
        called("call_1", 0, None, **static),
        called("call_2", 0, None, method=None),
    )
    assert await keep_next(parts) == 0
    advance(parts, SETTLED_MS)
    assert await keep_next(parts) == 1, "the other is not credited yet"
    assert await keep_next(parts) == 0
    assert await told(parts, "call_1") == []


async def test_another_answer_takes_the_formers_place(parts: Parts) -> None:
    await add(parts)
    await insert_rows(parts, schema.session, came("s1", 5 * HOUR, "google"), came("b1", 4 * HOUR, "bing", "bob"))
    await insert_rows(parts, schema.call, called("call_1", HOUR, "s1"))
    await keep_next(parts)
    candidates = [{"session": "b1", "confidence": 0.9, "why": ""}]
    changed = {"session_id": "b1", "visitor_id": "bob", "candidates": candidates, "touches_kept_ms": None}
    async with parts.ledger.write() as connection:
        await connection.execute(update(schema.call).values(changed))
    assert await keep_next(parts) == 1
    await forget_sessions(parts)
    assert short(await told(parts, "call_1")) == [("b1", "bing", 0.9)]
