"""The lease endpoint with every check on, as a ratio of a bare uvicorn hello in the same run."""

import asyncio
import json
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from dni.ledger.engines import Ledger
from dni.ledger.migrate import migrate
from tests.support import process, programs, world
from tests.support.service import running

pytestmark = pytest.mark.bench

_HERE = Path(__file__).parent
_ROUNDS, _SECONDS, _CONNECTIONS = 5, 3, 48
# The mark of the main job; the lease engine raises it.
MARK = 0.30


def test_new_leases_against_bare_uvicorn(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    asyncio.run(_declare(data_dir))
    with _hello(tmp_path / "hello.log") as hello, running(data_dir) as service:
        _wrk(f"{hello}/")
        _wrk(service.url, "page_views.lua")
        rounds = [(_wrk(f"{hello}/"), _wrk(service.url, "page_views.lua")) for _ in range(_ROUNDS)]
        leased = _leased(service.url)
    ratio = statistics.median(lease.rate / bare.rate for bare, lease in rounds)
    bare, lease = (statistics.median(one.rate for one in side) for side in zip(*rounds, strict=True))
    p99 = [statistics.median(one.p99_ms for one in side) for side in zip(*rounds, strict=True)]
    print(f"\nbare uvicorn hello      {bare:8,.0f} requests/s   p99 {p99[0]:6.1f} ms")
    print(f"POST /v1/lease, new     {lease:8,.0f} requests/s   p99 {p99[1]:6.1f} ms")
    print(f"ratio, median of {_ROUNDS} pairs   {ratio:.2f}   (mark: {MARK:.2f})")
    assert sum(lease.wrong for _, lease in rounds) == 0
    assert leased >= sum(lease.requests for _, lease in rounds)
    assert ratio >= MARK


class Measured:
    def __init__(self, rate: float, p99_ms: float, requests: int, wrong: int) -> None:
        self.rate, self.p99_ms, self.requests, self.wrong = rate, p99_ms, requests, wrong


def _wrk(url: str, script: str = "hello.lua") -> Measured:
    command: list[str | Path] = [
        programs.wrk(),
        "-t1",
        f"-c{_CONNECTIONS}",
        f"-d{_SECONDS}s",
        "-s",
        _HERE / script,
        url,
    ]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"^RESULT (\{.*\})$", printed, re.MULTILINE)
    assert found, printed
    result = json.loads(found[1])
    return Measured(result["rate"], result["p99_us"] / 1000, result["requests"], result["wrong"])


def _leased(url: str) -> int:
    """How many new leases the service has given, by its own count."""
    told = httpx.get(f"{url}/metrics", trust_env=False).text
    found = re.search(r'^dni_leases_total\{kind="pool",reason="new"\} (\S+)$', told, re.MULTILINE)
    assert found, told
    return int(float(found[1]))


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
