"""The lease engine alone, on a real Valkey: against an empty script, as pools grow, and what it remembers."""

import csv
import os
import statistics
import subprocess
from collections.abc import Iterator
from pathlib import Path
from struct import pack
from typing import Any

import pytest
import redis

from dni.live.scripts import function, loading
from dni.pool.record import about
from tests.support import programs, valkey

pytestmark = pytest.mark.bench

NOW_MS = 0x01A1A1A1A1A1  # in 2027, and no byte of it is NUL
_KEYS = ("{s}events", "{s}pool", "{s}leases", "{s}address")
_REQUESTS = 60_000
# No byte of an argument may be NUL, so that it can stand on a command line: hold and backlog are long and large here.
_MANY = 0x01010101
_SESSION = b"session-of-18-byte"
_TOUCH = about(
    "tag_01jd2v3w4x5y6z7a8b9c0d", b'{"source":"google","medium":"cpc","campaign_name":"spring"}' + b" " * 250
)
_EVENT = b"e" * 350
# What no script can do without: the commands of a new lease and of a beat, deciding nothing.
_BARE = """#!lua name=bare
local function bare_new(KEYS, ARGV)
  redis.call('HMGET', KEYS[3], 'state', ARGV[4])
  local number = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')[1]
  redis.call('ZCOUNT', KEYS[2], '-inf', 0)
  redis.call('HGET', KEYS[3], number)
  redis.call('HSET', KEYS[3], number, ARGV[2] .. ARGV[4], ARGV[4], number)
  redis.call('ZADD', KEYS[2], 'XX', 4e12, number)
  redis.call('XADD', KEYS[1], '*', 'o', number, 'a', ARGV[2], 'v', ARGV[3])
  return { 1, { number, 'nonce-of9', 1, 2, 3 } }
end
local function bare_beat(KEYS, ARGV)
  local number = ARGV[3]:sub(39)
  local raw = redis.call('HMGET', KEYS[2], 'state', number)[2]
  redis.call('HSET', KEYS[2], number, ARGV[3]:sub(1, 38) .. raw:sub(39))
  redis.call('ZADD', KEYS[1], 'XX', 4e12, number)
  return { 0 }
end
redis.register_function('bare_new', bare_new)
redis.register_function('bare_beat', bare_beat)
"""


@pytest.fixture
def server() -> Iterator[tuple[Any, str]]:
    with valkey.running() as url, redis.Redis.from_url(url) as client:
        for command in loading():
            client.execute_command(*command)
        yield client, url.removeprefix("unix://")


def place(client: Any, size: int) -> None:
    client.delete(*_KEYS)
    numbers = [f"+1{2_000_000_000 + i}" for i in range(size)]
    for at in range(0, size, 5_000):
        chunk = numbers[at : at + 5_000]
        client.fcall(function("place"), 2, *_KEYS[1:3], NOW_MS, _run(client), _MANY, 0, len(chunk), 0, *chunk)


def page_view(client: Any, visitor: bytes, now_ms: int = NOW_MS, session: bytes | None = None) -> list[bytes]:
    """FCALL's arguments. `visitor` is a holding of 16 bytes."""
    brought = b"1" if session else b"0"
    times = (
        now_ms.to_bytes(6, "big"),
        _run(client),
        b"1",
        brought,
        session or _SESSION,
        _SESSION,
        b"page",
        _MANY,
        _MANY,
    )
    head = pack(">6s40sss18s18s4sII", *times)
    want = pack(">16sI9s", visitor, _MANY, b"nonce-of9")
    return [function("acquire").encode(), b"4", *(key.encode() for key in _KEYS), head, _TOUCH, _EVENT, want]


def beat(client: Any, number: bytes) -> list[bytes]:
    """FCALL's arguments: a sign of life of the lease that `page_view` got."""
    at = (NOW_MS + 2_000).to_bytes(6, "big")
    head = pack(">6s40ss18s4sIIsII", at, _run(client), b"1", _SESSION, b"page", _MANY, _MANY, b"0", _MANY, _MANY)
    sign = pack(">s9s6s6s16s", b"b", b"nonce-of9", NOW_MS.to_bytes(6, "big"), at, b"%012dback" % 7) + number
    keys = [key.encode() for key in (*_KEYS[1:3], _KEYS[0], _KEYS[3])]
    return [function("signal").encode(), b"4", *keys, head, _TOUCH, sign]


def test_against_an_empty_script(server: tuple[Any, str]) -> None:
    """Each beside an empty script and the bare commands of its own second: a machine's speed changes all the time."""
    client, path = server
    client.function_load(_BARE)
    empty = [b"EVALSHA", client.script_load("return 1").encode(), *page_view(client, b"x" * 16)[1:]]
    rates: dict[str, list[tuple[float, float, float]]] = {"new": [], "next page": [], "beat": []}
    for _ in range(5):
        place(client, 2 * _REQUESTS)  # one address may drain no pool
        new = page_view(client, b"__rand_int__held")
        bare = _benchmark(path, [b"FCALL", b"bare_new", *new[1:]])
        place(client, 2 * _REQUESTS)
        rates["new"].append((_benchmark(path, empty), bare, _benchmark(path, [b"FCALL", *new])))
        for i in range(1_000):
            client.execute_command("FCALL", *page_view(client, b"%012dback" % i, session=_SESSION))
        client.delete(_KEYS[0])
        again = [b"FCALL", *page_view(client, b"__rand_int__back", NOW_MS + 1_000, _SESSION)]
        rates["next page"].append((_benchmark(path, empty), 0, _benchmark(path, again, among=1_000)))
        client.delete(_KEYS[0])
        alive = beat(client, client.hget(_KEYS[2], b"%012dback" % 7))
        ours = _benchmark(path, [b"FCALL", *alive])
        rates["beat"].append((_benchmark(path, empty), _benchmark(path, [b"FCALL", b"bare_beat", *alive[1:]]), ours))
    print("\n48 connections, no pipelining, redis-benchmark; median of 5 rounds")
    for name, aim in (("new", "aim 0.4"), ("next page", "it writes its event too"), ("beat", "aim 0.6")):
        _, _, ours = (statistics.median(side) for side in zip(*rates[name], strict=True))
        of_empty = statistics.median(ours / empty for empty, _, ours in rates[name])
        of_bare = [ours / bare for _, bare, ours in rates[name] if bare]
        also = f"; {statistics.median(of_bare):.2f} of its commands alone" if of_bare else ""
        print(f"{name:9} {ours:10,.0f}/s   {of_empty:.2f} of an empty script ({aim}){also}")
    assert min(ours for rounds in rates.values() for _, _, ours in rounds) > 0


def test_cost_as_the_pool_grows(server: tuple[Any, str]) -> None:
    client, _ = server
    costs = {}
    for size in (10, 100_000, 1_000_000):
        place(client, size)
        client.config_resetstat()
        for turn in range(20):
            # An hour later every number is free again, so a pool of ten can be leased from as often.
            with client.pipeline(transaction=False) as pipe:
                for i in range(100):
                    later = NOW_MS + (turn * 100 + i) * 5 * 60_000
                    pipe.execute_command("FCALL", *page_view(client, os.urandom(16), later))
                pipe.execute()
        costs[size] = client.info("commandstats")["cmdstat_fcall"]["usec_per_call"]
    print()
    for size, cost in costs.items():
        print(
            f"a new lease in a pool of {size:9,}: {cost:5.1f} us of the server, {cost / costs[10]:.2f} times that of 10"
        )
    assert costs[1_000_000] < 4 * costs[10]


def test_memory_of_a_leased_number(server: tuple[Any, str]) -> None:
    client, _ = server
    size, before = 20_000, _memory(client)  # never more than half in use: one address may drain no pool
    place(client, size)
    bare = about("tag_01jd2v3w4x5y6z7a8b9c0d", b"")
    for turn in range(12):
        for _ in range(0, size // 2, 500):
            with client.pipeline(transaction=False) as pipe:
                for _ in range(500):
                    words = page_view(client, os.urandom(16), NOW_MS + turn * 3_600_000)
                    words[7], words[8] = bare, b""
                    pipe.execute_command("FCALL", *words)
                pipe.execute()
        client.delete(_KEYS[0])
    each = (_memory(client) - before) / size
    print(f"\n{each:.0f} bytes a leased number, four past holders included, touches apart (aim 900)")
    assert each <= 900


def _memory(client: Any) -> int:
    """Bytes of everything but what is on its way to and from this client: that is as large as our own pipeline."""
    told = client.info("memory")
    return int(told["used_memory"] - told["mem_clients_normal"])


def _run(client: Any) -> bytes:
    run_id: str = client.info("server")["run_id"] if not hasattr(client, "dni_run") else client.dni_run
    client.dni_run = run_id
    return run_id.encode()


def _benchmark(path: str, command: list[bytes], among: int = 1_000_000_000) -> float:
    """Requests a second."""
    options = ["-s", path, "-c", "48", "-n", str(_REQUESTS), "-r", str(among), "--csv"]
    program: Path = programs.redis_benchmark()
    printed = subprocess.run([program, *options, *command], capture_output=True, check=True).stdout.decode("latin-1")
    row = list(csv.reader(printed.splitlines()))[-1]
    return float(row[-7] if len(row) > 7 else row[-1])
