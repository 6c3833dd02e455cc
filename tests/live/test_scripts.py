import asyncio

import pytest

from dni.errors import Unavailable
from dni.live.connection import Live, RedisError
from dni.live.scripts import call, function, loading
from tests.live.conftest import Connect
from tests.support.server import Server
from tests.support.until import until

KEYS = ["dni:{s3}:pool:p", "dni:{s3}:leases:p"]
UNKNOWN = [0, 1_000, b""]
"""What a ring on a number answers that no pool has."""


async def ring(live: Live) -> object:
    return await call(live, "s3", "ring", KEYS, [1_000, "+14155550100", b"12345678"])


async def hang_up(live: Live) -> object:
    return await call(live, "s3", "hangup", KEYS, ["+14155550100", b"12345678", 2_000])


def knows(server: Server) -> bool:
    return function("acquire") in str(server.ask("FUNCTION", "LIST"))


async def test_a_server_that_forgot_the_scripts_is_taught_in_place(connect: Connect, server: Server) -> None:
    live = await connect(f"redis://{server.place}", loading())
    assert knows(server)
    server.ask("FUNCTION", "FLUSH")
    assert not knows(server)
    assert await asyncio.gather(*(ring(live) for _ in range(20))) == [UNKNOWN] * 20
    assert knows(server)


async def test_after_a_restart_the_scripts_are_there_again(connect: Connect, server: Server) -> None:
    live = await connect(f"redis://{server.place}", loading())
    server.kill()
    await until(lambda: not live.is_up, "the loss is noticed")
    with pytest.raises(Unavailable):
        await ring(live)
    server.start()
    await until(lambda: live.is_up, "connected again")
    assert knows(server)
    assert await ring(live) == UNKNOWN


async def test_what_a_script_did_wrong_is_told_as_such(connect: Connect, server: Server) -> None:
    live = await connect(f"redis://{server.place}", loading())
    server.ask("SET", KEYS[1], "no hash")
    with pytest.raises(RedisError, match="WRONGTYPE"):
        await ring(live)


async def test_a_refusal_that_passes_is_redis_away(connect: Connect, server: Server) -> None:
    live = await connect(f"redis://{server.place}", loading())
    server.ask("CONFIG", "SET", "maxmemory", "1")
    with pytest.raises(Unavailable, match="OOM") as refusal:
        await call(live, "s3", "place", KEYS, [1_000, "a" * 40, 120_000, 0, 1, 0, "+14155550100"])
    assert refusal.value.code == "redis_away"
    server.ask("CONFIG", "SET", "maxmemory", "0")
    assert await ring(live) == UNKNOWN


async def test_a_primary_that_became_a_replica_is_left_until_it_is_one_again(connect: Connect, server: Server) -> None:
    """Behind one name, as some hosting services do it: the name must be looked up anew."""
    live = await connect(f"redis://{server.place}", loading())
    before = int(server.info("stats")["total_connections_received"])
    server.ask("REPLICAOF", "127.0.0.1", 1)
    with pytest.raises(Unavailable, match="READONLY"):
        await ring(live)
    await until(lambda: int(server.info("stats")["total_connections_received"]) > before + 3, "connected anew")
    server.ask("REPLICAOF", "NO", "ONE")
    await until(lambda: live.is_up, "connected again")
    assert await ring(live) == UNKNOWN


async def test_wait_counts_writes_that_no_replica_has(
    connect: Connect, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    live = await connect(f"redis://{server.place}?wait=1", loading())
    assert await asyncio.gather(*(ring(live) for _ in range(30))) == [UNKNOWN] * 30
    assert live.unacknowledged == 30
    assert caplog.text.count("0 of 1 replicas") == 1
    commands = server.info("commandstats")
    assert commands["cmdstat_wait"].startswith("calls=1,"), "one WAIT speaks for the whole batch"


async def test_wait_is_content_when_the_replica_has_it(connect: Connect, server: Server, replica: Server) -> None:
    live = await connect(f"redis://{server.place}?wait=1", loading())
    server.ask("FUNCTION", "FLUSH")  # the second try is waited for as well
    for _ in range(20):
        assert await call(live, "s3", "place", KEYS, [1_000, "a" * 40, 120_000, 0, 1, 0, "+14155550100"])
        assert replica.ask("EXISTS", KEYS[0]) == 1
    assert await asyncio.gather(*(hang_up(live) for _ in range(20))) == [0] * 20
    assert live.unacknowledged == 0
    replica.kill()
    assert await hang_up(live) == 0
    assert live.unacknowledged == 1
