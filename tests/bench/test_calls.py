"""How long a carrier waits for its instruction, with calls that go through a plan, beside page views."""

import asyncio
import random
import secrets
import statistics
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
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
from tests.bench.posts import Posts, lateness
from tests.support import world
from tests.support.postgres import Postgres
from tests.support.service import Service, running

pytestmark = pytest.mark.bench

_CALLS, _CALLS_PER_S = 1_000, 50
_AIM_P99_MS, _AIM_LONGEST_MS = 50.0, 500.0
# The phases of two cores differ by 1.7 times, and more beside other work. The aim is printed.
_GUARD_P99_MS, _GUARD_LONGEST_MS = 150.0, 500.0
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


class Took(msgspec.Struct):
    """How many ms each call waited for its instruction, each callback for its answer, and the client for itself."""

    inbound: list[float]
    callbacks: list[float]
    late: list[float]


def test_calls_beside_page_views_on_sqlite(tmp_path: Path) -> None:
    _measure(tmp_path, f"sqlite+aiosqlite:///{tmp_path / 'data' / 'ledger.sqlite3'}", {})


def test_calls_beside_page_views_on_postgresql(tmp_path: Path, postgres_server: Postgres) -> None:
    with postgres_server.database() as url:
        _measure(tmp_path, url, {"DNI_DATABASE_URL": url})


def _measure(tmp_path: Path, ledger_url: str, env: dict[str, str]) -> None:
    asyncio.run(declare_plan(ledger_url))
    with running(tmp_path / "data", workers=2, env=env) as service:
        traffic = ("traffic.lua", str(come(service, tmp_path / "visitors.lua")), "0", str(_PAUSE_MS))
        wrk(service.url, *traffic)
        alone = uvloop.run(calls(service))
        load: list[Measured] = []
        seconds = _CALLS // _CALLS_PER_S + 3
        views = threading.Thread(target=lambda: load.append(wrk(service.url, *traffic, seconds=seconds)))
        before = _processors(service)
        views.start()
        beside = uvloop.run(calls(service))
        waits = _processors(service)
        views.join()
    [page] = load
    print(
        f"\n{ledger_url.partition(':')[0]}: {_CALLS:,} calls at {_CALLS_PER_S}/s, three callbacks each, through a plan"
    )
    for name, took in (("alone", alone), (f"beside {page.rate:,.0f} page views/s", beside)):
        for what, ms in (("arrives", took.inbound), ("goes on", took.callbacks), ("client late", took.late)):
            print(
                f"{name:28} {what:12} median {statistics.median(ms):6.1f} ms   p99 {p99(ms):6.1f} ms   "
                f"longest {max(ms):6.1f} ms"
            )
    print(f"aim: p99 {_AIM_P99_MS} ms, none over {_AIM_LONGEST_MS}; page views p99 {page.p99_ms:.1f} ms")
    for pid, (name, ran_s, waited_s) in waits.items():
        _, ran_before, waited_before = before.get(pid, (name, 0.0, 0.0))
        if ran_s - ran_before > 0.3:
            print(
                f"{name:24} ran {ran_s - ran_before:5.1f} s, waited {waited_s - waited_before:5.1f} s for a processor"
            )
    assert page.wrong == 0
    assert p99(beside.inbound) < _GUARD_P99_MS
    assert max(beside.inbound) < _GUARD_LONGEST_MS


def _processors(service: Service) -> dict[int, tuple[str, float, float]]:
    """Of each thread of the service its name, and how many seconds it ran, and waited for a processor, till now.
    https://docs.kernel.org/scheduler/sched-stats.html, "/proc/<pid>/schedstat"."""
    found = {}
    for pid in service.processes():
        for task in Path(f"/proc/{pid}/task").iterdir():
            ran_ns, waited_ns, _ = map(int, (task / "schedstat").read_text().split())
            name = (task / "comm").read_text().strip()
            found[int(task.name)] = f"{name} {pid}", ran_ns / 1e9, waited_ns / 1e9
    return found


def p99(ms: list[float]) -> float:
    return statistics.quantiles(ms, n=100)[98]


async def declare_plan(ledger_url: str) -> None:
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


async def calls(service: Service) -> Took:
    """Callers are many, numbers are those that visitors have."""
    freeze_garbage()
    chance = random.Random(1)  # noqa: S311
    dialled = world.numbers(20_000)
    posts, took, ended = Posts(service.url), Took([], [], []), asyncio.Event()
    watch = asyncio.create_task(lateness(ended, lambda late_s: took.late.append(late_s * 1000)))
    async with asyncio.TaskGroup() as all_:
        for _ in range(_CALLS):
            caller = f"+1{312 + chance.randrange(50)}55501{chance.randrange(100):02}"
            all_.create_task(
                _call(posts, service.url, f"CA{secrets.token_hex(16)}", caller, chance.choice(dialled), took)
            )
            await asyncio.sleep(1 / _CALLS_PER_S)
    ended.set()
    await watch
    posts.close()
    return took


async def _call(posts: Posts, base: str, call: str, caller: str, to: str, took: Took) -> None:
    carrier: Any = type("Account", (), {"account_sid": "AC1"})
    rings = arrives(carrier, call, caller, to)
    answer, took_ms = await _post(posts, base, "inbound", rings)
    took.inbound.append(took_ms)
    assert b"<Dial" in answer
    for _, fields in goes_on(rings, f"{call}leg", "+14155550180", SystemClock().now_ms(), 60):
        await asyncio.sleep(0.1)
        took.callbacks.append((await _post(posts, base, "status", fields))[1])


async def _post(posts: Posts, base: str, door: str, fields: dict[str, str]) -> tuple[bytes, float]:
    path = f"/voice/twilio/car_1/{door}"
    signature = signatures.twilio(base + path, fields.items(), world.AUTH_TOKEN)
    headers = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
    status, answer, took_s = await posts.post(path, headers, urlencode(fields).encode())
    assert status in (200, 204), answer
    return answer, took_s * 1000
