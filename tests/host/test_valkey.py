"""The embedded Valkey over its ends: clean, killed, left behind, cut off."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from dni.errors import UsageError
from dni.host.lock import open_lock, try_lock, write_note
from dni.host.valkey import EmbeddedValkey, server_binary
from tests.support.until import until


@asynccontextmanager
async def running(data_dir: Path) -> AsyncIterator[tuple[EmbeddedValkey, Redis]]:
    valkey = EmbeddedValkey(data_dir)
    try:
        await valkey.start()
        async with Redis.from_url(valkey.url, decode_responses=True) as redis:
            yield valkey, redis
    finally:
        await valkey.stop()


def newest_aof(data_dir: Path) -> Path:
    return max((data_dir / "valkey" / "appendonlydir").glob("*.incr.aof"))


async def test_it_is_private_and_never_evicts(tmp_path: Path) -> None:
    async with running(tmp_path) as (valkey, redis):
        assert stat.S_IMODE(valkey.folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(valkey.socket.stat().st_mode) == 0o700
        told = await redis.config_get("port", "appendonly", "appendfsync", "maxmemory-policy", "save")
        assert told == {
            "port": "0",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",
            "save": "",
        }


async def test_a_clean_stop_keeps_the_data_and_names_the_run(tmp_path: Path) -> None:
    async with running(tmp_path) as (valkey, redis):
        assert valkey.clean_run_id is None
        first = valkey.run_id
        await redis.set("k", "v")
    assert (tmp_path / "valkey" / "clean").read_text().strip() == first
    async with running(tmp_path) as (valkey, redis):
        assert await redis.get("k") == "v"
        assert valkey.clean_run_id == first
        assert valkey.run_id != first
        assert not (tmp_path / "valkey" / "clean").exists()


async def test_a_killed_server_leaves_no_marker_and_starts_again_at_the_same_address(tmp_path: Path) -> None:
    async with running(tmp_path) as (valkey, redis):
        await redis.set("k", "v")
        assert valkey.pid is not None
        url, socket = valkey.url, valkey.socket
        os.kill(valkey.pid, signal.SIGKILL)
        assert await valkey.wait() == -signal.SIGKILL
        assert socket.exists(), "the stale socket that the next server meets"
        assert not (tmp_path / "valkey" / "clean").exists()
        await valkey.start()
        assert valkey.url == url
        assert valkey.clean_run_id is None
        # Written to the file before the answer; only its fsync waits, and that is for a power cut.
        assert await redis.get("k") == "v"


@asynccontextmanager
async def foreign_process() -> AsyncIterator[int]:
    """A process of somebody else; fails when it does not outlive the block."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "import sys; sys.stdin.read()", stdin=subprocess.PIPE
    )
    assert child.stdin is not None
    yield child.pid
    child.stdin.close()
    assert await child.wait() == 0


@asynccontextmanager
async def left_behind(folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A server as a killed parent leaves it where the kernel does not end it: alive, holding the lock."""
    await asyncio.to_thread(folder.mkdir, mode=0o700)
    lock = open_lock(folder / "valkey.pid")
    assert try_lock(lock)
    options = ("--port", "0", "--unixsocket", str(folder / "socket"), "--dir", str(folder))
    server = await asyncio.create_subprocess_exec(
        server_binary(), *options, "--appendonly", "yes", pass_fds=[lock], stdout=subprocess.DEVNULL
    )
    try:
        write_note(lock, f"{server.pid}\n{folder / 'socket'}\n")
        os.close(lock)
        await until((folder / "socket").exists, "the server's socket")
        yield server
    finally:
        if server.returncode is None:
            server.kill()
        await server.wait()


async def test_a_server_left_behind_is_stopped_before_the_next_one_writes(tmp_path: Path) -> None:
    async with left_behind(tmp_path / "valkey") as left:
        async with Redis.from_url(f"unix://{tmp_path / 'valkey' / 'socket'}") as redis:
            await redis.set("k", "left")
        async with running(tmp_path) as (valkey, redis):
            assert await left.wait() == 0
            assert await redis.get("k") == "left"
            assert valkey.clean_run_id is None


async def test_only_the_holder_of_the_lock_is_stopped_whatever_the_pid_file_says(tmp_path: Path) -> None:
    async with foreign_process() as foreign, left_behind(tmp_path / "valkey") as left:
        (tmp_path / "valkey" / "valkey.pid").write_text(f"{foreign}\n{tmp_path / 'valkey' / 'socket'}\n")
        async with running(tmp_path) as (_, redis):
            assert await redis.ping()
            assert await left.wait() == 0


async def test_a_pid_file_that_nobody_holds_stops_nobody(tmp_path: Path) -> None:
    async with foreign_process() as foreign:
        (tmp_path / "valkey").mkdir()
        (tmp_path / "valkey" / "valkey.pid").write_text(f"{foreign}\n{tmp_path / 'valkey' / 'socket'}\n")
        async with running(tmp_path) as (_, redis):
            assert await redis.ping()


async def test_a_torn_last_entry_is_dropped_and_the_rest_loads(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, redis):
        await redis.set("kept", "v")
        await redis.set("torn", "v")
    aof = newest_aof(tmp_path)
    os.truncate(aof, aof.stat().st_size - 3)
    async with running(tmp_path) as (_, redis):
        assert await redis.get("kept") == "v"
        assert await redis.get("torn") is None


async def test_a_damaged_file_refuses_the_start_in_the_servers_words(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, redis):
        await redis.set("k", "v")
    with newest_aof(tmp_path).open("r+b") as file:
        file.write(b"garbage")
    valkey = EmbeddedValkey(tmp_path)
    with pytest.raises(UsageError, match=r"did not start.*Bad file format"):
        await valkey.start()
    assert valkey.pid is None
    await valkey.stop()


async def test_a_long_folder_name_gets_a_short_private_socket_that_leaves_nothing(tmp_path: Path) -> None:
    data_dir = tmp_path / ("long" * 30)
    async with running(data_dir) as (valkey, redis):
        place = valkey.socket.parent
        assert len(os.fsencode(valkey.socket)) <= 100
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
        assert await redis.ping()
    assert not place.exists()
    assert (data_dir / "valkey" / "appendonlydir").exists()


async def test_the_short_socket_folder_of_a_killed_predecessor_is_removed(tmp_path: Path) -> None:
    data_dir = tmp_path / ("long" * 30)
    killed = EmbeddedValkey(data_dir)
    await killed.start()
    assert killed.pid is not None
    os.kill(killed.pid, signal.SIGKILL)
    await killed.wait()
    assert killed.socket.parent.exists()
    async with running(data_dir):
        assert not killed.socket.parent.exists()
