"""The columns that reports are counted from say what the rows say, whatever happens to these in whatever order."""

import asyncio
import random
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from dni.access.model import Principal
from dni.attribution.model import Attribution, Candidate
from dni.call import calls, credits, touches
from dni.call.told import Told
from dni.campaign import declare
from dni.clock import SettableClock
from dni.ledger import schema, stale
from dni.money import Money
from dni.parts import Parts
from dni.qualification.model import Policy, Side, Terms
from dni.qualification.settle import settle_once
from dni.report import chunks, seal
from dni.report.attribution import Report, attribution, report
from dni.report.model import ReportFilter
from dni.session.model import Touch
from dni.session.news import late_clicks
from dni.session.sessions import Batch, LeaseRow, SessionNews, SessionRow, Sessions
from tests.dashboard.samples import HOUR, MINUTE, call, insert_rows, lease, session
from tests.support.world import START_MS, add

ADMIN = Principal("tok", "", "admin")
DAY = 24 * HOUR
NAMES = ("source", "landing_page", "first_time", "hour")


class Hands:
    """Those who write sessions and calls, each in its own way, at random moments of the last days."""

    def __init__(self, parts: Parts, seed: int) -> None:
        self.parts = parts
        self.chance = random.Random(seed)  # noqa: S311
        self.sessions: list[SessionRow] = []
        self.count = 0

    def _moment(self) -> int:
        ago = self.chance.choice([MINUTE, 30 * MINUTE, 40 * MINUTE, 3 * HOUR, 30 * HOUR, 9 * DAY])
        return self.parts.clock.now_ms() - ago - self.chance.randrange(MINUTE)

    async def visits(self) -> None:
        batch = Batch()
        for _ in range(self.chance.randrange(1, 6)):
            self.count += 1
            values = session(f"s{self.count}", 0, source=self.chance.choice(["google", "bing", None]))
            values |= {"started_at_ms": self._moment(), "visitor_id": f"v{self.chance.randrange(6)}"}
            values |= {"landing_page": self.chance.choice(["https://a.example/x?gclid=1", "https://a.example/x", None])}
            values |= {"params": ('{"sub1":"a"}', '{"sub1":"b","sub2":"c"}', None)[self.count % 3]}
            row = SessionRow(**values)
            batch.session(row, begins=True)
            self.sessions.append(row)
            if self.chance.random() < 0.5:
                self._lease(batch, row)
        await Sessions(self.parts.ledger).write(batch)

    async def later_lease(self) -> None:
        batch = Batch()
        self._lease(batch, self.chance.choice(self.sessions))
        await Sessions(self.parts.ledger).write(batch)

    def _lease(self, batch: Batch, row: SessionRow) -> None:
        self.count += 1
        values = lease(row.id, 0, number=f"+1202555{self.count:04}", started_at_ms=row.started_at_ms)
        batch.leases.append(LeaseRow(**{name: values[name] for name in LeaseRow.__struct_fields__}))

    async def late_click(self) -> None:
        batch = Batch()
        self.count += 1
        clicks = late_clicks("https://a.example/x", {"ttclid": f"c{self.count}"}, frozenset())
        batch.news.append(SessionNews(self.chance.choice(self.sessions).id, list(clicks), {}, None))
        await Sessions(self.parts.ledger).write(batch)

    async def rings(self) -> None:
        """Perhaps of a telephone that called later, or of which the end was heard before."""
        self.count += 1
        at_ms, who = self._moment(), self.chance.choice(self.sessions)
        touch = Touch(source=who.source, landing_page=who.landing_page, params={"sub1": "a"})
        told = Attribution(
            session=who.id,
            visitor=who.visitor_id,
            tag="tag_1",
            publisher="pub_1",
            touch=touch,
            method="current",
            candidates=(Candidate(session=who.id, confidence=0.75, why=""),),
        )
        async with self.parts.ledger.write() as connection:
            await connection.run_sync(
                calls.record,
                self.parts.ledger,
                Told(
                    carrier="car_1",
                    port="twilio",
                    inbound=True,
                    received_ms=at_ms,
                    fields={
                        "CallSid": f"CA{self.count}",
                        "From": f"+1312555010{self.chance.randrange(8)}",
                        "To": f"+1202555010{self.chance.randrange(3)}",
                        "CallStatus": "ringing",
                    },
                    destination="+14155550199",
                    campaign="cmp_1",
                    publisher="pub_1",
                    attribution=told if self.chance.random() < 0.8 else None,
                ),
            )

    async def ends(self) -> None:
        if (row := await self._call()) is None:
            return
        fields = {"CallSid": row["provider_id"], "CallStatus": "completed", "CallDuration": str(self.count)}
        told = Told(
            carrier="car_1", port="twilio", inbound=False, received_ms=row["started_at_ms"] + 90_000, fields=fields
        )
        async with self.parts.ledger.write() as connection:
            await connection.run_sync(calls.record, self.parts.ledger, told)

    async def credits_late(self) -> None:
        if (row := await self._call(schema.call.c.method.is_(None))) is None:
            return
        nobody = Attribution(method="none")
        async with self.parts.ledger.write() as connection:
            await credits.credit(connection, row["id"], nobody, "cmp_1", self.parts.clock.now_ms())

    async def credits_anew(self) -> None:
        if (row := await self._call(schema.call.c.method.is_not(None))) is None:
            return
        who = self.chance.choice(self.sessions)
        other = Attribution(session=who.id, visitor=who.visitor_id, touch=Touch(source="anew"), method="recent")
        async with self.parts.ledger.write() as connection:
            self.count += 1
            await credits.credit_anew(connection, row, other, self.parts.clock.now_ms() + self.count)

    async def keeps_touches(self) -> None:
        async with self.parts.ledger.read() as connection:
            waiting = await touches.not_kept(connection, self.parts.clock.now_ms(), 3)
            found = [(row, await touches.before(connection, row)) for row in waiting]
        async with self.parts.ledger.write() as connection:
            for row, before in found:
                await touches.keep(connection, row, before, self.parts.clock.now_ms())

    async def time_passes(self) -> None:
        assert isinstance(self.parts.clock, SettableClock)
        self.parts.clock.advance(self.chance.choice([MINUTE, 20 * MINUTE, 5 * HOUR]))

    async def seals(self) -> None:
        for _ in range(self.chance.randrange(6)):
            await seal.seal_next(self.parts)

    async def _call(self, *which: Any) -> Any:
        async with self.parts.ledger.read() as connection:
            found = (await connection.execute(select(schema.call).where(*which))).mappings().all()
        return self.chance.choice(found) if found else None


async def told(parts: Parts) -> list[Any]:
    """Reports of sessions and of calls, over all and over some of the time, with the period before."""
    now_ms = parts.clock.now_ms() + 1
    found: list[Any] = []
    for names in (NAMES, ("source", "day", "publisher"), ("sub1", "sub2"), ()):
        for span in (30 * DAY, 25 * HOUR):
            only = ReportFilter(from_ms=now_ms - span, to_ms=now_ms)
            one: Report = await report(parts.ledger, ADMIN, only, names, "linear", 1000, now_ms - 2 * span)
            pairs = zip(one.rows, one.before, strict=True)
            found.append((sorted(map(str, pairs)), str(one.total), str(one.total_before), one.groups))
    return found


@pytest.mark.parametrize("seed", range(2))
async def test_columns_say_what_the_rows_say_whoever_writes(
    parts: Parts, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seal, "LARGE", 9)
    monkeypatch.setattr(seal, "_SMALL", 4)
    await add(parts)
    hands = Hands(parts, seed)
    await hands.visits()
    acts = [
        *[hands.visits] * 3,
        hands.later_lease,
        hands.late_click,
        *[hands.rings] * 2,
        hands.ends,
        hands.credits_late,
        hands.credits_anew,
        hands.keeps_touches,
        hands.time_passes,
        *[hands.seals] * 6,
    ]
    copied = 0
    for _ in range(60):
        await hands.chance.choice(acts)()
        if hands.chance.random() < 0.25:
            by_columns = await told(parts)
            async with parts.ledger.snapshot() as connection:
                known = [await chunks.within(connection, kind, 0, parts.clock.now_ms()) for kind in seal.KINDS]
            copied = max(copied, sum(one.sealed for of in known for one in of))
            async with parts.ledger.write() as connection:
                await chunks.open_all(connection)
            assert by_columns == await told(parts)
            await seal.seal_all(parts)
            assert by_columns == await told(parts)
    assert copied > 3


async def test_what_changes_while_columns_are_made_is_not_lost(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    await add(parts)
    hands = Hands(parts, 1)
    await insert_rows(parts, schema.session, session("s1", 9 * DAY, source="google"))
    hands.sessions = [SessionRow(**session("s1", 9 * DAY))]
    assert await seal.seal_next(parts)  # announced
    made = chunks.seal

    def meanwhile(*of: Any) -> bool:
        monkeypatch.setattr(chunks, "seal", made)
        raise _Meanwhile

    class _Meanwhile(Exception):
        pass

    # The rows are read; before they are written as columns, the session gets another source.
    monkeypatch.setattr(chunks, "seal", meanwhile)
    with pytest.raises(_Meanwhile):
        await seal.seal_next(parts)
    async with parts.ledger.snapshot() as connection:
        before = await chunks.unsealed(connection, "session")
    assert before
    await hands.late_click()
    async with parts.ledger.write() as connection:
        assert not await connection.run_sync(chunks.seal, before, 1, {})
    await seal.seal_all(parts)
    rows = await attribution(
        parts.ledger, ADMIN, ReportFilter(from_ms=0, to_ms=START_MS), ("source",), "last_touch", 10
    )
    assert [row.source for row in rows] == ["tiktok"]


async def test_on_postgresql_a_writer_that_began_before_the_announcement_is_waited_for(
    postgres_url: str, redis_url: str, redis_prefix: str, tmp_path: Any
) -> None:
    from tests.support import world

    async with world.parts(postgres_url, redis_url, redis_prefix, tmp_path) as parts:
        await insert_rows(parts, schema.session, session("s1", 9 * DAY, source="google"))
        async with parts.ledger.write() as writer:
            await writer.execute(update(schema.session).values(source="bing"))
            await writer.run_sync(stale.mark, "session", [START_MS - 9 * DAY])
            sealing = asyncio.create_task(seal.seal_all(parts))
            await asyncio.wait({sealing}, timeout=0.3)
            assert not sealing.done()
        await sealing
        rows = await attribution(
            parts.ledger, ADMIN, ReportFilter(from_ms=0, to_ms=START_MS), ("source",), "last_touch", 10
        )
        assert [(row.source, row.sessions) for row in rows] == [("bing", 1)]


async def test_what_is_forgotten_for_its_age_goes_on_counting(parts: Parts) -> None:
    await add(parts)
    rows = [session(f"s{at}", (at + 1) * DAY, source="google") for at in range(5)]
    await insert_rows(parts, schema.session, *rows)
    await seal.seal_all(parts)
    until_ms = START_MS - 3 * DAY
    async with parts.ledger.write() as connection:
        copied = await chunks.sealed_until(connection, "session")
        assert copied
        assert copied > until_ms
        await connection.run_sync(stale.make_final, "session", until_ms)
        await connection.execute(delete(schema.session).where(schema.session.c.started_at_ms < until_ms))
        # Somebody changes what is left of the same chunk; the count stays.
        await connection.run_sync(stale.mark, "session", [START_MS - 2 * DAY])
        await chunks.open_all(connection)
    only = ReportFilter(from_ms=0, to_ms=START_MS)
    [row] = await attribution(parts.ledger, ADMIN, only, (), "last_touch", 1)
    assert row.sessions == 5


async def of_before(parts: Parts) -> None:
    """Columns as they were made when nobody grouped by sub-ids."""
    async with parts.ledger.write() as connection:
        await connection.execute(delete(schema.chunk_column).where(schema.chunk_column.c.name.in_(schema.SUBS)))


async def by_sub(parts: Parts) -> dict[Any, tuple[int | None, float]]:
    only = ReportFilter(from_ms=0, to_ms=START_MS)
    rows = await attribution(parts.ledger, ADMIN, only, ("sub1",), "last_touch", 10)
    return {row.sub1: (row.sessions, row.calls) for row in rows}


async def test_columns_of_before_a_dimension_came_are_made_anew_and_until_then_rows_count(parts: Parts) -> None:
    await add(parts)
    some = [session(f"s{at}", (at + 2) * DAY, params={"sub1": "a"} if at % 2 else None) for at in range(5)]
    await insert_rows(parts, schema.session, *some)
    await insert_rows(parts, schema.call, call("call_1", 3 * DAY, params={"sub1": "b"}))
    expected = {None: (3, 0), "a": (2, 0), "b": (0, 1)}
    await seal.seal_all(parts)
    await of_before(parts)
    assert await by_sub(parts) == expected
    async with parts.ledger.read() as connection:
        assert await chunks.unsealed(connection, "session") is None
        assert [len(await chunks.lacking(connection, kind, "sub5")) for kind in seal.KINDS] == [1, 1]
    await seal.seal_all(parts)
    async with parts.ledger.read() as connection:
        assert [await chunks.lacking(connection, kind, "sub5") for kind in seal.KINDS] == [[], []]
    async with parts.ledger.write() as connection:  # the columns alone must say it now
        await connection.execute(update(schema.session).values(params=None))
    assert await by_sub(parts) == expected


async def test_what_was_forgotten_before_a_dimension_came_has_nothing_of_it(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seal, "_AT_ONCE", 2)
    await add(parts)
    await insert_rows(
        parts, schema.session, *(session(f"s{at}", at * DAY, params={"sub1": "a"}) for at in range(2, 12))
    )
    while (await chunks_of(parts)) < 5:
        assert await seal.seal_next(parts)
    await of_before(parts)
    until_ms = START_MS - 8 * DAY
    async with parts.ledger.write() as connection:
        await connection.run_sync(stale.make_final, "session", until_ms)
        await connection.execute(delete(schema.session).where(schema.session.c.started_at_ms < until_ms))
    await seal.seal_all(parts)
    found = await by_sub(parts)
    assert sum(sessions or 0 for sessions, _ in found.values()) == 10
    assert found[None][0] in (3, 4)


async def chunks_of(parts: Parts) -> int:
    async with parts.ledger.read() as connection:
        known = await chunks.within(connection, "session", 0, START_MS)
    return sum(one.sealed for one in known)


async def test_a_call_that_is_settled_after_its_stretch_was_copied_changes_the_figures(parts: Parts) -> None:
    await add(parts)
    pays = Terms(payout=Side(base=Policy(name="base", when="talk >= 60s", amount=1_250)))
    async with parts.ledger.write() as connection:
        await declare.terms(connection, ADMIN, START_MS - 9 * DAY, "cmp_1", None, None, pays)
    await insert_rows(parts, schema.call, call("call_1", 3 * DAY, source="radio", unsettled_ms=None))
    await seal.seal_all(parts)
    only = ReportFilter(from_ms=0, to_ms=START_MS)

    async def payout() -> Money | None:
        [found] = await attribution(parts.ledger, ADMIN, only, (), "last_touch", 1)
        return found.payout

    assert await payout() is None
    for talk_s, expected in ((127, 1_250), (59, 0)):
        async with parts.ledger.write() as connection:
            await connection.execute(update(schema.call).values(talk_s=talk_s, unsettled_ms=START_MS))
        assert await settle_once(parts) == 1
        assert await payout() == Money(expected, "USD")
        await seal.seal_all(parts)
        assert await payout() == Money(expected, "USD")
