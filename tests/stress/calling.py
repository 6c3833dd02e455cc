"""A carrier that calls, and goes on asking when nobody answers; and the ledger that survives the end of its server."""

import asyncio
import random
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import msgspec
from sqlalchemy import insert, update

from dni.catalog.load import raise_revision
from dni.clock import SystemClock
from dni.demo.call import arrives, goes_on
from dni.ledger import schema
from dni.ledger.engines import Ledger
from dni.ledger.migrate import migrate
from dni.telephony import signatures
from tests.support import postgres, process
from tests.support.world import AUTH_TOKEN, START_MS, declare

BUYERS = [f"+1415555018{n}" for n in range(3)]
# A carrier waits 15 s for an answer, and asks again when it gets none; then it goes to the number's fallback address.
_TRIES, _WAIT_S, _PAUSE_S = 8, 15.0, 0.5


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


async def declare_buyers(ledger: Ledger) -> None:
    """A campaign whose calls go to three buyers in turn, on 200 numbers."""
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
