"""Loads the Lua scripts as one library of functions and calls them; a server that does not know it is taught in place.

Functions (Redis 7 and Valkey) instead of EVALSHA: what the scripts share is made once, when the server learns the
library. The library's name holds its digest, so two versions of us may use one server.
"""

import asyncio
from collections.abc import Awaitable
from functools import cache
from hashlib import sha1
from pathlib import Path
from typing import Any

from dni.errors import Unavailable
from dni.live.connection import ANSWER_WITHIN_S, Live, Node, RedisError

_FOLDER = Path(__file__).parent.parent / "pool" / "lua"
# Refusals that pass by themselves: it reads its file, is full, cannot write its file, fails over, or is busy.
_PASSING = {"LOADING", "OOM", "MISCONF", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "BUSY", "NOREPLICAS"}
# Where the first sends us, and once more from there.
_MORE_TRIES = 2
NAMES = ("acquire", "signal", "news", "place", "ring", "hangup", "report", "forget")
_UNKNOWN = "Function not found"


@cache
def library() -> str:
    """All scripts as the server learns them."""
    code = "\n".join((_FOLDER / f"{name}.lua").read_text() for name in ("record", *NAMES))
    digest = sha1(code.encode(), usedforsecurity=False).hexdigest()[:12]
    registered = "\n".join(f"redis.register_function('{name}_{digest}', {name})" for name in NAMES)
    return f"#!lua name=dni_{digest}\n{code}\n{registered}\n"


@cache
def function(name: str) -> str:
    """What a script is called on the server."""
    return name + "_" + library().partition("\n")[0].rpartition("_")[2]


def loading() -> tuple[tuple[str, ...], ...]:
    """The commands that teach a server all scripts; sent on every new connection."""
    return (("FUNCTION", "LOAD", "REPLACE", library()),)


async def call(live: Live, shard: str, name: str, keys: list[str], args: list[Any]) -> Any:
    """Runs a script where `shard` is served, one round trip; more only when the server is new or the shard has moved.

    Where arguments hold the server's run id, the other server's takes its place when the shard has moved. Raises
    Unavailable `redis_away`, or RedisError when the script itself failed.
    """
    node = live.node(shard)
    try:
        sent = node.send("FCALL", function(name), len(keys), *keys, *args)
        return await (_replicated(live, sent, node.replicated(live.replicas)) if live.replicas else sent)
    except RedisError as error:
        try:
            # In a task of its own: the page path runs without one.
            again = _again(live, shard, name, keys, args, node, error)
            return await asyncio.create_task(asyncio.wait_for(again, ANSWER_WITHIN_S))
        except TimeoutError:
            raise Unavailable("Redis is moving data, it takes too long", code="redis_away") from None


async def _again(
    live: Live, shard: str, name: str, keys: list[str], args: list[Any], node: Node, error: RedisError
) -> Any:
    for _ in range(_MORE_TRIES):
        kind, _, told = str(error).partition(" ")
        before: list[Awaitable[Any]] = []
        if kind in ("MOVED", "ASK"):
            other = await (live.moving_to(told, node) if kind == "ASK" else live.moved(shard))
            args = [_at_home(arg, node.run_id, other.run_id) for arg in args]
            node = other
        elif kind in _PASSING:
            break
        elif _UNKNOWN in told:
            before = [node.send(*command) for command in loading()]
        else:
            raise error
        if kind == "ASK":
            before.append(node.send("ASKING"))
        sent = node.send("FCALL", function(name), len(keys), *keys, *args)
        replicated = node.replicated(live.replicas) if live.replicas else None
        try:
            *_, answer = await asyncio.gather(*before, sent)
        except RedisError as refusal:
            error = refusal
            continue
        return await _replicated(live, sent, replicated) if replicated else answer
    raise Unavailable(f"Redis cannot do it now: {kind}", code="redis_away")


def _at_home(arg: Any, run_id: str, here: str) -> Any:
    """The pools trust a server by its run id, so it must be the one's that runs the script; others are as they are."""
    if isinstance(arg, bytes):
        return arg.replace(run_id.encode(), here.encode())
    return here if arg == run_id else arg


async def _replicated(live: Live, sent: Awaitable[Any], replicated: asyncio.Future[int]) -> Any:
    """The answer, once the replicas were waited for. A lost connection meanwhile raises: then nobody vouches for it."""
    answer = await sent
    live.count_replicated(await asyncio.shield(replicated))
    return answer
