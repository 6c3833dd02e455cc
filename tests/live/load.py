"""Questions without pause to every shard, as page views come, with a record of how they were answered."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dni.errors import Unavailable
from dni.live.connection import Live, RedisError
from dni.live.scripts import call
from tests.support.until import until

SHARDS = [f"s{n:x}" for n in range(16)]
_RESTS_S = 0.005


class Load:
    """Times are monotonic seconds. `wrong`: answers that belong to another question."""

    def __init__(self) -> None:
        self.answered = dict.fromkeys(SHARDS, 0)
        self.wrong: list[object] = []
        self.refusals: dict[str, int] = {}
        self.slowest_s = 0.0
        self.last_refusal_s = 0.0

    async def every_shard_is_answered(self, seconds: float) -> None:
        """From now on, each of them."""
        before = dict(self.answered)
        await until(lambda: all(self.answered[s] > before[s] + 5 for s in SHARDS), "all shards are served", seconds)

    async def refused(self) -> None:
        before = sum(self.refusals.values())
        await until(lambda: sum(self.refusals.values()) > before, "the failure is noticed", 5)


@asynccontextmanager
async def on(live: Live) -> AsyncIterator[Load]:
    """Runs while the block does, two askers a shard."""
    load, stop = Load(), asyncio.Event()

    async def asker(shard: str, name: str) -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            number = f"{name}-{turn}"
            keys = [f"dni:{{{shard}}}:pool:{name}", f"dni:{{{shard}}}:leases:{name}"]
            began = time.monotonic()
            try:
                # Scripts and plain commands mixed; each echo names its question.
                echoing = live.node(shard).send("ECHO", number)
                placing = call(live, shard, "place", keys, [0, "a" * 40, 1, 0, 1, 0, number])
                echo, answer = await asyncio.gather(echoing, placing)
                if answer not in ([1, 0, 0], [0, 0, 0]) or echo != number.encode():
                    load.wrong.append((answer, echo, number))
                load.answered[shard] += 1
            except (Unavailable, RedisError) as error:
                words = str(error)
                load.refusals[words] = load.refusals.get(words, 0) + 1
                load.last_refusal_s = time.monotonic()
                await asyncio.sleep(_RESTS_S)
            load.slowest_s = max(load.slowest_s, time.monotonic() - began - _RESTS_S)

    askers = [asyncio.create_task(asker(shard, f"{shard}-{n}")) for shard in SHARDS for n in range(2)]
    try:
        yield load
    finally:
        stop.set()
        await asyncio.gather(*askers)
