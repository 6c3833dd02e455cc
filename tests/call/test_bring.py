"""Sales find their calls and tell what became of them, on each engine."""

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from dni.access.model import Principal
from dni.call.bring import bring, in_turns, reading
from dni.call.bring_model import ConversionsReport, read_json
from dni.clock import rfc3339
from dni.errors import InvalidField
from dni.ledger import schema
from dni.parts import Parts
from tests.dashboard.samples import CALLER, HOUR, call, insert_rows, session
from tests.outbound.test_conversions import touch
from tests.support.world import START_MS, add

ADMIN = Principal("tok_admin", "Ada", "admin")
ADVERTISER = Principal("tok_adv", "Acme", "advertiser", campaign="cmp_1")
GCLID, FBCLID = "Cj0KCQ-the-click", "IwAR0-the-click"
DAY = 24 * HOUR
USD = {"amount": 12_500, "currency": "USD"}


async def brought(
    parts: Parts, *given: Any, principal: Principal = ADMIN, dry_run: bool = False, **how: Any
) -> ConversionsReport:
    of = await reading(parts.ledger, principal, parts.clock.now_ms(), **how)
    rows = await in_turns(read_json(n, msgspec.json.encode(one), of) for n, one in enumerate(given, 1))
    report = await bring(parts.ledger, principal, of, rows, dry_run=dry_run)
    assert report.rows == len(given) == sum(getattr(report, state) for state in _STATES)
    return report


_STATES = ("matched", "known", "not_matched", "ambiguous", "wrong")


def states(report: ConversionsReport) -> list[str]:
    return [one.state for one in report.conversions]


def about(report: ConversionsReport) -> list[tuple[str, str | None, str | None]]:
    return [(one.state, one.call, one.by) for one in report.conversions]


async def outcomes(parts: Parts) -> dict[str, Any]:
    """What calls were told, as their rows tell it; each has one row of what was told."""
    async with parts.ledger.read() as connection:
        query = select(schema.call.c.id, schema.call.c.outcome).where(schema.call.c.outcome.is_not(None))
        return {wanted: told for wanted, told in (await connection.execute(query)).all() if told}


async def count(parts: Parts, table: Any) -> int:
    async with parts.ledger.read() as connection:
        return int(await connection.scalar(select(func.count()).select_from(table)) or 0)


def ago(ms: int) -> str:
    return rfc3339(START_MS - ms)


async def world(parts: Parts) -> None:
    """`first` and `second` are calls of one telephone, an hour apart; `elsewhere` is its call to another campaign, long
    before; `clicked` one of a visitor who clicked twice."""
    await add(parts)
    await add(parts, suffix="2", first=100)
    other = {"campaign_id": "cmp_2", "publisher_id": "pub_2", "tag_id": "tag_2"}
    visit, former = (
        session(name, ms, visitor_id="vis", click_ids=clicks)
        for name, ms, clicks in (("now", 4 * HOUR, None), ("former", 9 * DAY, {"gclid": GCLID}))
    )
    strange = session("strange", 3 * HOUR, visitor_id="somebody else", click_ids={"gclid": "Cj0KCQ-of-another"})
    await insert_rows(parts, schema.session, visit, former, strange)
    await insert_rows(
        parts,
        schema.call,
        call("first", 2 * HOUR),
        call("second", HOUR),
        call("elsewhere", 20 * DAY, **other),
        call("clicked", 3 * HOUR, caller="+13125550143", visitor_id="vis", click_ids={"fbclid": FBCLID}),
        call("nobodys", 3 * HOUR, caller="+13125550144", campaign_id=None, publisher_id=None, tag_id=None),
    )
    await insert_rows(
        parts, schema.call_touch, touch("clicked", visit), touch("clicked", former), touch("clicked", strange)
    )


async def test_by_call_click_and_caller(parts: Parts) -> None:
    await world(parts)
    report = await brought(
        parts,
        {"call": "first", "sale": True, "value": USD},
        {"gclid": GCLID, "lead_status": "won"},
        {"caller": CALLER, "at": ago(0), "within_days": 10, "note": "called back"},
        {"call": "nowhere"},
        {"gclid": "Cj0KCQ-of-nobody"},
        {"caller": "+13125550150", "at": ago(0)},
        {"caller": CALLER, "at": "soon"},
    )
    assert about(report) == [
        ("matched", "first", "call"),
        ("matched", "clicked", "click_id"),
        ("matched", "second", "caller"),
        ("not_matched", None, None),
        ("not_matched", None, None),
        ("not_matched", None, None),
        ("wrong", None, None),
    ]
    says = [one.says for one in report.conversions]
    assert says[:3] == ["sale yes, value 125.00 USD", "lead status won", "note called back"]
    assert "no call with this id" in says[3]
    assert "no call of a visitor with this click id" in says[4]
    assert "no call of this caller" in says[5]
    told = await outcomes(parts)
    assert told["first"] == {"sale": True, "value": USD, "lead_status": None, "note": None}
    assert {name: one["lead_status"] or one["note"] for name, one in told.items() if name != "first"} == {
        "clicked": "won",
        "second": "called back",
    }


async def test_what_was_told_is_told_as_anybody_tells_it(parts: Parts) -> None:
    await world(parts)
    await brought(parts, {"call": "first", "sale": True}, {"call": "second", "sale": True})
    async with parts.ledger.read() as connection:
        due = select(schema.call.c.id).where(schema.call.c.unsettled_ms.is_not(None)).order_by(schema.call.c.id)
        assert (await connection.execute(due)).scalars().all() == ["first", "second"]
        told = select(schema.outcome.c.call_id, schema.outcome.c.by_name).order_by(schema.outcome.c.call_id)
        assert [tuple(row) for row in await connection.execute(told)] == [("first", "Ada"), ("second", "Ada")]
        sent = select(schema.outbox.c.type, schema.outbox.c.subject_id).order_by(schema.outbox.c.seq)
        assert [tuple(row) for row in await connection.execute(sent)] == [
            ("outcome.recorded", "first"),
            ("outcome.recorded", "second"),
        ]
        [noted] = (await connection.execute(select(schema.audit.c.act, schema.audit.c.told))).all()
        assert noted == ("bring_conversions", [{"field": "matched", "before": None, "after": 2}])


async def test_done_twice_it_is_done_once(parts: Parts) -> None:
    await world(parts)
    rows = [
        {"call": "first", "sale": True, "value": USD},
        {"gclid": GCLID},
        {"caller": CALLER, "at": ago(0), "within_days": 10, "sale": False},
    ]
    assert states(await brought(parts, *rows)) == ["matched"] * 3
    before = await outcomes(parts)
    again = await brought(parts, *rows)
    assert about(again) == [("known", "first", "call"), ("known", "clicked", "click_id"), ("known", "second", "caller")]
    assert await outcomes(parts) == before
    assert await count(parts, schema.outcome) == await count(parts, schema.outbox) == 3
    assert await count(parts, schema.audit) == 1


async def test_a_dry_run_says_the_same_and_writes_nothing(parts: Parts) -> None:
    await world(parts)
    rows = [{"call": "first", "value": USD}, {"gclid": GCLID}, {"caller": CALLER, "at": ago(0)}, {"call": "no"}, 5]
    dry = await brought(parts, *rows, dry_run=True)
    assert await outcomes(parts) == {}
    assert await count(parts, schema.audit) == 0
    done = await brought(parts, *rows)
    assert msgspec.structs.replace(done, dry_run=True) == dry


async def test_a_caller_means_the_latest_call_before_the_sale(parts: Parts) -> None:
    await world(parts)
    one = {"caller": CALLER, "campaign": "cmp_1"}
    report = await brought(
        parts,
        {**one, "at": ago(0)},
        {**one, "at": ago(HOUR)},
        {**one, "at": ago(HOUR + 1)},
        {**one, "at": ago(2 * HOUR + 1)},
        {**one, "since": ago(2 * HOUR), "until": ago(HOUR)},
        {**one, "since": ago(HOUR), "until": ago(0)},
        {**one, "at": ago(-40 * DAY)},
        dry_run=True,
    )
    assert [row.call for row in report.conversions] == ["second", "second", "first", None, "first", "second", None]


async def test_calls_to_several_campaigns_are_not_guessed(parts: Parts) -> None:
    await world(parts)
    wide = {"caller": CALLER, "at": ago(0)}
    report = await brought(parts, wide, {**wide, "campaign": "cmp_2"}, {**wide, "within_days": 10}, dry_run=True)
    assert [(row.state, row.call) for row in report.conversions] == [
        ("ambiguous", None),
        ("matched", "elsewhere"),
        ("matched", "second"),
    ]
    assert "cmp_1, cmp_2" in report.conversions[0].says
    # The campaign of the whole request.
    [row] = (await brought(parts, wide, dry_run=True, campaign="cmp_1")).conversions
    assert row.call == "second"


async def test_a_click_is_the_credited_visitors(parts: Parts) -> None:
    await world(parts)
    report = await brought(
        parts,
        {"click_id": f"gclid:{GCLID}"},
        {"click_id": GCLID},
        {"fbclid": FBCLID},
        {"msclkid": GCLID},
        {"gclid": "Cj0KCQ-of-another"},
        # The sale was before the call.
        {"gclid": GCLID, "at": ago(4 * HOUR)},
        {"gclid": GCLID, "at": ago(-100 * DAY)},
        dry_run=True,
    )
    assert [row.call for row in report.conversions] == ["clicked", "clicked", "clicked", None, None, None, None]


async def test_a_click_that_led_to_no_call_leaves_the_caller(parts: Parts) -> None:
    await world(parts)
    report = await brought(
        parts,
        {"gclid": "Cj0KCQ-of-nobody", "caller": CALLER, "at": ago(0), "campaign": "cmp_1"},
        {"gclid": GCLID, "caller": CALLER, "at": ago(0)},
        {"call": "nowhere", "caller": CALLER, "at": ago(0)},
        dry_run=True,
    )
    assert about(report) == [
        ("matched", "second", "caller"),
        ("matched", "clicked", "click_id"),
        ("not_matched", None, None),
    ]


async def test_rows_that_contradict_each_other_tell_nothing(parts: Parts) -> None:
    await world(parts)
    first = {"call": "first", "value": USD}
    other = {"call": "first", "value": {"amount": 1, "currency": "USD"}}
    report = await brought(parts, first, other, {"call": "second"})
    assert states(report) == ["ambiguous", "ambiguous", "matched"]
    assert "another value of the same call" in report.conversions[0].says
    assert set(await outcomes(parts)) == {"second"}


async def test_what_nobody_tells_stays_and_a_change_says_what_was(parts: Parts) -> None:
    await world(parts)
    await brought(parts, {"call": "first", "value": USD, "note": "n"})
    [row] = (await brought(parts, {"call": "first", "value": {"amount": 5, "currency": "USD"}})).conversions
    assert row.says == "value 0.05 USD (was 125.00 USD)"
    assert (await outcomes(parts))["first"]["note"] == "n"


async def test_walls(parts: Parts) -> None:
    await world(parts)
    report = await brought(
        parts,
        {"call": "elsewhere"},
        {"call": "nobodys"},
        {"caller": CALLER, "at": ago(0)},
        {"call": "first", "campaign": "cmp_2"},
        {"gclid": GCLID},
        principal=ADVERTISER,
    )
    assert about(report) == [
        ("not_matched", None, None),
        ("not_matched", None, None),
        # Of the other campaign's call it knows nothing, so nothing is ambiguous.
        ("matched", "second", "caller"),
        ("wrong", None, None),
        ("matched", "clicked", "click_id"),
    ]
    with pytest.raises(InvalidField, match="there is no campaign cmp_2"):
        await brought(parts, principal=ADVERTISER, campaign="cmp_2")


async def test_a_call_of_no_campaign_is_known_by_its_id_alone(parts: Parts) -> None:
    await world(parts)
    report = await brought(parts, {"call": "nobodys"}, {"caller": "+13125550144", "at": ago(0)})
    assert about(report) == [("matched", "nobodys", "call"), ("not_matched", None, None)]


async def test_two_who_bring_the_same_at_once_tell_it_once(parts: Parts) -> None:
    await world(parts)
    rows = [{"call": name, "value": USD} for name in ("first", "second", "clicked", "elsewhere")]
    orders = [rows[n:] + rows[:n] for n in range(4)]
    reports = await asyncio.gather(*(brought(parts, *each) for each in orders))
    assert sum(report.matched for report in reports) == 4
    assert sum(report.known for report in reports) == 12
    assert await count(parts, schema.outcome) == 4


_ROW = st.fixed_dictionaries(
    {},
    optional={
        "call": st.sampled_from(["first", "second", "elsewhere", "nowhere"]),
        "gclid": st.sampled_from([GCLID, "Cj0KCQ-of-nobody"]),
        "caller": st.sampled_from([CALLER, "+13125550143", "5"]),
        "at": st.sampled_from([ago(0), ago(90 * 60_000), ago(-60 * DAY)]),
        "campaign": st.sampled_from(["cmp_1", "cmp_2"]),
        "sale": st.sampled_from([True, False]),
        "value": st.sampled_from([USD, {"amount": 1, "currency": "USD"}]),
        "lead_status": st.sampled_from(["won", "lost"]),
    },
)


async def _forget(parts: Parts) -> None:
    async with parts.ledger.write() as connection:
        await connection.execute(schema.outcome.delete())
        await connection.execute(update(schema.call).values(outcome=None))


@pytest.mark.parametrize("examples", [25])
async def test_neither_order_nor_repetition_matters(parts: Parts, examples: int) -> None:
    await world(parts)
    found: list[tuple[list[dict[str, Any]], int]] = []

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(st.lists(_ROW, min_size=1, max_size=8), st.integers(0, 1000))
    def collect(rows: list[dict[str, Any]], seed: int) -> None:
        found.append((rows, seed))

    await asyncio.to_thread(collect)
    for rows, seed in found:
        await _neither(parts, rows, seed)


async def _neither(parts: Parts, rows: Sequence[dict[str, Any]], seed: int) -> None:
    await _forget(parts)
    report = await brought(parts, *rows)
    told = await outcomes(parts)
    again = await brought(parts, *rows)
    assert await outcomes(parts) == told
    assert states(again) == [
        state.replace("matched", "known") if state == "matched" else state for state in states(report)
    ]
    await _forget(parts)
    order = random.Random(seed).sample(range(len(rows)), len(rows))  # noqa: S311
    mixed = await brought(parts, *(rows[n] for n in order), *(rows[n] for n in order))
    assert await outcomes(parts) == told
    assert states(mixed)[: len(rows)] == states(mixed)[len(rows) :] == [states(report)[n] for n in order]


async def test_a_thousand_rows_of_each_way_in_one_go(parts: Parts) -> None:
    await add(parts)
    for first in range(0, 3_000, 500):
        calls = [
            call(f"call_{n:05}", HOUR + n, provider_id=f"p{n}", caller=f"+1{2000000000 + n}", visitor_id=f"v{n}")
            | {"click_ids": {"gclid": f"gclid-{n}"}}
            for n in range(first, first + 500)
        ]
        await insert_rows(parts, schema.call, *calls)
    how: list[dict[str, Any]] = [{"call": f"call_{n:05}"} for n in range(0, 3_000, 3)]
    how += [{"gclid": f"gclid-{n}"} for n in range(1, 3_000, 3)]
    how += [{"caller": f"+1{2000000000 + n}", "at": ago(0)} for n in range(2, 3_000, 3)]
    assert (await brought(parts, *how)).matched == await count(parts, schema.outcome) == 3_000
    assert (await brought(parts, *how)).known == 3_000
