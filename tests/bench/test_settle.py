"""How many calls a second are settled, each in a transaction of its own: judged, and what it pays posted.

.venv/bin/pytest -m bench tests/bench/test_settle.py -s
"""

import time

import pytest

from dni.ledger import schema
from dni.parts import Parts
from dni.qualification.settle import settle_once
from tests.support.trade import START_MS, Trade, terms

pytestmark = pytest.mark.bench
CALLS = 1_000


async def test_calls_are_settled_faster_than_they_come(parts: Parts, capsys: pytest.CaptureFixture[str]) -> None:
    trade = Trade(parts.ledger)
    await trade.open()
    await trade.put(terms("talk >= 60s and region in (CA, NY) and during(open)", hours={"open": "Mo-Su 00:00-24:00"}))
    began = time.monotonic()
    for n in range(CALLS):
        await trade.call(f"{n}", START_MS + n * 1000, caller=f"+1415555{n % 500:04}")
    came_s, began = time.monotonic() - began, time.monotonic()
    while await settle_once(parts):
        pass
    took_s = time.monotonic() - began
    paid = [row for row in await trade.rows(schema.call) if row["payout"]]
    settled, told = CALLS / took_s, CALLS / came_s
    with capsys.disabled():
        engine = "SQLite" if parts.ledger.is_sqlite else "PostgreSQL"
        print(f"\n{engine}, calls a second: {settled:,.0f} settled, {told:,.0f} told in three events each")
    assert len(paid) == 500
    assert settled > told
