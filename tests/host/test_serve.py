"""`serve` as a real process with real children, over every way that it or they can end."""

import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from tests.host.tiny import events
from tests.support import process
from tests.support.until import runs, until


class Parent:
    """`serve` with the tiny application, on a port of its own."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.log = data_dir.with_suffix(".log")
        self.port = process.free_port()
        self.child: subprocess.Popen[bytes] | None = None
        self.client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", trust_env=False, timeout=20)

    def begin(self, app: str = "build", workers: int = 1, **env: str) -> subprocess.Popen[bytes]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("DNI_")}  # noqa: TID251
        settings = {
            "DNI_PORT": str(self.port),
            "DNI_WORKERS": str(workers),
            "DNI_DATA_DIR": str(self.data_dir),
        }
        command = [sys.executable, "-m", "tests.host.tiny", app]
        self.child = process.start(command, self.log, env={**inherited, **settings, **env})
        return self.child

    async def start(self, app: str = "build", workers: int = 1, **env: str) -> None:
        ready = self.told("ready")
        child = self.begin(app, workers, **env)
        await until(lambda: self.told("ready") > ready or child.poll() is not None, "serve is ready")
        assert child.poll() is None, self.log.read_text()

    def told(self, word: str) -> int:
        return sum(event[0] == word for event in events(self.data_dir))

    async def ask(self, path: str = "/", **headers: str) -> Any:
        # One connection a question: any worker may take it.
        return (await self.client.get(path, headers={"Connection": "close", **headers})).json()

    async def exit_code(self) -> int:
        child = self.child
        assert child is not None
        await until(lambda: child.poll() is not None, "serve ends", seconds=30)
        return child.wait()

    @property
    def redis(self) -> Redis:
        return Redis.from_url(f"unix://{self.data_dir / 'valkey' / 'socket'}", decode_responses=True)

    @property
    def valkey_pid(self) -> int:
        return int((self.data_dir / "valkey" / "valkey.pid").read_text().splitlines()[0])

    def children(self) -> list[int]:
        """Every process that the parent has started and that still runs (Linux)."""
        assert self.child is not None
        pid = self.child.pid
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def send(self, sign: signal.Signals) -> None:
        assert self.child is not None
        self.child.send_signal(sign)


@pytest.fixture
async def parent(tmp_path: Path) -> AsyncIterator[Parent]:
    made = Parent(tmp_path / "data")
    yield made
    await made.client.aclose()
    if made.child is not None and made.child.poll() is None:
        children = made.children()
        made.send(signal.SIGKILL)
        made.child.wait()
        await until(lambda: not any(runs(pid) for pid in children), "its children end with it")


def refuses(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except ConnectionError:
        return True
    return False


async def test_it_prepares_then_serves_then_stops_with_nothing_lost(parent: Parent) -> None:
    await parent.start()
    first_run = events(parent.data_dir)[0][1]
    assert stat.S_IMODE(parent.data_dir.stat().st_mode) == 0o700
    pids = [parent.valkey_pid, (await parent.ask())["pid"]]
    async with parent.redis as redis:
        await redis.set("k", "v")
    parent.send(signal.SIGTERM)
    assert await parent.exit_code() == 0
    assert not any(runs(pid) for pid in pids)
    assert (parent.data_dir / "valkey" / "clean").read_text().strip() == first_run

    await parent.start()
    async with parent.redis as redis:
        assert await redis.get("k") == "v"
    prepared = [event for event in events(parent.data_dir) if event[0] == "prepare"]
    assert prepared[0][2] is None
    assert prepared[1][2] == first_run


async def test_a_duty_that_fails_runs_again_and_finishes_while_valkey_still_answers(parent: Parent) -> None:
    await parent.start()
    await until(lambda: parent.told("duty began again") == 1, "the duty runs again")
    parent.send(signal.SIGINT)
    assert await parent.exit_code() == 0
    assert events(parent.data_dir)[-1] == ["duty finished", True]
    assert "duty example failed" in parent.log.read_text()


async def counts_of_one_run(parent: Parent) -> Any:
    before = parent.told("duty began again")
    await parent.start()
    await until(lambda: parent.told("duty began again") > before, "the parent has counted")
    counts = (await parent.ask("/count"))["counts"]
    parent.send(signal.SIGTERM)
    assert await parent.exit_code() == 0
    return counts


async def test_parent_and_workers_count_in_one_place_afresh_in_each_run(parent: Parent) -> None:
    assert await counts_of_one_run(parent) == {"parent": 1, "worker": 1}
    assert await counts_of_one_run(parent) == {"parent": 1, "worker": 1}


async def test_a_stop_closes_the_door_and_lets_the_request_inside_finish(parent: Parent) -> None:
    await parent.start(workers=2)
    request = asyncio.create_task(parent.ask("/wait"))
    async with parent.redis as redis:

        async def waits() -> bool:
            return bool((await redis.info("clients"))["blocked_clients"])

        await until(waits, "the request is inside")
        parent.send(signal.SIGTERM)
        await until(lambda: refuses(parent.port), "the door is closed")
        assert not request.done()
        await redis.lpush("gate", "open")
    assert (await request)["pid"]
    assert await parent.exit_code() == 0
    assert (parent.data_dir / "valkey" / "clean").exists()


async def test_a_killed_valkey_comes_back_with_its_data_at_the_same_address(parent: Parent) -> None:
    await parent.start()
    killed = parent.valkey_pid
    async with parent.redis as redis:
        await redis.set("k", "v")
    os.kill(killed, signal.SIGKILL)

    async def back() -> bool:
        with suppress(RedisError):
            async with parent.redis as redis:
                return parent.valkey_pid != killed and await redis.get("k") == "v"
        return False

    await until(back, "Valkey is back with its data")
    assert (await parent.ask())["pid"]
    assert not (parent.data_dir / "valkey" / "clean").exists()


async def test_a_killed_parent_leaves_nothing(parent: Parent) -> None:
    await parent.start(workers=2)
    children = parent.children()
    assert len(children) == 3
    parent.send(signal.SIGKILL)
    await parent.exit_code()
    await until(lambda: not any(runs(pid) for pid in children), "nothing is left")
    assert not (parent.data_dir / "valkey" / "clean").exists()


async def test_a_parent_killed_while_it_starts_leaves_nothing(parent: Parent) -> None:
    parent.begin()
    await until((parent.data_dir / "valkey" / "valkey.pid").exists, "it began")
    children = parent.children()
    parent.send(signal.SIGKILL)
    await parent.exit_code()
    await until(lambda: not any(runs(pid) for pid in children), "nothing is left")


async def test_the_next_serve_after_a_kill_starts_at_once_with_the_data(parent: Parent) -> None:
    await parent.start(workers=2)
    async with parent.redis as redis:
        await redis.set("k", "v")
    parent.send(signal.SIGKILL)
    await parent.exit_code()
    await parent.start()  # what the kernel is still ending is waited for
    async with parent.redis as redis:
        assert await redis.get("k") == "v"
    assert [event for event in events(parent.data_dir) if event[0] == "prepare"][1][2] is None


async def test_a_worker_that_crashes_is_replaced(parent: Parent) -> None:
    await parent.start()
    before = (await parent.ask())["pid"]
    with pytest.raises(httpx.RemoteProtocolError):
        await parent.ask("/crash")
    # The socket listens meanwhile: the question waits for the next worker.
    assert (await parent.ask())["pid"] != before
    assert "ended with 7" in parent.log.read_text()


async def test_an_application_that_cannot_start_ends_serve_with_the_reason(parent: Parent) -> None:
    parent.begin("build_failing")
    assert await parent.exit_code() == 1
    told = parent.log.read_text()
    assert "this application cannot be built" in told
    assert "refused: a worker ended with 1 before it could serve" in told
    assert not runs(parent.valkey_pid)


async def test_a_second_serve_on_the_same_folder_is_refused(parent: Parent) -> None:
    await parent.start()
    assert parent.child is not None
    first = parent.child
    assert parent.begin() is not first
    second_code = await parent.exit_code()
    parent.child = first
    assert second_code == 1
    assert f"refused: another dni serve (process {first.pid})" in parent.log.read_text()
    assert (await parent.ask())["pid"]


async def test_a_stop_while_it_starts_is_obeyed(parent: Parent) -> None:
    child = parent.begin()
    await until((parent.data_dir / "valkey" / "valkey.pid").exists, "it began")
    child.terminate()
    assert await parent.exit_code() == 0


@pytest.mark.parametrize(("trusted", "client"), [("127.0.0.1", "203.0.113.7"), ("", "127.0.0.1")])
async def test_only_a_trusted_proxy_is_believed(parent: Parent, trusted: str, client: str) -> None:
    await parent.start(DNI_TRUSTED_PROXIES=trusted)
    assert (await parent.ask(**{"X-Forwarded-For": "203.0.113.7"}))["client"] == client
