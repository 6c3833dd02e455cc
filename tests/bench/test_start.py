"""From the start of `dni serve` with its own Valkey and SQLite to the first lease, and beside it what imports cost."""

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from dni.ledger.engines import Ledger
from dni.ledger.migrate import migrate
from tests.support import process, world
from tests.support.browser import PERSON, lease_body
from tests.support.service import running

pytestmark = pytest.mark.bench

_TIMES = 7
_MARK_S, _AIM_S = 3.0, 1.5
_IMPORTS = "import starlette, uvicorn, redis, sqlalchemy"
_HEADERS = {"Origin": world.ORIGIN, "User-Agent": PERSON}


def test_start_to_first_lease(tmp_path: Path) -> None:
    used = tmp_path / "used"
    asyncio.run(_declare(used))
    with running(used) as service, httpx.Client(base_url=service.url, headers=_HEADERS, trust_env=False) as browser:
        assert _leases(browser)
        assert service.stop() == 0
    imports_s, used_s, new_s = [], [], []
    for turn in range(_TIMES):
        began = time.monotonic()
        subprocess.run([sys.executable, "-c", _IMPORTS], check=True)
        imports_s.append(time.monotonic() - began)
        used_s.append(asyncio.run(_took_s(used, _leases)))
        new_s.append(asyncio.run(_took_s(tmp_path / f"new{turn}", _is_ready)))
    base_s = statistics.median(imports_s)
    print(f"\nmedian of {_TIMES}, one worker\n{_IMPORTS:50} {base_s:5.2f} s")
    rows = (
        ("a folder in use, to the first lease", used_s, f"aim {_AIM_S}"),
        ("a new folder, to /readyz", new_s, "migrations included"),
    )
    for what, times_s, remark in rows:
        median_s = statistics.median(times_s)
        print(f"{what:50} {median_s:5.2f} s, {median_s / base_s:.1f} times the imports; {remark}")
    assert statistics.median(used_s) < _MARK_S


async def _took_s(data_dir: Path, answers: Callable[[httpx.Client], bool]) -> float:
    """From the start of the process until it answers so."""
    port, log = process.free_port(), data_dir.with_name(f"{data_dir.name}.log")
    command = [sys.executable, "-m", "dni", "serve", "--port", str(port), "--data-dir", str(data_dir)]
    url = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=url, headers=_HEADERS, trust_env=False, timeout=30) as browser:
        began = time.monotonic()
        child = process.start(command, log)
        try:
            while not _answers_so(browser, answers):
                assert child.poll() is None, process.tail(log)
                await asyncio.sleep(0.002)
            return time.monotonic() - began
        finally:
            assert process.stop(child) == 0


def _answers_so(browser: httpx.Client, answers: Callable[[httpx.Client], bool]) -> bool:
    try:
        return answers(browser)
    except httpx.TransportError:
        return False


def _leases(browser: httpx.Client) -> bool:
    """Whether a page view gets a pooled number now."""
    answer = browser.post("/v1/lease", json=lease_body())
    return answer.status_code == 200 and answer.json()["numbers"][world.TARGET]["kind"] == "pool"


def _is_ready(browser: httpx.Client) -> bool:
    return browser.get("/readyz").status_code == 200


async def _declare(data_dir: Path) -> None:
    ledger = Ledger(f"sqlite+aiosqlite:///{data_dir / 'ledger.sqlite3'}")
    await migrate(ledger)
    await world.declare(ledger, pool_size=100)
    await ledger.close()
