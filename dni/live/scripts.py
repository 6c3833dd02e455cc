"""Loads the Lua scripts and calls them by their digest; a server that forgot them is taught again in place."""

from functools import cache
from hashlib import sha1
from pathlib import Path
from typing import Any

from dni.errors import Unavailable
from dni.live.connection import Live, RedisError

_FOLDER = Path(__file__).parent.parent / "pool" / "lua"
# Refusals that pass by themselves: it reads its file, is full, cannot write its file, fails over, or is busy.
_PASSING = {"LOADING", "OOM", "MISCONF", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "BUSY", "NOREPLICAS"}
NAMES = ("acquire", "signal", "place", "ring", "hangup")


@cache
def source(name: str) -> str:
    """A script with the shared part in front, as the server sees it."""
    return (_FOLDER / "record.lua").read_text() + (_FOLDER / f"{name}.lua").read_text()


@cache
def digest(name: str) -> str:
    return sha1(source(name).encode(), usedforsecurity=False).hexdigest()


def loading() -> tuple[tuple[str, ...], ...]:
    """The commands that teach a server all scripts; sent on every new connection."""
    return tuple(("SCRIPT", "LOAD", source(name)) for name in NAMES)


async def call(live: Live, name: str, keys: list[str], args: list[Any]) -> Any:
    """Runs a script, one round trip. Raises Unavailable `redis_away`, or RedisError when the script itself failed."""
    try:
        return await live.send("EVALSHA", digest(name), len(keys), *keys, *args)
    except RedisError as error:
        kind = str(error).partition(" ")[0]
        if kind in _PASSING:
            raise Unavailable(f"Redis cannot do it now: {kind}", code="redis_away") from None
        if kind != "NOSCRIPT":
            raise
        return await live.send("EVAL", source(name), len(keys), *keys, *args)
