"""One plain command where its shard is served. A shard that has moved is followed, as `scripts.call` follows it."""

import asyncio
from typing import Any

from dni.live.connection import Live, RedisError

# Where it is sent first, where that one sends it, and once more from there.
_TRIES = 3


async def ask(live: Live, shard: str, *command: Any) -> Any:
    """The answer: bytes, int, list or None. `command` names keys of `shard` only, or none.

    Raises Unavailable `redis_away`, or RedisError with the server's refusal.
    """
    node = live.node(shard)
    before: tuple[tuple[str, ...], ...] = ()
    for left in reversed(range(_TRIES)):
        try:
            return (await asyncio.gather(*(node.send(*words) for words in (*before, command))))[-1]
        except RedisError as error:
            kind, _, told = str(error).partition(" ")
            if kind not in ("MOVED", "ASK") or not left:
                raise
        node = await (live.moving_to(told, node) if kind == "ASK" else live.moved(shard))
        before = (("ASKING",),) if kind == "ASK" else ()
    raise AssertionError("the last try returns or raises")
