import asyncio
import time
from collections.abc import Iterator

import pytest

from dni.errors import Unavailable
from dni.live.cluster import slot
from dni.live.connection import Live, RedisError
from dni.live.scripts import call, loading
from tests.live.conftest import Connect
from tests.live.load import SHARDS, on
from tests.support import cluster
from tests.support.cluster import Cluster
from tests.support.server import Server
from tests.support.until import until

KEYS = ["dni:{s3}:pool:p", "dni:{s3}:leases:p"]
PAGE_LIMIT_S = 0.3


@pytest.fixture(scope="module")
def three() -> Iterator[Cluster]:
    """Three primaries with a replica each. Tests leave every slot served; who serves it may change."""
    with cluster.running() as made:
        yield made


@pytest.mark.parametrize(("tag", "number"), [("123456789", 0x31C3), ("foo", 12182), ("bar", 5061), ("", 0)])
def test_slots_are_those_of_the_specification(tag: str, number: int) -> None:
    assert slot(tag) == number


async def test_every_shard_has_its_primary(connect: Connect, three: Cluster) -> None:
    live = await connect(three.url)
    nodes = live.nodes(SHARDS)
    assert sorted(shard for shards in nodes.values() for shard in shards) == sorted(SHARDS)
    assert len({node.run_id for node in nodes}) == 3
    for node, shards in nodes.items():
        for shard in shards:
            assert three.primary(slot(shard)).port == node.place[1]
            assert await node.send("SET", f"{{{shard}}}", shard) == b"OK"


async def test_any_member_tells_also_a_replica_beside_dead_ones(connect: Connect, three: Cluster) -> None:
    replica = next(server for server in three.servers if server.info("replication")["role"] == "slave")
    live = await connect(f"redis+cluster://127.0.0.1:1,{replica.place},127.0.0.1:2")
    assert live.is_up
    assert len(live.nodes(SHARDS)) == 3


async def test_a_cluster_with_a_slot_that_nobody_serves_is_not_up(connect: Connect) -> None:
    with cluster.running(primaries=1, replicas=0) as one:
        one.servers[0].ask("CLUSTER", "DELSLOTS", slot("s3"))
        live = await connect(one.url, wait=False)
        await until(lambda: knows(live, "s4"), "it is learned")
        assert not knows(live, "s3")
        assert not live.is_up
        one.servers[0].ask("CLUSTER", "ADDSLOTS", slot("s3"))
        await until(lambda: live.is_up, "all slots are served", 5)
        assert await live.node("s3").send("PING") == b"PONG"


async def test_a_moved_slot_is_followed(connect: Connect, three: Cluster) -> None:
    live = await connect(three.url, loading())
    source = three.primary(slot("s3"))
    await call(live, "s3", "place", KEYS, [1_000, live.node("s3").run_id, 120_000, 0, 1, 0, "+14155550100"])
    to = other_primary(three, source)
    three.move(slot("s3"), to)
    run_id = live.node("s3").run_id
    fresh = ["dni:{s3}:pool:q", "dni:{s3}:leases:q"]
    answers = await asyncio.gather(
        *(call(live, "s3", "place", fresh, [1_000, run_id, 120_000, 0, 1, 0, f"n{n}"]) for n in range(20)),
        call(live, "s3", "place", KEYS, [1_000, run_id, 120_000, 0, 1, 0, "+14155550101"]),
    )
    assert answers == [[1, 0, 0]] * 21
    assert live.node("s3").place[1] == to.port
    assert to.ask("ZCARD", KEYS[0]) == 2
    state = to.ask("HGET", fresh[1], "state")
    assert state.startswith(to.info("server")["run_id"].encode()), "trusted is who runs the script, not who was asked"


async def test_a_plain_command_that_missed_makes_the_next_one_find(connect: Connect, three: Cluster) -> None:
    live = await connect(three.url)
    source = three.primary(slot("s5"))
    to = other_primary(three, source)
    three.move(slot("s5"), to)
    with pytest.raises(RedisError, match=r"^MOVED"):
        await live.node("s5").send("GET", "{s5}")
    await until(lambda: live.node("s5").place[1] == to.port, "learned")
    assert await live.node("s5").send("SET", "{s5}", "here") == b"OK"


async def test_a_slot_on_its_way_is_asked_for_where_its_keys_are(connect: Connect, three: Cluster) -> None:
    live = await connect(three.url, loading())
    source = three.primary(slot("s6"))
    to = other_primary(three, source)
    keys = ["dni:{s6}:pool:p", "dni:{s6}:leases:p"]
    assert await call(live, "s6", "place", keys, [0, "a" * 40, 1, 0, 1, 0, "one"]) == [1, 0, 0]
    ids = {server: server.ask("CLUSTER", "MYID") for server in (source, to)}
    to.ask("CLUSTER", "SETSLOT", slot("s6"), "IMPORTING", ids[source])
    source.ask("CLUSTER", "SETSLOT", slot("s6"), "MIGRATING", ids[to])
    three.move_keys(slot("s6"), source, to)
    answers = await asyncio.gather(
        *(call(live, "s6", "place", keys, [0, "a" * 40, 1, 0, 1, 0, f"n{n}"]) for n in range(20))
    )
    assert answers == [[1, 0, 0]] * 20
    assert to.info("keyspace")["db0"].startswith("keys=")
    for server in (to, source):
        server.ask("CLUSTER", "SETSLOT", slot("s6"), "NODE", ids[to])
    assert await call(live, "s6", "place", keys, [0, "a" * 40, 1, 0, 1, 0, "two"]) == [1, 0, 0]
    assert to.ask("ZCARD", keys[0]) == 22


async def test_a_planned_failover_loses_nothing(connect: Connect, three: Cluster) -> None:
    live = await connect(three.url, loading())
    source = three.primary(slot("s0"))
    to = replica_of(three, source)
    async with on(live) as load:
        await load.every_shard_is_answered(5)
        to.ask("CLUSTER", "FAILOVER")
        await until(lambda: live.node("s0").place[1] == to.port, "learned", 5)
        await load.every_shard_is_answered(5)
    assert load.wrong == []
    assert load.slowest_s < PAGE_LIMIT_S


async def test_a_killed_primary_is_replaced_under_load(connect: Connect, three: Cluster) -> None:
    """The service is back within the failover time: node timeout (1 s), then election (some 0.5 to 1 s)."""
    live = await connect(three.url, loading())
    victim = three.primary(slot("s0"))
    runs = {node.run_id for node in live.nodes(SHARDS)}
    async with on(live) as load:
        await load.every_shard_is_answered(5)
        killed = time.monotonic()
        victim.kill()
        await load.refused()
        await load.every_shard_is_answered(10)
    print(f"primary killed: served again after {load.last_refusal_s - killed:.2f} s; {load.refusals}")  # noqa: T201
    assert load.wrong == []
    assert load.slowest_s < PAGE_LIMIT_S
    assert load.last_refusal_s - killed < 5
    assert len({node.run_id for node in live.nodes(SHARDS)} - runs) == 1
    victim.start()
    await until(lambda: victim.info("replication").get("master_link_status") == "up", "it is a replica now")
    async with on(live) as load:
        await load.every_shard_is_answered(5)
    assert load.refusals == {}


def knows(live: Live, shard: str) -> bool:
    try:
        return live.node(shard).is_up
    except Unavailable:
        return False


def other_primary(three: Cluster, than: Server) -> Server:
    return next(s for s in three.servers if s is not than and s.info("replication")["role"] == "master")


def replica_of(three: Cluster, primary: Server) -> Server:
    return next(s for s in three.servers if s.info("replication").get("master_port") == str(primary.port))
