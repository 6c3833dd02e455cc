"""Every figure of the report, against a count by hand over the same rows."""

import random
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from fractions import Fraction
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, structs
from sqlalchemy import update

from dni.access.model import Principal
from dni.attribution.credit import Step, credit, in_millionths
from dni.call.keep_touches import keep_next
from dni.errors import InvalidField
from dni.ledger import schema
from dni.money import Money
from dni.parts import Parts
from dni.report import chunks, seal
from dni.report.amounts import parts as divided
from dni.report.attribution import attribution, report
from dni.report.model import MODELS, ReportFilter, ReportRow, dimensions
from tests.dashboard.samples import HOUR, call, insert_rows, lease, session
from tests.support.world import START_MS, add

ADMIN = Principal("tok", "", "admin")
DAY = 24 * HOUR
ZONE = ZoneInfo("America/New_York")
ALL = ReportFilter(from_ms=START_MS - 60 * DAY, to_ms=START_MS + 1)
ORDER = [("google", "cpc"), ("bing", "organic"), ("(direct)", "(none)"), ("facebook", "paid_social"), (None, None)]


VERDICTS: list[dict[str, Any]] = [
    {},  # not judged
    {"qualified": True, "billable": True, "payout": 1_001, "revenue": 2_500},
    {"qualified": True, "billable": False, "payout": 1_000, "revenue": 0},
    {"qualified": False, "billable": False, "payout": 0, "revenue": 0},
]


class World:
    """Random visitors with several visits each, and calls of all kinds."""

    def __init__(self, seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311
        self.sessions: list[dict[str, Any]] = []
        self.leases: list[dict[str, Any]] = []
        self.calls: list[dict[str, Any]] = []
        for at in range(60):
            source, medium = chance.choice(ORDER)
            ago = chance.randrange(HOUR, 50 * DAY)
            channel = {"google": "Paid Search", "(direct)": "Direct"}.get(source or "")
            self.sessions.append(
                session(
                    f"s{at}",
                    ago,
                    visitor_id=f"v{at % 20}",
                    source=source,
                    medium=medium,
                    channel=channel,
                    keyword=chance.choice(["plumber", "Plumber", None]),
                    landing_page=chance.choice(["https://a.example/x?gclid=1", "https://a.example/x", None]),
                    device=chance.choice(["phone", "desktop"]),
                    publisher_id=chance.choice(["pub_1", "pub_2"]),
                    params=chance.choice([{"sub1": "aff-7", "sub3": "Banner"}, {"sub1": "aff-9", "ref": "x"}, None]),
                )
            )
            if chance.random() < 0.7:
                self.leases.append(lease(f"s{at}", ago, number=f"+1202555{at:04}"))
        for at in range(40):
            best, other = chance.sample(self.sessions, 2)
            how = chance.choice(["current", "current", "recent", "none", "static", "old", "late"])
            since_ms = min(START_MS - one["started_at_ms"] for one in (best, other))
            ago = chance.randrange(HOUR // 2, since_ms) if how != "late" else 60_000
            values: dict[str, Any] = {"method": how if how not in ("old", "late") else "current"}
            if how in ("none", "static"):
                values["source"] = "yelp" if how == "static" else None
                values["confidence"] = 1.0 if how == "static" else None
            else:
                names = ("source", "medium", "keyword", "channel", "landing_page", "params")
                touch = {name: best[name] for name in names}
                p = None if how == "old" else chance.choice([0.5, 0.7, 0.9])
                stated = [(best, p), (other, None if p is None else 0.3 if p < 0.7 else 0.004)]
                values |= touch | {"session_id": best["id"], "visitor_id": best["visitor_id"], "confidence": p}
                values["candidates"] = [{"session": one["id"], "confidence": q, "why": ""} for one, q in stated]
            ended = {} if chance.random() < 0.7 else {"answered_at_ms": None, "talk_s": 0}
            caller = chance.choice([None, *(f"+1312555{n:04}" for n in range(12))])
            values |= chance.choice(VERDICTS)
            self.calls.append(call(f"call_{at:02}", ago, caller=caller, publisher_id="pub_1", **(values | ended)))

    async def write(self, parts: Parts) -> None:
        await add(parts)
        await insert_rows(parts, schema.session, *self.sessions)
        await insert_rows(parts, schema.lease, *self.leases)
        await insert_rows(parts, schema.call, *self.calls)
        while await keep_next(parts):
            pass

    def brute(self, names: tuple[str, ...], model: str, keep: Callable[[Any], bool] = lambda _: True) -> Any:
        """Group -> figures, in fractions, from the definitions alone."""
        found: dict[Any, dict[str, Any]] = defaultdict(lambda: defaultdict(Fraction))
        leased = {one["session_id"] for one in self.leases}
        for one in self.sessions:
            if keep(one):
                group = found[self._key(names, one, one, one["started_at_ms"])]
                group["sessions"] += 1
                group["leased"] += one["id"] in leased
        for one in self.calls:
            earlier = [
                each
                for each in self.calls
                if each["caller"] == one["caller"]
                and (each["started_at_ms"], each["id"]) < (one["started_at_ms"], one["id"])
            ]
            first = one["caller"] is not None and not earlier
            for his, weight, touch in self._shares(one, model):
                if not keep(touch):
                    continue
                group = found[self._key(names, touch, one, one["started_at_ms"])]
                group["expected"] += weight * Fraction(his).limit_denominator(10_000)
                if touch.get("credited", True):
                    group["calls"] += weight
                    group["first"] += weight * first
                    group["answered"] += weight * (one["answered_at_ms"] is not None)
                    group["duration"] += weight * one["duration_s"]
                    group["talk"] += weight * one["talk_s"]
                    group["qualified"] += weight * bool(one["qualified"])
                    for name in ("payout", "revenue"):
                        group[name] += weight * (one[name] or 0)
        # A touch that a model gives nothing makes no row.
        return {key: values for key, values in found.items() if any(values.values())}

    def _shares(self, one: dict[str, Any], model: str) -> Any:
        """(probability that it was his, weight of the touch, the touch); of nobody's call one with probability 0."""
        if one["session_id"] is None:
            yield (1 if one["method"] == "static" else 0), Fraction(1), one
            return
        recent = one["started_at_ms"] > START_MS - 15 * 60_000
        if recent:  # its touches are not kept yet
            yield one["confidence"], Fraction(1), {**one, "device": None}
            return
        of_visitor: dict[str, float | None] = {one["visitor_id"]: None}
        by_id = {each["id"]: each for each in self.sessions}
        for candidate in one["candidates"]:
            visitor, p = by_id[candidate["session"]]["visitor_id"], candidate["confidence"]
            if p is not None and (p >= 0.01 or visitor in of_visitor):
                of_visitor[visitor] = (of_visitor.get(visitor) or 0) + p
        for visitor, p in of_visitor.items():
            path = sorted(
                (
                    each
                    for each in self.sessions
                    if each["visitor_id"] == visitor and each["started_at_ms"] <= one["started_at_ms"]
                ),
                key=lambda each: (each["started_at_ms"], each["id"]),
            )
            weights = credit(model, [Step(each["started_at_ms"], each["channel"] or "") for each in path])
            for each, weight in zip(path, weights, strict=True):
                yield (1 if p is None else p), weight, {**each, "credited": visitor == one["visitor_id"]}

    @staticmethod
    def _key(names: tuple[str, ...], touch: dict[str, Any], owner: dict[str, Any], at_ms: int) -> tuple[Any, ...]:
        at = datetime.fromtimestamp(at_ms / 1000, ZONE)
        special = {
            "landing_page": (touch.get("landing_page") or "").partition("?")[0] or None,
            **{name: (touch.get("params") or {}).get(name) for name in ("sub1", "sub3", "sub5")},
            "publisher": owner["publisher_id"],
            "campaign": owner["campaign_id"],
            "day": at.date().isoformat(),
            "weekday": at.isoweekday(),
            "hour": at.hour,
        }
        return tuple(special.get(name, touch.get(name)) for name in names)


def figures(row: ReportRow) -> dict[str, Any]:
    return {
        "sessions": row.sessions,
        "leased": row.leased,
        "calls": row.calls,
        "expected": row.expected_calls,
        "first": row.first_time_callers,
        "answered": row.answered,
        "duration": row.duration,
        "talk": row.talk_seconds,
        "qualified": row.qualified or 0,
        "payout": row.payout.amount if row.payout else 0,
        "revenue": row.revenue.amount if row.revenue else 0,
    }


# A touch's amount is whole, and within one unit of its share; so a group's is within as many as it has touches.
NEARLY = {"duration": 0.06, "talk": 0.06, "payout": 8, "revenue": 8}


SHARING = ("linear", "position_based", "time_decay")
BY = (
    *("source", "source,medium,keyword", "landing_page", "device", "publisher", "channel,day", "weekday,hour", ""),
    *("sub1", "sub3,source,sub1", "sub5"),
)


@pytest.mark.parametrize("model", MODELS)
async def test_every_figure_is_the_brute_force_count(parts: Parts, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(MODELS.index(model))
    await world.write(parts)
    await every_figure(parts, world, model)
    monkeypatch.setattr(seal, "LARGE", 17)
    await seal.seal_all(parts)
    async with parts.ledger.read() as connection:
        for kind in seal.KINDS:
            known = await chunks.within(connection, kind, 0, START_MS)
            assert len(known) > 2
            assert all(one.sealed for one in known)
    await every_figure(parts, world, model)


async def every_figure(parts: Parts, world: World, model: str) -> None:
    for by in BY:
        names = dimensions(by)
        rows = await attribution(parts.ledger, ADMIN, ALL, names, model, 10_000)
        expected = world.brute(names, model)
        told = {tuple(getattr(row, name) for name in names): figures(row) for row in rows}
        assert told.keys() == expected.keys()
        for key, values in expected.items():
            for name, value in told[key].items():
                nearly = NEARLY.get(name, 2e-4) if model in SHARING or name in ("duration", "talk") else 2e-4
                assert value == pytest.approx(float(values[name]), abs=nearly), (key, name)
        for name in ("payout", "revenue"):
            assert sum(figure[name] for figure in told.values()) == sum(one[name] or 0 for one in world.calls)
        assert sum(row.calls for row in rows) == pytest.approx(len(world.calls), abs=1e-9)
        assert [row.calls for row in rows] == sorted((row.calls for row in rows), reverse=True)


async def test_filters_hold_for_touches_and_owners(parts: Parts) -> None:
    world = World(7)
    await world.write(parts)
    only = structs.replace(ALL, keyword="PLUMBER")
    rows = await attribution(parts.ledger, ADMIN, only, ("source",), "linear", 100)
    expected = world.brute(("source",), "linear", lambda one: (one["keyword"] or "").lower() == "plumber")
    assert {row.source: row.sessions for row in rows} == {k[0]: v["sessions"] for k, v in expected.items()}
    assert {row.source: round(row.calls, 3) for row in rows} == {
        k[0]: round(float(v["calls"]), 3) for k, v in expected.items()
    }
    only = structs.replace(ALL, sub1="AFF-7")
    rows = await attribution(parts.ledger, ADMIN, only, ("sub3",), "linear", 100)
    expected = world.brute(("sub3",), "linear", lambda one: (one["params"] or {}).get("sub1") == "aff-7")
    assert {row.sub3: row.sessions for row in rows} == {key[0]: one["sessions"] for key, one in expected.items()}
    [nothing] = await attribution(parts.ledger, ADMIN, structs.replace(ALL, campaign="cmp_2"), (), "linear", 100) or [
        ReportRow()
    ]
    assert nothing.calls == 0
    day = structs.replace(ALL, from_ms=START_MS - DAY)
    [row] = await attribution(parts.ledger, ADMIN, day, (), "last_touch", 100)
    assert row.sessions == sum(one["started_at_ms"] >= START_MS - DAY for one in world.sessions)


async def test_a_publisher_sees_its_own_alone(parts: Parts) -> None:
    world = World(3)
    await world.write(parts)
    of_two = Principal("tok", "", "publisher", publisher="pub_2")
    [row] = await attribution(parts.ledger, of_two, ALL, (), "last_touch", 100)
    assert row.sessions == sum(one["publisher_id"] == "pub_2" for one in world.sessions)
    assert (row.calls, row.expected_calls) == (0, 0)


async def test_a_report_of_what_only_calls_have(parts: Parts) -> None:
    world = World(5)
    await world.write(parts)
    rows = await attribution(parts.ledger, ADMIN, ALL, ("first_time",), "last_touch", 100)
    assert {row.first_time for row in rows} == {True, False}
    assert {row.sessions for row in rows} == {None}
    assert sum(row.first_time_callers for row in rows if row.first_time) == pytest.approx(
        sum(row.calls for row in rows if row.first_time)
    )
    assert rows[0].source is UNSET


@pytest.mark.parametrize(
    ("wrong", "said"), [("sauce", "'sauce' is none of"), ("source,medium,day,hour,tag", "at most 4")]
)
def test_what_is_no_dimension_is_refused(wrong: str, said: str) -> None:
    with pytest.raises(InvalidField, match=said):
        dimensions(wrong)


async def test_each_side_sees_its_own_money(parts: Parts) -> None:
    await add(parts)
    judged = {"qualified": True, "billable": True, "payout": 1_000, "revenue": 2_500}
    free = {"qualified": False, "billable": True, "payout": 0, "revenue": 500}
    await insert_rows(
        parts,
        schema.call,
        call("call_1", HOUR, source="radio", **judged),
        call("call_2", HOUR, source="radio", **free),
        call("call_3", HOUR, source="yelp"),
    )
    asked = ALL, ("source",), "last_touch", 10

    async def of(principal: Principal) -> dict[Any, tuple[Any, ...]]:
        rows = await attribution(parts.ledger, principal, *asked)
        names = ("qualified", "payout", "revenue", "margin", "payout_per_qualified")
        return {row.source: tuple(getattr(row, name) for name in names) for row in rows}

    usd = partial(Money, currency="USD")
    nothing = (None,) * 5
    assert await of(ADMIN) == {"radio": (1, usd(1_000), usd(3_000), usd(2_000), usd(1_000)), "yelp": nothing}
    publisher = Principal("tok", "", "publisher", publisher="pub_1")
    assert await of(publisher) == {"radio": (1, usd(1_000), None, None, usd(1_000)), "yelp": nothing}
    advertiser = Principal("tok", "", "advertiser", campaign="cmp_1")
    assert await of(advertiser) == {"radio": (2, None, usd(3_000), None, None), "yelp": nothing}


async def test_amounts_of_several_currencies_are_not_added_up(parts: Parts) -> None:
    await add(parts)
    await add(parts, suffix="2", first=100)
    async with parts.ledger.write() as connection:
        await connection.execute(update(schema.campaign).where(schema.campaign.c.id == "cmp_2").values(currency="EUR"))
    paid = {"source": "radio", "qualified": True, "billable": True, "payout": 100, "revenue": 300}
    await insert_rows(
        parts,
        schema.call,
        *(call(f"usd_{n}", (n + 40) * HOUR, **paid) for n in range(2)),
        *(call(f"eur_{n}", (n + 40) * HOUR, **paid, campaign_id="cmp_2", publisher_id="pub_2") for n in range(3)),
    )
    ask = ("source",), "last_touch", 10

    async def seen(only: ReportFilter, principal: Principal = ADMIN) -> tuple[Any, ...]:
        found = await report(parts.ledger, principal, only, *ask)
        [row] = found.rows
        assert row == structs.replace(found.total, source="radio")
        return row.qualified, row.payout, row.revenue, row.elsewhere, found.currency, found.others

    for _ in range(2):
        assert await seen(ALL) == (5, Money(300, "EUR"), Money(900, "EUR"), 2, "EUR", ["USD"])
        usd = structs.replace(ALL, currency="USD")
        assert await seen(usd) == (5, Money(200, "USD"), Money(600, "USD"), 3, "USD", ["EUR"])
        assert await seen(structs.replace(ALL, currency="JPY")) == (5, None, None, 5, "JPY", ["EUR", "USD"])
        assert await seen(structs.replace(ALL, campaign="cmp_1")) == (
            *(2, Money(200, "USD"), Money(600, "USD"), 0),
            *("USD", []),
        )
        of_one = Principal("tok", "", "publisher", publisher="pub_1")
        assert await seen(ALL, of_one) == (2, Money(200, "USD"), None, 0, "USD", [])
        await seal.seal_all(parts)


@given(st.lists(st.tuples(st.integers(0, 10**12), st.lists(st.integers(0, 99), min_size=1, max_size=9)), min_size=1))
def test_the_parts_of_a_call_sum_to_its_amount(calls: list[tuple[int, list[int]]]) -> None:
    shares = [in_millionths(tuple(Fraction(weight + 1, sum(of) + len(of)) for weight in of)) for _, of in calls]
    amounts = [[amount] * len(of) for amount, of in calls]
    found = divided(np.array([one for of in amounts for one in of]), np.array([one for of in shares for one in of]))
    at = 0
    for (amount, of), its in zip(calls, shares, strict=True):
        got = found[at : at + len(of)].tolist()
        assert sum(got) == amount
        assert all(abs(part - amount * share / 1e6) <= 1 + amount * 1e-15 for part, share in zip(got, its, strict=True))
        at += len(of)
