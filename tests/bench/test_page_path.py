"""The browser's door with every check on, as a ratio of a bare uvicorn hello in the same run.

Rounds are bursts: the recorder gives way to page views while the machine is full and catches up after; every
round waits for that, and how long it took is printed.
"""

import asyncio
import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.bench.load import CONNECTIONS, come, declare, drained, leased, wrk
from tests.support import process
from tests.support.service import running

pytestmark = pytest.mark.bench

_ROUNDS, _SECONDS = 11, 1
# Signals with each page view -> the mark, and what the lease engine aims at.
MARKS = {0: (0.30, 0.42), 10: (0.30, 0.45)}
_GUARD = 0.18  # the machine's phases differ by 1.7 times: the mark was reached in one, and 0.23 in another
_P99 = 4


@pytest.mark.parametrize("signals", MARKS)
def test_page_path_against_bare_uvicorn(tmp_path: Path, signals: int) -> None:
    data_dir = tmp_path / "data"
    asyncio.run(declare(data_dir))
    with _hello(tmp_path / "hello.log") as hello, running(data_dir) as service:
        traffic = ("traffic.lua", str(come(service, tmp_path / "visitors.lua")), str(signals))
        wrk(f"{hello}/")
        wrk(service.url, *traffic)
        before = leased(service.url)
        rounds, drained_s = [], []
        for _ in range(_ROUNDS):
            drained_s.append(drained(service))
            rounds.append((wrk(f"{hello}/"), wrk(service.url, *traffic)))
        had = leased(service.url) - before
    ratio = statistics.median(page.rate / bare.rate for bare, page in rounds)
    bare, page = (statistics.median(one.rate for one in side) for side in zip(*rounds, strict=True))
    p99 = [statistics.median(one.p99_ms for one in side) for side in zip(*rounds, strict=True)]
    what = f"page views and {signals} signals each" if signals else "page views alone"
    mark, aim = MARKS[signals]
    print(f"\n{what}; every other view of a new visitor; one worker, {CONNECTIONS} connections, {_ROUNDS} pairs")
    print(f"bare uvicorn hello  {bare:8,.0f} requests/s   p99 {p99[0]:6.1f} ms")
    print(
        f"dni                 {page:8,.0f} requests/s   p99 {p99[1]:6.1f} ms  ({p99[1] / p99[0]:.1f} times; aim {_P99})"
    )
    print(f"ratio               {ratio:8.2f}   mark {mark:.2f}, aim {aim:.2f}")
    print(f"recorded {statistics.median(drained_s[1:]):.1f} s after the end of a round of {_SECONDS} s")
    assert sum(page.wrong for _, page in rounds) == 0
    assert had >= sum(page.requests for _, page in rounds) // (signals + 1) - _ROUNDS
    assert ratio >= _GUARD


def test_sustained_page_views(tmp_path: Path) -> None:
    """Longer than the recorder may put off its work: what goes on for ever on a machine that does all of it."""
    data_dir, seconds = tmp_path / "data", 12
    asyncio.run(declare(data_dir))
    with _hello(tmp_path / "hello.log") as hello, running(data_dir) as service:
        traffic = ("traffic.lua", str(come(service, tmp_path / "visitors.lua")), "0")
        wrk(f"{hello}/")
        bare = [wrk(f"{hello}/").rate]
        page = wrk(service.url, *traffic, seconds=seconds)
        drained_s = drained(service)
        bare.append(wrk(f"{hello}/").rate)
    ratio = page.rate / statistics.mean(bare)
    print(
        f"\npage views alone for {seconds} s: {page.rate:,.0f} requests/s, {ratio:.2f} of bare uvicorn hello;", end=" "
    )
    print(f"recorded {drained_s:.1f} s after the end")
    assert page.wrong == 0


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
