"""How long a carrier waits for its instruction, with calls that go through a plan, beside page views."""

import asyncio
import random
import secrets
import statistics
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import uvloop
from sqlalchemy import insert, update

from dni.catalog.load import raise_revision
from dni.clock import SystemClock
from dni.demo.call import arrives, goes_on
from dni.host.worker import freeze_garbage
from dni.ledger import schema
from dni.ledger.engines import Ledger
from dni.ledger.migrate import migrate
from dni.telephony import signatures
from tests.bench.load import Measured, come, wrk
from tests.support import world
from tests.support.postgres import Postgres
from tests.support.service import Service, running

pytestmark = pytest.mark.bench

_CALLS, _CALLS_PER_S = 1_000, 50
_AIM_P99_MS, _AIM_LONGEST_MS = 50.0, 500.0
# Reached so far on two cores: 137 and 234 ms on SQLite; PostgreSQL takes more. The aim is printed.
_GUARD_P99_MS, _GUARD_LONGEST_MS = 1_500.0, 3_000.0
# A connection that waits so long between its page views makes two thousand a second with the others.
_PAUSE_MS = 22
_STEPS: list[dict[str, Any]] = [
    {"id": "often", "do": "reject", "when": {"more_than": {"calls": 50, "minutes": 60}}},
    {"id": "closed", "do": "voicemail", "prompt": {"text": "Closed."}, "unless": {"hours": "24/7"}},
    {
        "id": "buyers",
        "do": "connect",
        "order": "round_robin",
        "destinations": [{"destination": f"dst_{n}"} for n in range(4)],
    },
]


def test_calls_beside_page_views_on_sqlite(tmp_path: Path) -> None:
    _measure(tmp_path, f"sqlite+aiosqlite:///{tmp_path / 'data' / 'ledger.sqlite3'}", {})


def test_calls_beside_page_views_on_postgresql(tmp_path: Path, postgres_server: Postgres) -> None:
    with postgres_server.database() as url:
        _measure(tmp_path, url, {"DNI_DATABASE_URL": url})


def _measure(tmp_path: Path, ledger_url: str, env: dict[str, str]) -> None:
    asyncio.run(_declare(ledger_url))
    with running(tmp_path / "data", workers=2, env=env) as service:
        traffic = ("traffic.lua", str(come(service, tmp_path / "visitors.lua")), "0", str(_PAUSE_MS))
        wrk(service.url, *traffic)
        alone = uvloop.run(_calls(service))
        load: list[Measured] = []
        seconds = _CALLS // _CALLS_PER_S + 3
        views = threading.Thread(target=lambda: load.append(wrk(service.url, *traffic, seconds=seconds)))
        views.start()
        beside = uvloop.run(_calls(service))
        views.join()
    [page] = load
    print(
        f"\n{ledger_url.partition(':')[0]}: {_CALLS:,} calls at {_CALLS_PER_S}/s, three callbacks each, through a plan"
    )
    for name, took in (("alone", alone), (f"beside {page.rate:,.0f} page views/s", beside)):
        p99 = statistics.quantiles(took, n=100)[98]
        print(f"{name:28} median {statistics.median(took):6.1f} ms   p99 {p99:6.1f} ms   longest {max(took):6.1f} ms")
    print(f"aim: p99 {_AIM_P99_MS} ms, none over {_AIM_LONGEST_MS}; page views p99 {page.p99_ms:.1f} ms")
    assert page.wrong == 0
    assert p99 < _GUARD_P99_MS
    assert max(beside) < _GUARD_LONGEST_MS


async def _declare(ledger_url: str) -> None:
    ledger = Ledger(ledger_url)
    await migrate(ledger)
    await world.declare(ledger, pool_size=79_000)
    phones = [
        {"id": f"dst_{n}", "campaign_id": "cmp_1", "name": f"Buyer {n}", "number": f"+1415555018{n}", "paused": False}
        for n in range(4)
    ]
    caps = {"caps": {"concurrent": 10_000, "day": 100_000}, "created_at_ms": world.START_MS}
    async with ledger.write() as connection:
        await connection.execute(insert(schema.destination), [{**one, **caps} for one in phones])
        await connection.execute(update(schema.campaign).values(routing={"steps": _STEPS}))
        await raise_revision(connection)
    await ledger.close()


async def _calls(service: Service) -> list[float]:
    """How many ms each waited for its instruction. Callers are many, numbers are those that visitors have."""
    freeze_garbage()
    chance = random.Random(1)  # noqa: S311
    dialled = world.numbers(20_000)
    took: list[float] = []
    async with (
        httpx.AsyncClient(base_url=service.url, trust_env=False, timeout=15) as client,
        asyncio.TaskGroup() as all_,
    ):
        for _ in range(_CALLS):
            caller = f"+1{312 + chance.randrange(50)}55501{chance.randrange(100):02}"
            all_.create_task(
                _call(client, service.url, f"CA{secrets.token_hex(16)}", caller, chance.choice(dialled), took)
            )
            await asyncio.sleep(1 / _CALLS_PER_S)
    return took


async def _call(client: httpx.AsyncClient, base: str, call: str, caller: str, to: str, took: list[float]) -> None:
    carrier: Any = type("Account", (), {"account_sid": "AC1"})
    rings = arrives(carrier, call, caller, to)
    began = time.perf_counter()
    answer = await _post(client, base, "inbound", rings)
    took.append((time.perf_counter() - began) * 1000)
    assert "<Dial" in answer.text
    for _, fields in goes_on(rings, f"{call}leg", "+14155550180", SystemClock().now_ms(), 60):
        await asyncio.sleep(0.1)
        await _post(client, base, "status", fields)


async def _post(client: httpx.AsyncClient, base: str, door: str, fields: dict[str, str]) -> httpx.Response:
    path = f"/voice/twilio/car_1/{door}"
    signature = signatures.twilio(base + path, fields.items(), world.AUTH_TOKEN)
    headers = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
    answer = await client.post(path, content=urlencode(fields), headers=headers)
    assert answer.status_code in (200, 204), answer.text
    return answer
