"""The browser's door with every check on, as a ratio of a bare uvicorn hello in the same run.

Rounds are bursts: the recorder gives way to page views while the machine is full and catches up after; every
round waits for that, and how long it took is printed.
"""

import asyncio
import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import redis

from dni.ledger.engines import Ledger
from dni.ledger.migrate import migrate
from dni.pool.keys import Keys
from tests.support import process, programs, world
from tests.support.browser import PERSON, lease_body
from tests.support.service import Service, running
from tests.support.until import until

pytestmark = pytest.mark.bench

_HERE = Path(__file__).parent
_ROUNDS, _SECONDS, _CONNECTIONS, _VISITORS = 11, 1, 48, 2_000
# Signals with each page view -> the mark, and what the lease engine aims at.
MARKS = {0: (0.30, 0.42), 10: (0.30, 0.45)}
_GUARD = 0.18  # the machine's phases differ by 1.7 times: the mark was reached in one, and 0.23 in another
_P99 = 4


@pytest.mark.parametrize("signals", MARKS)
def test_page_path_against_bare_uvicorn(tmp_path: Path, signals: int) -> None:
    data_dir = tmp_path / "data"
    asyncio.run(_declare(data_dir))
    with _hello(tmp_path / "hello.log") as hello, running(data_dir) as service:
        traffic = ("traffic.lua", str(_come(service, tmp_path / "visitors.lua")), str(signals))
        _wrk(f"{hello}/")
        _wrk(service.url, *traffic)
        before = _leased(service.url)
        rounds, drained_s = [], []
        for _ in range(_ROUNDS):
            drained_s.append(_drained(service))
            rounds.append((_wrk(f"{hello}/"), _wrk(service.url, *traffic)))
        leased = _leased(service.url) - before
    ratio = statistics.median(page.rate / bare.rate for bare, page in rounds)
    bare, page = (statistics.median(one.rate for one in side) for side in zip(*rounds, strict=True))
    p99 = [statistics.median(one.p99_ms for one in side) for side in zip(*rounds, strict=True)]
    what = f"page views and {signals} signals each" if signals else "page views alone"
    mark, aim = MARKS[signals]
    print(f"\n{what}; every other view of a new visitor; one worker, {_CONNECTIONS} connections, {_ROUNDS} pairs")
    print(f"bare uvicorn hello  {bare:8,.0f} requests/s   p99 {p99[0]:6.1f} ms")
    print(
        f"dni                 {page:8,.0f} requests/s   p99 {p99[1]:6.1f} ms  ({p99[1] / p99[0]:.1f} times; aim {_P99})"
    )
    print(f"ratio               {ratio:8.2f}   mark {mark:.2f}, aim {aim:.2f}")
    print(f"recorded {statistics.median(drained_s[1:]):.1f} s after the end of a round of {_SECONDS} s")
    assert sum(page.wrong for _, page in rounds) == 0
    assert leased >= sum(page.requests for _, page in rounds) // (signals + 1) - _ROUNDS
    assert ratio >= _GUARD


def test_sustained_page_views(tmp_path: Path) -> None:
    """Longer than the recorder may put off its work: what goes on for ever on a machine that does all of it."""
    data_dir, seconds = tmp_path / "data", 12
    asyncio.run(_declare(data_dir))
    with _hello(tmp_path / "hello.log") as hello, running(data_dir) as service:
        traffic = ("traffic.lua", str(_come(service, tmp_path / "visitors.lua")), "0")
        _wrk(f"{hello}/")
        bare = [_wrk(f"{hello}/").rate]
        page = _wrk(service.url, *traffic, seconds=seconds)
        drained_s = _drained(service)
        bare.append(_wrk(f"{hello}/").rate)
    ratio = page.rate / statistics.mean(bare)
    print(
        f"\npage views alone for {seconds} s: {page.rate:,.0f} requests/s, {ratio:.2f} of bare uvicorn hello;", end=" "
    )
    print(f"recorded {drained_s:.1f} s after the end")
    assert page.wrong == 0


class Measured:
    def __init__(self, rate: float, p99_ms: float, requests: int, wrong: int) -> None:
        self.rate, self.p99_ms, self.requests, self.wrong = rate, p99_ms, requests, wrong


def _wrk(url: str, script: str = "hello.lua", *arguments: str, seconds: int = _SECONDS) -> Measured:
    how = ("-t1", f"-c{_CONNECTIONS}", f"-d{seconds}s", "-s", str(_HERE / script))
    command = [str(programs.wrk()), *how, url, "--", *arguments]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"^RESULT (\{.*\})$", printed, re.MULTILINE)
    assert found, printed
    result = json.loads(found[1])
    return Measured(result["rate"], result["p99_us"] / 1000, result["requests"], result["wrong"])


def _come(service: Service, file: Path) -> Path:
    """Visitors who were here before; their ids and leases in a file that Lua reads."""
    headers = {"Origin": world.ORIGIN, "User-Agent": PERSON}
    lines = ["return {"]
    with httpx.Client(base_url=service.url, headers=headers, trust_env=False) as client:
        for number in range(_VISITORS):
            address = {"X-Forwarded-For": f"198.18.{number // 250}.{number % 250}"}
            got = client.post("/v1/lease", json=lease_body(), headers=address).json()
            ids = (got["visitor"], got["session"], got["numbers"][world.TARGET]["lease"])
            lines.append("{" + ",".join(f'"{one}"' for one in ids) + "},")
    file.write_text("\n".join([*lines, "}"]))
    return file


def _drained(service: Service) -> float:
    """Waits until the recorder has written what came; how many seconds that took."""
    began, streams = time.monotonic(), Keys().all_events()
    with redis.Redis(unix_socket_path=str(service.data_dir / "valkey" / "socket")) as client:
        asyncio.run(until(lambda: not sum(client.xlen(stream) for stream in streams), "all is recorded", 60))
    return time.monotonic() - began


def _leased(url: str) -> int:
    """How many page views have had a number, by the service's own count."""
    told = httpx.get(f"{url}/metrics", trust_env=False).text
    found = re.findall(r'^dni_leases_total\{kind="pool",reason="(?:new|same)"\} (\S+)$', told, re.MULTILINE)
    assert found, told
    return int(sum(map(float, found)))


async def _declare(data_dir: Path) -> None:
    """As many numbers as page views can come before the first number is free again."""
    ledger = Ledger(f"sqlite+aiosqlite:///{data_dir / 'ledger.sqlite3'}")
    await migrate(ledger)
    await world.declare(ledger, pool_size=79_000)
    await ledger.close()


@contextmanager
def _hello(log: Path) -> Iterator[str]:
    port = process.free_port()
    options = (
        "--port",
        str(port),
        "--loop",
        "uvloop",
        "--http",
        "httptools",
        "--no-access-log",
        "--log-level",
        "error",
    )
    child = process.start([sys.executable, "-m", "uvicorn", "tests.bench.hello:app", *options], log)
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            return httpx.get(url, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    try:
        process.wait_until(answers, "the bare server", child, log, 10)
        yield url
    finally:
        process.stop(child)
