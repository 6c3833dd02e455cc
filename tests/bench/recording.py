"""The recorder in a process of its own until nothing waits, and beside it the columns of what has settled.

`python -m tests.bench.recording LEDGER REDIS PREFIX CITIES NOW_MS` prints when it begins, and at the end how many
seconds it took, how many of a processor's time, and of how many sessions there are columns now.
"""

import asyncio
import os
import sys
import time
from multiprocessing import get_context
from pathlib import Path

from sqlalchemy import func, select

from dni.clock import SettableClock
from dni.host import aside
from dni.ledger import schema
from dni.parts import Parts
from dni.report.seal import seal_all
from dni.session.device import device
from dni.session.recorder import record
from dni.settings import Settings


async def main(ledger: str, redis: str, prefix: str, cities: str, now_ms: str) -> None:
    settings = Settings(data_dir=Path(cities).parent, redis_url=redis, database_url=ledger, geoip_city=Path(cities))
    clock = SettableClock(int(now_ms))
    parts = Parts(settings, clock, prefix)
    await parts.open()
    device("")  # a recorder that runs has its tables in memory
    stop = asyncio.Event()
    stop.set()  # it ends when nothing waits any more, and gives way to nobody
    os.nice(aside.LOWER_BY)
    print("begins", flush=True)
    began, worked = time.monotonic(), time.process_time()
    # As in the service: in a process of its own. It has our priority.
    columns = get_context("spawn").Process(target=_keep_columns, args=(settings, now_ms, prefix), daemon=True)
    columns.start()
    await record(parts, stop)
    took_s, worked_s = time.monotonic() - began, time.process_time() - worked
    async with parts.ledger.read() as connection:
        of = schema.chunk.c.sealed & (schema.chunk.c.kind == "session")
        copied = await connection.scalar(select(func.sum(schema.chunk.c.rows)).where(of))
    print(took_s, worked_s, copied or 0, flush=True)
    await asyncio.to_thread(columns.join)
    await parts.close()


def _keep_columns(settings: Settings, now_ms: str, prefix: str) -> None:
    async def keep() -> None:
        parts = Parts(settings, SettableClock(int(now_ms)), prefix)
        await seal_all(parts)
        await parts.close()

    asyncio.run(keep())


if __name__ == "__main__":
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(*sys.argv[1:]))
