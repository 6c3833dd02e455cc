"""Pools on a Cluster that has lost a part of itself."""

from pathlib import Path

import pytest

from dni.errors import Unavailable
from dni.live.cluster import slot
from dni.parts import Parts
from dni.pool.place import place
from tests.support import cluster, world
from tests.support.until import until


async def placed(parts: Parts, campaign: str, pool: str) -> bool:
    node = parts.live.node(parts.keys.shard(campaign))
    return bool(await node.send("EXISTS", parts.keys.pool(campaign, pool)))


async def test_pools_of_living_primaries_are_placed_though_another_is_gone(sqlite_url: str, tmp_path: Path) -> None:
    with cluster.running(replicas=0) as three:
        async with world.parts(sqlite_url, three.url, "t", tmp_path) as parts:
            suffixes = [str(number) for number in range(1, 9)]
            for suffix in suffixes:
                await world.declare(parts.ledger, suffix=suffix, first=10 * int(suffix))
            serving = {suffix: three.primary(slot(parts.keys.shard(f"cmp_{suffix}"))) for suffix in suffixes}
            gone = serving["1"]
            living = [suffix for suffix in suffixes if serving[suffix] is not gone]
            assert living
            for server in three.servers:
                server.ask("CONFIG", "SET", "cluster-require-full-coverage", "no")
            gone.kill()
            with pytest.raises(Unavailable):
                await place(parts)
            for suffix in living:
                assert await placed(parts, f"cmp_{suffix}", f"pool_{suffix}")
            gone.start()
            await until(lambda: parts.live.is_up and b"state:ok" in gone.ask("CLUSTER", "INFO"), "it is back", 15)
            await place(parts)
            for suffix in suffixes:
                assert await placed(parts, f"cmp_{suffix}", f"pool_{suffix}")
