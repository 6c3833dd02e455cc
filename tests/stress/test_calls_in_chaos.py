"""Calls while Redis, PostgreSQL and the service itself are killed at random: nobody is dropped, nothing that was
acknowledged is lost or there twice."""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, select

from dni.ledger import schema
from dni.ledger.engines import Ledger
from tests.stress.calling import BUYERS, Carrier, declare_buyers, ledgers
from tests.support import postgres
from tests.support import service as services
from tests.support.service import Service
from tests.support.until import until
from tests.support.world import DESTINATION, numbers

pytestmark = pytest.mark.stress

SECONDS, CALLS_PER_S = 60, 20
# What comes while the service starts waits at its socket, which is there before its workers are.
_ANSWER_S = 4.0


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


@asynccontextmanager
async def world(engine: str, folder: Path) -> AsyncIterator[tuple[Chaos, Ledger]]:
    with ledgers(engine, folder) as (url, kept, port), ExitStack() as stack:
        ledger = Ledger(url)
        await declare_buyers(ledger)
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


def say(text: str) -> None:
    print(text)  # noqa: T201  what a person wants to read of this run
