"""The recorder in a process of its own until nothing waits: `python -m tests.bench.recording LEDGER REDIS PREFIX FILE`.

Prints when it begins, and at the end how many seconds it took, and of those how many of a processor's time.
"""

import asyncio
import cProfile
import sys
import time
from pathlib import Path

from dni.clock import SettableClock
from dni.parts import Parts
from dni.session.device import device
from dni.session.recorder import record
from dni.settings import Settings


async def main(ledger: str, redis: str, prefix: str, cities: str, profile: str = "") -> None:
    settings = Settings(data_dir=Path(cities).parent, redis_url=redis, database_url=ledger, geoip_city=Path(cities))
    parts = Parts(settings, SettableClock(0), prefix)
    await parts.open()
    device("")  # a recorder that runs has its tables in memory
    stop = asyncio.Event()
    stop.set()  # it ends when nothing waits any more, and gives way to nobody
    print("begins", flush=True)
    began, worked = time.monotonic(), time.process_time()
    profiler = cProfile.Profile()
    if profile:
        profiler.enable()
    await record(parts, stop)
    if profile:
        profiler.disable()
        profiler.dump_stats(profile)
    print(time.monotonic() - began, time.process_time() - worked, flush=True)
    await parts.close()


if __name__ == "__main__":
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(*sys.argv[1:]))
