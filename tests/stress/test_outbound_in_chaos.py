"""Webhooks while their receivers behave badly and who sends them, and the ledger, are killed at random: every message
arrives, in order, nothing goes where it must not, and calls are answered as if nothing were the matter."""

import asyncio
import os
import random
import secrets
import signal
import sys
import time
from base64 import b64encode
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, insert, select

from dni.ledger import schema
from dni.ledger.engines import Ledger
from tests.stress.bad_receivers import BEHAVES, Arrived
from tests.stress.calling import Carrier, Sent, declare_buyers, ledgers
from tests.support import postgres, process
from tests.support import service as services
from tests.support.service import Service
from tests.support.until import until
from tests.support.world import START_MS, numbers

pytestmark = pytest.mark.stress

IDLE_S, CHAOS_S, CALLS_PER_S = 15, 60, 15
# The bad ones are mended while all else still goes on.
MENDED_S = IDLE_S + 40
# Until the last lease of who was killed is over and the last probe was sent.
AFTERWARDS_S = 420
TYPES = ("call.started", "call.completed", "call.attributed")
_ANSWER_S = 2.0


class Chaos:
    """What is killed, and that it comes back."""

    def __init__(self, service: Service, folder: Path | None, stack: ExitStack, port: int) -> None:
        self.service, self.folder, self.stack, self.port = service, folder, stack, port
        self.killed: Counter[str] = Counter()

    async def go_on(self, until_s: float) -> None:
        victims = ["deliverer", "deliverer", "ledger" if self.folder else "keeper"]
        while time.monotonic() < until_s:
            await asyncio.sleep(2 + 3 * random.random())  # noqa: S311
            victim = random.choice(victims)  # noqa: S311
            self.killed[victim] += 1
            await asyncio.to_thread(getattr(self, f"_{victim}"))

    def _deliverer(self) -> None:
        """Its parent starts it again."""
        self._kill("dni.outbound.deliver:")

    def _keeper(self) -> None:
        """Another process that writes to the same file."""
        self._kill("dni.housekeeping:")

    def _kill(self, duty: str) -> None:
        for pid in self.service.processes():
            with suppress(OSError):
                if duty.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGKILL)

    def _ledger(self) -> None:
        assert self.folder
        postgres.crash(self.folder)
        self.stack.enter_context(postgres.running(self.folder, port=self.port, survives=True))


@asynccontextmanager
async def world(engine: str, folder: Path) -> AsyncIterator[tuple[Chaos, Ledger, Path]]:
    """The service, its ledger, and the folder of the receivers, which it may send to by their ports alone."""
    arrived = folder / "arrived"
    arrived.mkdir()
    with ledgers(engine, folder) as (url, kept, port), ExitStack() as stack:
        ledger = Ledger(url)
        await declare_buyers(ledger)
        command = [sys.executable, "-m", "tests.stress.bad_receivers", str(arrived), str(MENDED_S)]
        log = folder / "receivers.log"
        receivers = process.start(command, log)
        stack.callback(process.stop, receivers)
        ports = arrived / "ports.json"
        process.wait_until(ports.exists, "the receivers", receivers, log, 20)
        allowed = ",".join(f"127.0.0.1:{each}" for name, each in _ports(arrived).items() if name != "forbidden")
        env = {"DNI_DATABASE_URL": url, "DNI_OUTBOUND_ALLOW": allowed}
        service = stack.enter_context(services.running(folder / "service", workers=2, env=env))
        yield Chaos(service, kept, stack, port), ledger, arrived
        await ledger.close()


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
async def test_every_message_arrives_and_calls_are_unaffected(engine: str, tmp_path: Path) -> None:
    async with world(engine, tmp_path) as (chaos, ledger, arrived):
        carrier = Carrier(chaos.service.url)
        await _calls(carrier, IDLE_S)
        idle = list(carrier.sent)
        await _declare_endpoints(ledger, _ports(arrived))
        until_s = time.monotonic() + CHAOS_S
        async with asyncio.TaskGroup() as all_:
            all_.create_task(chaos.go_on(until_s))
            all_.create_task(_calls(carrier, CHAOS_S))
        await carrier.close()
        spool = chaos.service.data_dir / "spool"
        await until(lambda: not any(spool.glob("*.jsonl")), "what waits on disk is in the ledger", 60)
        say(f"{engine}: {len(carrier.sent)} events; killed {dict(chaos.killed)}")
        began_s = time.monotonic()
        await until(lambda: _is_over(ledger), "all messages are delivered", AFTERWARDS_S)
        say(f"all was delivered {time.monotonic() - began_s:.0f} s after the last kill")
        await _check_messages(ledger, arrived)
        _check_answers(idle, carrier.sent[len(idle) :])


async def _calls(carrier: Carrier, seconds: float) -> None:
    until_s = time.monotonic() + seconds
    async with asyncio.TaskGroup() as all_:
        while time.monotonic() < until_s:
            at = len(carrier.sent)
            caller = f"+1{312 + at // 100 % 400}55501{at % 100:02}"
            all_.create_task(carrier.call(numbers(200)[at % 200], caller))
            await asyncio.sleep(1 / CALLS_PER_S)


async def _declare_endpoints(ledger: Ledger, ports: dict[str, int]) -> None:
    """Each of the receivers, and two addresses that lead to the forbidden one."""
    urls = {name: f"http://127.0.0.1:{ports[name]}/hook" for name in BEHAVES}
    urls["forbidden"] = f"http://127.0.0.1:{ports['forbidden']}/"
    urls["forbidden_name"] = f"http://localhost:{ports['forbidden']}/"
    secret = "whsec_" + b64encode(secrets.token_bytes(24)).decode()
    rows: list[dict[str, Any]] = [
        {"id": f"end_{name}", "kind": "webhook", "name": name, "types": list(TYPES), "settings": {"url": url},
         "secrets": {"secret": secret}, "created_at_ms": START_MS}
        for name, url in urls.items()
    ]  # fmt: skip
    async with ledger.write() as connection:
        await connection.execute(insert(schema.endpoint), rows)


async def _is_over(ledger: Ledger) -> bool:
    """Nothing waits but what must wait."""
    waits, unmade = schema.delivery.c, schema.outbox.c
    waiting = select(func.count()).where(waits.state == "waiting", ~waits.endpoint_id.startswith("end_forbidden"))
    async with ledger.read() as connection:
        left = await connection.scalar(waiting) or await connection.scalar(
            select(func.count()).where(unmade.made_ms.is_(None))
        )
    await asyncio.sleep(0.5)
    return not left


async def _check_messages(ledger: Ledger, arrived: Path) -> None:
    expected = await _expected(ledger)
    for name in BEHAVES:
        came = _arrived(arrived, name)
        taken = [one for one in came if 200 <= one.status < 300]
        say(f"{name:14} {len(expected[name]):6} expected, {len(came):6} came, {len(taken):6} of them were taken")
        assert {one.id for one in taken} == set(expected[name])
        for of_call in _by_call(taken).values():
            order = [expected[name][one] for one in dict.fromkeys(of_call)]
            assert order == sorted(order)
    assert (arrived / "forbidden").read_text() == "0"
    async with ledger.read() as connection:
        its = schema.delivery.c.endpoint_id.startswith("end_forbidden")
        states = set(await connection.scalars(select(schema.delivery.c.state).where(its)))
        tried = select(schema.delivery.c.why).where(its, schema.delivery.c.attempts > 0)
        reasons = set(await connection.scalars(tried))
        started = await connection.scalar(select(func.count()).where(schema.outbox.c.type == "call.started"))
        calls = await connection.scalar(select(func.count()).select_from(schema.call))
    assert states == {"waiting"}
    assert reasons
    assert all("none of the public internet" in why for why in reasons)
    assert started == calls


async def _expected(ledger: Ledger) -> dict[str, dict[str, int]]:
    """By endpoint, the messages that were made for it and their place."""
    delivery, outbox = schema.delivery.c, schema.outbox.c
    query = select(delivery.endpoint_id, outbox.id, outbox.seq, outbox.type)
    found: dict[str, dict[str, int]] = defaultdict(dict)
    async with ledger.read() as connection:
        for row in await connection.execute(query.join(schema.outbox, outbox.seq == delivery.message_seq)):
            found[row.endpoint_id.removeprefix("end_")][row.id] = row.seq
        since = await connection.scalar(select(func.min(delivery.message_seq)))
        all_ = select(outbox.id).where(outbox.type.in_(TYPES), outbox.seq >= since)
        happened = set(await connection.scalars(all_))
    assert all(set(found[name]) == happened for name in BEHAVES), "each was made for each"
    return found


def _check_answers(idle: list[Sent], beside: list[Sent]) -> None:
    for name, sent in (("nothing is sent", idle), ("beside chaos", beside)):
        assert all(one.acknowledged for one in sent)
        waited = sorted(one.waited_s * 1000 for one in sent)
        middle, p99 = waited[len(waited) // 2], waited[-len(waited) // 100]
        say(f"{name}: {len(sent)} answers, median {middle:.0f} ms, p99 {p99:.0f} ms, longest {waited[-1]:.0f} ms")
    assert max(one.waited_s for one in beside) < _ANSWER_S


def _ports(arrived: Path) -> dict[str, int]:
    found: dict[str, int] = msgspec.json.decode((arrived / "ports.json").read_bytes())
    return found


def _arrived(arrived: Path, name: str) -> list[Arrived]:
    lines = (arrived / f"{name}.jsonl").read_bytes().splitlines()
    return [msgspec.json.decode(line, type=Arrived) for line in lines]


def _by_call(taken: list[Arrived]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for one in taken:
        found[one.call].append(one.id)
    return found


def say(text: str) -> None:
    print(text)  # noqa: T201  what a person wants to read of this run
