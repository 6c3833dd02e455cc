"""Calls while Redis, PostgreSQL and the service itself are killed at random: nobody is dropped, nothing that was
acknowledged is lost or there twice."""

import asyncio
import os
import random
import secrets
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import msgspec
import pytest
from sqlalchemy import func, insert, select, update

from dni.catalog.load import raise_revision
from dni.clock import SystemClock
from dni.demo.call import arrives, goes_on
from dni.ledger import schema
from dni.ledger.engines import Ledger
from dni.ledger.migrate import migrate
from dni.telephony import signatures
from tests.support import postgres, process
from tests.support import service as services
from tests.support.service import Service
from tests.support.until import until
from tests.support.world import AUTH_TOKEN, DESTINATION, START_MS, declare, numbers

pytestmark = pytest.mark.stress

SECONDS, CALLS_PER_S = 60, 20
BUYERS = [f"+1415555018{n}" for n in range(3)]
# A carrier waits 15 s for an answer, and asks again when it gets none; then it goes to the number's fallback address.
_TRIES, _WAIT_S, _PAUSE_S = 8, 15.0, 0.5
# What comes while the service starts waits at its socket, which is there before its workers are.
_ANSWER_S = 4.0


class Sent(msgspec.Struct):
    """One request of the carrier until it was acknowledged. `waited_s`: the longest that an answered try took."""

    door: str
    call: str
    acknowledged: bool = False
    tries: int = 0
    waited_s: float = 0.0
    answer: str = ""


class Carrier:
    """Twilio by its rules: tries again what nobody answers, and what is answered 5xx."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.sent: list[Sent] = []
        self._client = httpx.AsyncClient(base_url=url, trust_env=False, timeout=_WAIT_S)

    async def close(self) -> None:
        await self._client.aclose()

    async def call(self, to: str, caller: str) -> None:
        """Rings, and does what it is told; every destination is busy in half of the calls."""
        call, account = f"CA{secrets.token_hex(16)}", _Account()
        rings = arrives(account, call, caller, to)  # type: ignore[arg-type]
        answer = (await self._send("inbound", call, rings)).answer
        leg = 0
        while "<Dial" in answer:
            [number, *_] = _between(answer, "<Number", "</Number>")
            leg += 1
            now_ms = SystemClock().now_ms()
            told = [fields for _, fields in goes_on(rings, f"{call}{leg}", number, now_ms, 5)]
            step = _between(answer, 'action="', '"')
            if random.random() < 0.5 and step:  # noqa: S311
                busy = {"CallStatus": "busy", "CallDuration": "0"}
                await self._send("status", call, told[0] | busy)
                over = {"CallStatus": "in-progress", "DialCallStatus": "busy", "DialCallSid": f"{call}{leg}"}
                path = step[0].split("/car_1/")[1].replace("&amp;", "&")
                answer = (await self._send(path, call, rings | over)).answer
                continue
            for fields in told:
                await asyncio.sleep(0.05)
                await self._send("status", call, fields)
            return

    async def _send(self, door: str, call: str, fields: dict[str, str]) -> Sent:
        sent = Sent(door.partition("?")[0], call)
        self.sent.append(sent)
        path = f"/voice/twilio/car_1/{door}"
        signature = signatures.twilio(self._url + path, fields.items(), AUTH_TOKEN)
        headers = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
        while sent.tries < _TRIES and not sent.acknowledged:
            sent.tries += 1
            began = time.monotonic()
            try:
                answer = await self._client.post(path, content=urlencode(fields), headers=headers)
            except httpx.TransportError:
                await asyncio.sleep(_PAUSE_S)
                continue
            sent.waited_s = max(sent.waited_s, time.monotonic() - began)
            if answer.status_code >= 500:
                await asyncio.sleep(_PAUSE_S)
                continue
            assert answer.status_code in (200, 204), answer.text
            sent.acknowledged, sent.answer = True, answer.text
        return sent


class _Account:
    account_sid = "AC1"


class Chaos:
    """What is killed, and that it comes back."""

    def __init__(self, service: Service, folder: Path | None, stack: ExitStack, port: int) -> None:
        self.service, self.folder, self.stack, self.port = service, folder, stack, port
        self.killed: Counter[str] = Counter()

    async def go_on(self, until_s: float) -> None:
        victims = ["redis", "service", *(["ledger"] if self.folder else [])]
        while time.monotonic() < until_s:
            await asyncio.sleep(1.5 + 2 * random.random())  # noqa: S311
            victim = random.choice(victims)  # noqa: S311
            self.killed[victim] += 1
            await asyncio.to_thread(getattr(self, f"_{victim}"))

    def _redis(self) -> None:
        """Its parent starts it again."""
        for pid, name in self.service.processes().items():
            if "valkey" in name:
                os.kill(pid, signal.SIGKILL)

    def _service(self) -> None:
        """As an operator's supervisor does."""
        self.service.kill_all()
        self.service.start()

    def _ledger(self) -> None:
        assert self.folder
        postgres.crash(self.folder)
        self.stack.enter_context(postgres.running(self.folder, port=self.port, survives=True))


@contextmanager
def ledgers(engine: str, folder: Path) -> Iterator[tuple[str, Path | None, int]]:
    """Its URL; where PostgreSQL's data is, and its port."""
    if engine == "sqlite":
        yield f"sqlite+aiosqlite:///{folder / 'ledger.sqlite3'}", None, 0
        return
    kept, port = Path(tempfile.mkdtemp(prefix="dni-chaos-")), process.free_port()
    try:
        with postgres.running(kept, port=port, survives=True) as server:
            server.sql("CREATE DATABASE dni")
            yield f"postgresql+asyncpg://postgres:{server.password}@127.0.0.1:{port}/dni", kept, port
    finally:
        shutil.rmtree(kept)


@asynccontextmanager
async def world(engine: str, folder: Path) -> AsyncIterator[tuple[Chaos, Ledger]]:
    with ledgers(engine, folder) as (url, kept, port), ExitStack() as stack:
        ledger = Ledger(url)
        await _declare(ledger)
        service = stack.enter_context(services.running(folder / "service", workers=2, env={"DNI_DATABASE_URL": url}))
        yield Chaos(service, kept, stack, port), ledger
        await ledger.close()


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
async def test_no_caller_is_dropped_and_no_acknowledged_event_is_lost_or_doubled(engine: str, tmp_path: Path) -> None:
    async with world(engine, tmp_path) as (chaos, ledger):
        carrier = Carrier(chaos.service.url)
        until_s = time.monotonic() + SECONDS
        async with asyncio.TaskGroup() as all_:
            all_.create_task(chaos.go_on(until_s))
            at = 0
            while time.monotonic() < until_s:
                at += 1
                caller = f"+1{312 + at // 100 % 400}55501{at % 100:02}"
                all_.create_task(carrier.call(numbers(200)[at % 200], caller))
                await asyncio.sleep(1 / CALLS_PER_S)
        await carrier.close()
        spool = chaos.service.data_dir / "spool"
        await until(lambda: not any(spool.glob("*.jsonl")), "what waits on disk is in the ledger", 60)
        await _check(carrier, chaos, ledger)


async def _check(carrier: Carrier, chaos: Chaos, ledger: Ledger) -> None:
    inbound = [one for one in carrier.sent if one.door == "inbound"]
    slow = sorted(one.waited_s for one in carrier.sent)
    again = sum(one.tries > 1 for one in inbound)
    ms = [round(each * 1000) for each in (slow[len(slow) // 2], slow[-len(slow) // 100], slow[-1])]
    say(f"{len(inbound)} calls, {len(carrier.sent)} events; killed {dict(chaos.killed)}; {again} calls rang again")
    say(f"an answered request waited {ms[0]} ms, p99 {ms[1]} ms, at most {ms[2]} ms")
    assert all(one.acknowledged for one in inbound)
    assert slow[-1] < _ANSWER_S
    for one in inbound:
        assert "<Dial" in one.answer
        assert any(number in one.answer for number in (*BUYERS, DESTINATION))
    acknowledged = Counter((one.call, one.door) for one in carrier.sent if one.acknowledged)
    sent = Counter((one.call, one.door) for one in carrier.sent)
    event, call = schema.call_event.c, schema.call.c
    async with ledger.read() as connection:
        told = select(call.provider_id, event.kind).join(schema.call, call.id == event.call_id)
        doors = {"inbound": "inbound", "dialled": "step"}
        there = Counter((provider, doors.get(kind, "status")) for provider, kind in await connection.execute(told))
        calls = (await connection.execute(select(func.count()).select_from(schema.call))).scalar_one()
    assert [key for key, count in acknowledged.items() if there[key] < count] == []
    assert [key for key, count in there.items() if count > sent[key]] == []
    assert calls == len({one.call for one in carrier.sent if one.acknowledged} | {key for key, _ in there})


async def _declare(ledger: Ledger) -> None:
    await migrate(ledger)
    await declare(ledger, pool_size=200)
    phones: list[dict[str, Any]] = [
        {"id": f"dst_{n}", "campaign_id": "cmp_1", "name": f"Buyer {n}", "number": number, "paused": False, "caps": {}}
        for n, number in enumerate(BUYERS)
    ]
    step = {"id": "buyers", "do": "connect", "order": "round_robin"}
    step["destinations"] = [{"destination": one["id"]} for one in phones]  # type: ignore[assignment]
    async with ledger.write() as connection:
        await connection.execute(insert(schema.destination), [{**one, "created_at_ms": START_MS} for one in phones])
        await connection.execute(update(schema.campaign).values(routing={"steps": [step]}))
        await raise_revision(connection)


def _between(text: str, begin: str, end: str) -> list[str]:
    parts = [part.partition(end)[0] for part in text.split(begin)[1:]]
    return [part.rpartition(">")[2] for part in parts]


def say(text: str) -> None:
    print(text)  # noqa: T201  what a person wants to read of this run
