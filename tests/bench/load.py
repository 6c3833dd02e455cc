"""Load for benchmarks: what pages send, by wrk, and what came of it by the service's own count."""

import asyncio
import json
import re
import subprocess
import time
from pathlib import Path

import httpx
import redis

from dni.ledger.engines import Ledger
from dni.ledger.migrate import migrate
from dni.pool.keys import Keys
from tests.support import programs, world
from tests.support.browser import PERSON, lease_body
from tests.support.service import Service
from tests.support.until import until

HERE = Path(__file__).parent
CONNECTIONS, VISITORS = 48, 2_000


class Measured:
    def __init__(self, rate: float, p99_ms: float, requests: int, wrong: int) -> None:
        self.rate, self.p99_ms, self.requests, self.wrong = rate, p99_ms, requests, wrong


def wrk(url: str, script: str = "hello.lua", *arguments: str, seconds: int = 1) -> Measured:
    how = ("-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(HERE / script))
    command = [str(programs.wrk()), *how, url, "--", *arguments]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"^RESULT (\{.*\})$", printed, re.MULTILINE)
    assert found, printed
    result = json.loads(found[1])
    return Measured(result["rate"], result["p99_us"] / 1000, result["requests"], result["wrong"])


def come(service: Service, file: Path) -> Path:
    """Visitors who were here before; their ids and leases in a file that Lua reads."""
    headers = {"Origin": world.ORIGIN, "User-Agent": PERSON}
    lines = ["return {"]
    with httpx.Client(base_url=service.url, headers=headers, trust_env=False) as client:
        for number in range(VISITORS):
            address = {"X-Forwarded-For": f"198.18.{number // 250}.{number % 250}"}
            got = client.post("/v1/lease", json=lease_body(), headers=address).json()
            ids = (got["visitor"], got["session"], got["numbers"][world.TARGET]["lease"])
            lines.append("{" + ",".join(f'"{one}"' for one in ids) + "},")
    file.write_text("\n".join([*lines, "}"]))
    return file


def drained(service: Service) -> float:
    """Waits until the recorder has written what came; how many seconds that took."""
    began, streams = time.monotonic(), Keys().all_events()
    with redis.Redis(unix_socket_path=str(service.data_dir / "valkey" / "socket")) as client:
        asyncio.run(until(lambda: not sum(client.xlen(stream) for stream in streams), "all is recorded", 60))
    return time.monotonic() - began


def leased(url: str) -> int:
    """How many page views have had a number, by the service's own count."""
    told = httpx.get(f"{url}/metrics", trust_env=False).text
    found = re.findall(r'^dni_leases_total\{kind="pool",reason="(?:new|same)"\} (\S+)$', told, re.MULTILINE)
    assert found, told
    return int(sum(map(float, found)))


async def declare(data_dir: Path) -> None:
    """As many numbers as page views can come before the first number is free again."""
    ledger = Ledger(f"sqlite+aiosqlite:///{data_dir / 'ledger.sqlite3'}")
    await migrate(ledger)
    await world.declare(ledger, pool_size=79_000)
    await ledger.close()
