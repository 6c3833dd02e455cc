"""Changed terms tried on past calls make of them what settling by these terms would."""

import asyncio
import random
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import insert, update

from dni.errors import NotFound, UsageError
from dni.ledger import schema
from dni.ledger.engines import Ledger
from dni.ledger.migrate import migrate
from dni.money import Money
from dni.qualification import dedupe, trial
from dni.qualification import terms as stored
from dni.qualification.model import Dedupe, Policy, Side, Terms
from dni.qualification.what_if import Tried, WhatIf, what_if
from dni.qualification.what_if_file import read
from dni.qualification.what_if_text import as_json, as_text
from tests.support.trade import ADMIN, BILLS, CALLER, DAY, OTHER, PAYS, START_MS, Trade, terms

HOUR = 3_600_000
_CALLS = 60
FROM_MS, TO_MS = START_MS + 10 * DAY, START_MS + 40 * DAY
CALLERS = (CALLER, OTHER, *(f"+1503555014{n}" for n in range(4)), None)
POOLED, STATIC = "+14155550120", "+14155550121"


@pytest.fixture
async def trade(ledger: Ledger) -> Trade:
    made = Trade(ledger)
    await made.open()
    return made


async def a_past(trade: Trade, seed: int) -> list[str]:
    """Calls of two campaigns of one advertiser and of a third one, settled by terms that are simple; a publisher has
    terms of its own for a while, some amounts were put in by hand, and one pool is shared."""
    chance = random.Random(seed)  # noqa: S311
    for campaign in ("cmp_1", "cmp_2", "cmp_3"):
        await trade.put(terms(dedupe=Dedupe(days=4)), campaign=campaign)
    async with trade.ledger.write() as connection:
        own = terms("talk >= 10s", dedupe=Dedupe(days=3))
        for from_ms, settings in ((START_MS + 15 * DAY, own), (START_MS + 30 * DAY, None)):
            await stored.add(connection, ADMIN, START_MS, "cmp_1", "pub_2", from_ms, settings)
        at = {"created_at_ms": START_MS}
        pool = {"id": "pool_1", "name": "Pool", "campaign_id": "cmp_1", "shared": True, "hold_seconds": 1, **at}
        await connection.execute(insert(schema.pool).values(pool))
        number = {"id": "num_1", "number": POOLED, "pool_id": "pool_1", **at}
        await connection.execute(insert(schema.number).values(number))
    calls = []
    for n in range(_CALLS):
        at_ms = START_MS + chance.randrange(45 * 24) * HOUR + chance.randrange(2)
        campaign = chance.choice(("cmp_1", "cmp_1", "cmp_1", "cmp_2", "cmp_3"))
        owner: dict[str, Any] = {"campaign": campaign, "publisher": chance.choice(("pub_1", "pub_2", None))}
        caller = chance.choice(CALLERS)
        if chance.random() < 0.2:
            await trade.rings(f"c{n}", at_ms, caller, **owner)
            made = (await trade.told(f"c{n}", {"event": "ended", "sip_code": "486"}, at_ms + 9_000, **owner)).id
        else:
            made = await trade.call(f"c{n}", at_ms, chance.choice((20, 59, 60, 90, 200)), caller, **owner)
        values: dict[str, Any] = {"source": chance.choice((None, "google", "bing"))}
        values |= {"method": chance.choice(("current", "current", "static"))}
        values |= {"confidence": chance.choice((None, 0.5, 0.9)), "tracking_number": chance.choice((POOLED, STATIC))}
        if chance.random() < 0.4:
            value = {"amount": chance.randrange(50_000), "currency": chance.choice(("USD", "USD", "EUR"))}
            values["outcome"] = {"sale": chance.choice((True, None, False)), "value": value, "lead_status": "won"}
        async with trade.ledger.write() as connection:
            await connection.execute(update(schema.call).where(schema.call.c.id == made).values(values))
        calls.append(made)
    for made in calls[:4]:
        await trade.adjust(made, payout=chance.choice((None, 0, 777)), revenue=chance.choice((None, 0, 888)))
    await trade.settle()
    return calls


async def sums(trade: Trade) -> dict[str | None, tuple[int, int, int, int]]:
    """By publisher, of the first campaign's calls of the time: calls, qualified, payout, revenue."""
    found: dict[str | None, list[int]] = {}
    for row in await trade.rows(schema.call):
        if row["campaign_id"] == "cmp_1" and FROM_MS <= row["started_at_ms"] < TO_MS:
            of = found.setdefault(row["publisher_id"], [0, 0, 0, 0])
            for at, value in enumerate((1, row["qualified"] or 0, row["payout"] or 0, row["revenue"] or 0)):
                of[at] += value
    return {publisher: (of[0], of[1], of[2], of[3]) for publisher, of in found.items()}


def came(found: WhatIf, which: str) -> dict[str | None, tuple[int, int, int, int]]:
    rows = ((one.publisher, getattr(one, which)) for one in found.publishers)
    return {each: (of.calls, of.qualified, of.payout.amount, of.revenue.amount) for each, of in rows}


def changed(**more: Any) -> Terms:
    long = Policy(name="Long", when="talk >= 100s and not (source = bing or day in (Sa, Su))", amount=9_000)
    sold = Policy(name="Sold", when="sale or value >= 100.00", percent=12.5)
    sides: dict[str, Any] = {
        "payout": Side(base=Policy(name="Base", when="talk >= 50s", amount=1_500), bonuses=(sold, long), pick="best"),
        "revenue": Side(base=Policy(name="Base", when="talk >= 60s", amount=6_000), bonuses=(sold,)),
    }
    return Terms(**{**sides, **more})


def tried(settings: Terms, publisher: str | None = None, campaign: str = "cmp_1") -> Tried:
    return Tried(campaign=campaign, terms=settings, publisher=publisher, from_ms=FROM_MS, to_ms=TO_MS)


_REPEATS = "talk >= 20s and (repeat(36h) or not repeat(10d))"


@pytest.mark.parametrize(
    ("settings", "publisher"),
    [
        (changed(dedupe=None, min_confidence=0), None),
        (changed(dedupe=Dedupe(days=5, counts="paid")), None),
        (changed(dedupe=Dedupe(days=5, counts="paid")), "pub_1"),
        (changed(dedupe=Dedupe(days=9, scope="advertiser")), None),
        (changed(dedupe=Dedupe(days=9, scope="advertiser", counts="paid")), None),
        (changed(dedupe=Dedupe(days=9, scope="destination", shared=(CALLER,))), None),
        (changed(dedupe=Dedupe(days=2), min_confidence=0.95), "pub_1"),
        (changed(payout=Side(base=Policy(name="Again", when=_REPEATS, amount=50)), dedupe=Dedupe(counts="paid")), None),
        (Terms(revenue=Side(base=Policy(name="Only", when="talk >= 60s", amount=100))), None),
        (Terms(), None),
    ],
)
async def test_it_is_what_settling_makes_of_the_calls(trade: Trade, settings: Terms, publisher: str | None) -> None:
    calls = await a_past(trade, seed=len(msgspec.json.encode(settings)))
    before = await sums(trade)
    found = await what_if(trade.ledger, tried(settings, publisher))
    mine = [publisher] if publisher else [*before]
    assert came(found, "was") == {each: before[each] for each in mine}
    # So it is when these terms applied from the beginning. What a publisher had of its own goes on.
    async with trade.ledger.write() as connection:
        await stored.add(connection, ADMIN, trade.now_ms + 1, "cmp_1", publisher, 0, settings)
        versions = schema.terms.c
        own = versions.publisher_id.is_(None) if publisher is None else versions.publisher_id == publisher
        await connection.execute(
            update(schema.terms)
            .where(versions.campaign_id == "cmp_1", own, versions.from_ms > 0)
            .values(from_ms=2**50)  # those that applied before never begin
        )
        await connection.run_sync(dedupe.unsettle_since, "cmp_1", None, FROM_MS, trade.now_ms + 1)
    trade.now_ms += 1
    await trade.settle()
    after = await sums(trade)
    assert came(found, "would_be") == {each: after[each] for each in mine}
    assert len(calls) == _CALLS
    assert before != after, "the terms change something"


async def test_calls_of_a_publisher_with_terms_of_its_own_are_kept(trade: Trade) -> None:
    await a_past(trade, seed=3)
    found = await what_if(trade.ledger, tried(Terms()))
    for one in found.publishers:
        rows = [
            row
            for row in await trade.rows(schema.call)
            if row["campaign_id"] == "cmp_1" and row["publisher_id"] == one.publisher
        ]
        own = [row for row in rows if START_MS + 15 * DAY <= row["started_at_ms"] < START_MS + 30 * DAY]
        assert one.kept == (len(own) if one.publisher == "pub_2" else 0)
        assert (one.would_be.payout.amount > 0) is (one.publisher == "pub_2")
    assert found.kept == sum(one.kept for one in found.publishers) > 0


async def test_who_is_not_there_is_told(trade: Trade) -> None:
    with pytest.raises(NotFound, match="there is no campaign cmp_9"):
        await what_if(trade.ledger, tried(Terms(), campaign="cmp_9"))
    with pytest.raises(NotFound, match="there is no publisher pub_9"):
        await what_if(trade.ledger, tried(Terms(), publisher="pub_9"))


async def test_it_tells_how_far_it_is(trade: Trade) -> None:
    await trade.put(terms())
    for n in range(3):
        await trade.call(f"c{n}", FROM_MS + n)
    told: list[tuple[int, int]] = []
    await what_if(trade.ledger, tried(terms()), lambda done, total: told.append((done, total)))
    assert told == [(0, 3), (3, 3)]


async def test_its_table(trade: Trade) -> None:
    await trade.put(terms())
    await trade.call("a", FROM_MS)
    await trade.call("b", FROM_MS + 1, talk_s=70, caller=OTHER, publisher=None)
    await trade.settle()
    found = await what_if(trade.ledger, tried(terms("talk >= 80s")))
    assert as_text(found).splitlines()[2:] == [
        "                     calls  qualified  payout  revenue  margin",
        "pub_1: was               1          1   25.00    40.00   15.00",
        "  would be               1          1   25.00    40.00   15.00",
        "nobody's calls: was      1          1    0.00    40.00   40.00",
        "  would be               1          0    0.00     0.00    0.00",
        "All calls: was           2          2   25.00    80.00   55.00",
        "  would be               2          1   25.00    40.00   15.00",
        "  difference                       -1   +0.00   -40.00  -40.00",
    ]
    assert msgspec.json.decode(as_json(found), type=WhatIf) == found
    assert found.would_be.margin == Money(BILLS - PAYS, "USD")


def test_telephones_that_rang_long_ago_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "_FEW_TELEPHONES", 3)
    telephones = trial._Telephones((10, 100))
    for n in range(500):
        assert telephones.stretches([f"t{n}"], [n], [[True]]) == [2]
        assert len(telephones._last) <= 203
    assert telephones.stretches(["t499", "t495", "t410", "t300", None], [505] * 5, [[True] * 5]) == [0, 1, 1, 2, 2]


def test_a_file_of_terms(tmp_path: Any) -> None:
    as_toml, as_json_file, wrong = tmp_path / "t.toml", tmp_path / "t.json", tmp_path / "w.json"
    as_toml.write_text('[payout.base]\nname = "Base"\nwhen = "talk >= 60s"\namount = 5\n')
    as_json_file.write_text('{"payout":{"base":{"name":"Base","when":"talk >= 60s","amount":5}}}')
    assert read(as_toml) == read(as_json_file)
    wrong.write_text('{"payout":{"base":{"name":"Base","when":"talks >= 60s","amount":5}}}')
    with pytest.raises(UsageError, match=r"w\.json: /payout/base/when: character 1: .*did you mean talk"):
        read(wrong)
    wrong.write_text('{"payout":')
    with pytest.raises(UsageError, match=r"w\.json: Input data was truncated"):
        read(wrong)
    with pytest.raises(UsageError, match="cannot be read"):
        read(tmp_path / "none.toml")


async def test_by_the_command_line(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite+aiosqlite:///{tmp_path / 'ledger.sqlite3'}")
    await migrate(ledger)
    trade = Trade(ledger)
    await trade.open()
    await trade.put(terms())
    await trade.call("a", FROM_MS)
    await trade.settle()
    await ledger.close()
    (tmp_path / "terms.toml").write_text('[payout.base]\nname = "Base"\nwhen = "talk >= 60s"\namount = 5\n')

    async def run(*more: str) -> tuple[int | None, str, str]:
        words = ("what-if", "--campaign", "cmp_1", "--terms", str(tmp_path / "terms.toml"), "--data-dir", str(tmp_path))
        program = (sys.executable, "-m", "dni", *words, *more)
        pipe = asyncio.subprocess.PIPE
        made = await asyncio.create_subprocess_exec(*program, stdout=pipe, stderr=pipe)
        out, err = await made.communicate()
        return made.returncode, out.decode(), err.decode()

    code, out, err = await run("--from", "2026-09-01", "--to", "2026-12-01", "--json")
    assert (code, err) == (0, "")
    found = msgspec.json.decode(out, type=WhatIf)
    assert (found.was.payout.amount, found.would_be.payout.amount) == (PAYS, 5)
    code, out, err = await run("--from", "soon")
    assert (code, out) == (2, "")
    assert "--from: a date such as 2026-11-01" in err
