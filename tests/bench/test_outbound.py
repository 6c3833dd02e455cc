"""How many messages a second are told: from rows in the outbox until they are delivered and recorded as that.

20 endpoints are told of their own campaign's calls. 15 answer at once, 3 never answer, 2 refuse the connection. What is
counted is what the healthy ones got; what the dead ones wait for lies in the same tables, in between.
"""

import asyncio
import secrets
import socket
import statistics
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import uvloop
from sqlalchemy import func, insert, select

from dni.host.apart import apart
from dni.ids import new_id
from dni.ledger import schema
from dni.ledger.engines import Ledger
from dni.ledger.migrate import migrate
from dni.settings import Settings
from tests.bench.test_calls import calls, declare_plan, p99
from tests.support import process
from tests.support.postgres import Postgres
from tests.support.service import running
from tests.support.world import DESTINATION, START_MS

pytestmark = pytest.mark.bench

_HEALTHY, _HANG, _REFUSE = 15, 3, 2
_ENDPOINTS = _HEALTHY + _HANG + _REFUSE
_TYPE = "call.completed"
# As of calls beside page views. What is printed tells.
_GUARD_P99_MS = 150.0


def test_messages_a_second_on_sqlite(tmp_path: Path, redis_url: str) -> None:
    _measure(tmp_path, f"sqlite+aiosqlite:///{tmp_path / 'ledger.sqlite3'}", redis_url, each=1_000, aim=1_000)


def test_messages_a_second_on_postgresql(tmp_path: Path, redis_url: str, postgres_server: Postgres) -> None:
    with postgres_server.database() as url:
        _measure(tmp_path, url, redis_url, each=2_000, aim=3_000)


def test_calls_beside_deliveries_on_sqlite(tmp_path: Path) -> None:
    _beside(tmp_path, f"sqlite+aiosqlite:///{tmp_path / 'data' / 'ledger.sqlite3'}", {})


def test_calls_beside_deliveries_on_postgresql(tmp_path: Path, postgres_server: Postgres) -> None:
    with postgres_server.database() as url:
        _beside(tmp_path, url, {"DNI_DATABASE_URL": url})


def _beside(tmp_path: Path, ledger_url: str, env: dict[str, str]) -> None:
    """How long carriers wait for answers while nobody is told of their calls, and while five are, two of them dead."""
    uvloop.run(declare_plan(ledger_url))
    with (
        _receiver(tmp_path) as (answers, hangs),
        running(tmp_path / "data", workers=1, env={**env, "DNI_OUTBOUND_ALLOW": "127.0.0.0/8"}) as service,
    ):
        uvloop.run(calls(service))  # the first ones wait for what is read once
        alone = uvloop.run(calls(service))
        urls = [f"http://127.0.0.1:{port}/" for port in (answers, answers, answers, hangs, process.free_port())]
        uvloop.run(_tell_of_all(ledger_url, urls))
        beside = uvloop.run(calls(service))
        came = uvloop.run(_count(answers))
    engine = ledger_url.partition("+")[0]
    print(f"\n{engine}: {len(beside.inbound):,} calls, {came:,} messages to three endpoints beside two dead ones")
    for name, took in (("nobody is told", alone), ("five are told", beside)):
        for what, ms in (("arrives", took.inbound), ("goes on", took.callbacks)):
            print(
                f"{name:16} {what:8} median {statistics.median(ms):6.1f} ms   p99 {p99(ms):6.1f} ms   "
                f"longest {max(ms):6.1f} ms"
            )
    assert came >= len(beside.inbound)
    assert p99(beside.inbound) < _GUARD_P99_MS


async def _tell_of_all(ledger_url: str, urls: list[str]) -> None:
    ledger = Ledger(ledger_url)
    rows = [_endpoint(f"end_{n}", url, ["call.started", "call.completed"]) for n, url in enumerate(urls)]
    async with ledger.write() as connection:
        await connection.execute(insert(schema.endpoint), rows)
    await ledger.close()


async def _count(port: int) -> int:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/") as response:
        return int(await response.text())


def _endpoint(its: str, url: str, types: list[str], **columns: Any) -> dict[str, Any]:
    secrets_ = {"secret": "whsec_" + b64encode(secrets.token_bytes(24)).decode()}
    row = {"id": its, "kind": "webhook", "name": its, "types": types, "settings": {"url": url}, "secrets": secrets_}
    return {**row, "created_at_ms": START_MS, **columns}


def _measure(tmp_path: Path, ledger_url: str, redis_url: str, each: int, aim: int) -> None:
    with _receiver(tmp_path) as (answers, hangs):
        settings = Settings(
            data_dir=tmp_path / "data", database_url=ledger_url, redis_url=redis_url, outbound_allow="127.0.0.0/8"
        )
        drained, cpu_us = uvloop.run(_drained(settings, answers, hangs, each))
        bare = uvloop.run(_bare(answers))
    engine = ledger_url.partition("+")[0]
    print(
        f"\n{engine}: {drained:,.0f} messages/s drained to {_HEALTHY} endpoints beside {_HANG + _REFUSE} dead ones; "
        f"bare aiohttp sends {bare:,.0f} requests/s: {drained / bare:.2f} of it; aim: {aim:,}/s; "
        f"the deliverer took {cpu_us:,.0f} us of a processor for each"
    )
    assert drained > aim / 3


async def _drained(settings: Settings, answers: int, hangs: int, each: int) -> tuple[float, float]:
    """Messages a second, and how many microseconds the deliverer's process thought for each."""
    ledger = Ledger(settings.ledger_url)
    await migrate(ledger)
    await _declare(ledger, answers, hangs)
    await _happen(ledger, each)
    stop = asyncio.Event()
    running = asyncio.ensure_future(apart("dni.outbound.deliver:deliver_all", lower_by=0)(settings, stop))
    while not await _delivered(ledger):  # noqa: ASYNC110  another process sets no event
        await asyncio.sleep(0.02)
    child = _child_of_ours()
    began, thought_s = time.perf_counter(), process_s(child)
    before = await _delivered(ledger)
    while (now := await _delivered(ledger)) < _HEALTHY * each:
        assert not running.done(), running.result()
        await asyncio.sleep(0.1)
    took_s, thought_s = time.perf_counter() - began, process_s(child) - thought_s
    stop.set()
    await running
    await ledger.close()
    return (now - before) / took_s, thought_s / (now - before) * 1e6


async def _delivered(ledger: Ledger) -> int:
    async with ledger.read() as connection:
        count = select(func.count()).where(schema.delivery.c.state == "delivered")
        return int((await connection.execute(count)).scalar_one())


async def _bare(port: int, count: int = 10_000, at_once: int = 64) -> float:
    """POSTs a second by the client alone, of bodies as large."""
    left, body = count, b"x" * 2_000
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:

        async def posts() -> None:
            nonlocal left
            while left > 0:
                left -= 1
                async with session.post(f"http://127.0.0.1:{port}/", data=body) as response:
                    await response.read()

        began = time.perf_counter()
        await asyncio.gather(*(posts() for _ in range(at_once)))
        return count / (time.perf_counter() - began)


@contextmanager
def _receiver(folder: Path) -> Iterator[tuple[int, int]]:
    answers, hangs = process.free_port(), process.free_port()
    command = [sys.executable, str(Path(__file__).with_name("receive.py")), str(answers), str(hangs)]
    child = process.start(command, folder / "receiver.log")
    try:
        process.wait_until(lambda: _listens(answers), "the receiver", child, folder / "receiver.log", 10)
        yield answers, hangs
    finally:
        process.stop(child)


async def _declare(ledger: Ledger, answers: int, hangs: int) -> None:
    ports = [answers] * _HEALTHY + [hangs] * _HANG + [process.free_port() for _ in range(_REFUSE)]
    at: dict[str, Any] = {"created_at_ms": START_MS}
    campaigns = [
        {"id": f"cmp_{n:02}", "name": f"Campaign {n}", "destination": DESTINATION, "timezone": "UTC",
         "currency": "USD", **at}
        for n in range(_ENDPOINTS)
    ]  # fmt: skip
    endpoints = [
        _endpoint(f"end_{n:02}", f"http://127.0.0.1:{port}/{n}", [_TYPE], campaign_id=f"cmp_{n:02}")
        for n, port in enumerate(ports)
    ]
    async with ledger.write() as connection:
        await connection.execute(insert(schema.campaign), campaigns)
        await connection.execute(insert(schema.endpoint), endpoints)


async def _happen(ledger: Ledger, each: int) -> None:
    """Calls of all campaigns in turn, each with its message."""
    calls, messages = [], []
    for n in range(each * _ENDPOINTS):
        at_ms = START_MS + n
        calls.append(
            {"id": new_id("call", at_ms), "carrier_id": "car_1", "provider_id": f"CA{n:032}", "status": "completed",
             "started_at_ms": at_ms, "answered_at_ms": at_ms + 3_000, "ended_at_ms": at_ms + 93_000, "duration_s": 93,
             "talk_s": 90, "caller": "+14155550123", "tracking_number": "+14155550100", "destination": DESTINATION,
             "campaign_id": f"cmp_{n % _ENDPOINTS:02}", "source": "google", "medium": "cpc", "keyword": "roof repair",
             "campaign_name": "roofs", "landing_page": "https://shop.example/roofs", "click_ids": {"gclid": "x" * 40},
             "method": "session", "confidence": 0.93, "qualified": True, "billable": True, "payout": 1250,
             "revenue": 2000}
        )  # fmt: skip
        told = {"id": new_id("msg", at_ms), "type": _TYPE, "at_ms": at_ms, "subject_id": calls[-1]["id"]}
        messages.append({**told, "detail": None})
    async with ledger.write() as connection:
        for begin in range(0, len(calls), 2_000):
            await connection.execute(insert(schema.call), calls[begin : begin + 2_000])
            await connection.execute(insert(schema.outbox), messages[begin : begin + 2_000])


def _listens(port: int) -> bool:
    with socket.socket() as asks:
        return asks.connect_ex(("127.0.0.1", port)) == 0


def _child_of_ours() -> int:
    """The deliverer's process: the youngest of this one's."""
    listed = Path("/proc/self/task")
    found = [int(pid) for task in listed.iterdir() for pid in (task / "children").read_text().split()]
    return max(found)


def process_s(pid: int) -> float:
    """How many seconds a process thought till now, in all its threads (Linux)."""
    schedules = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(each.read_text().split()[0]) for each in schedules) / 1e9
