"""Failures of Redis that take long to pass, under load: planned failovers, hung servers, one failure after another."""

import time
from functools import partial
from urllib.parse import quote

import pytest

from dni.live.cluster import slot
from dni.live.scripts import loading
from tests.live.conftest import Connect, connect  # noqa: F401
from tests.live.load import on
from tests.support import cluster, sentinel
from tests.support.sentinel import PASSWORD, SERVICE
from tests.support.server import Server
from tests.support.until import until

pytestmark = pytest.mark.stress

PAGE_LIMIT_S = 0.4


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The workers' loop."""
    return "asyncio", {"use_uvloop": True}


def in_step(server: Server) -> bool:
    return server.info("replication").get("master_link_status") == "up"


def url(hosts: str) -> str:
    return f"redis+sentinel://:{quote(PASSWORD, safe='')}@{hosts}/{SERVICE}"


async def test_sentinel_a_planned_failover_is_followed(connect: Connect) -> None:  # noqa: F811
    with sentinel.running() as watched:
        live = await connect(url(watched.hosts), loading())
        async with on(live) as load:
            await load.every_shard_is_answered(5)
            run_id = live.node("s0").run_id
            watched.sentinels[0].ask("SENTINEL", "FAILOVER", SERVICE)
            await until(lambda: live.node("s0").run_id not in ("", run_id), "the other is the primary", 15)
            await load.every_shard_is_answered(5)
        assert load.wrong == []
        assert load.slowest_s < PAGE_LIMIT_S
        assert live.node("s0").run_id == watched.replica.info("server")["run_id"]


async def test_sentinel_a_hung_primary_is_replaced_and_left_alone_when_it_wakes(connect: Connect) -> None:  # noqa: F811
    with sentinel.running() as watched:
        live = await connect(url(watched.hosts), loading())
        async with on(live) as load:
            await load.every_shard_is_answered(5)
            began = time.monotonic()
            watched.primary.freeze()
            await load.refused()
            await load.every_shard_is_answered(15)
            print(f"primary hung: served again after {load.last_refusal_s - began:.2f} s")  # noqa: T201
            watched.primary.thaw()
            await until(lambda: watched.primary.info("replication")["role"] == "slave", "it is a replica now", 30)
            await load.every_shard_is_answered(5)
        assert load.wrong == []
        assert load.slowest_s < PAGE_LIMIT_S
        assert live.node("s0").run_id == watched.replica.info("server")["run_id"]


async def test_cluster_every_primary_hangs_or_dies_in_turn(connect: Connect) -> None:  # noqa: F811
    with cluster.running() as three:
        live = await connect(three.url, loading())
        async with on(live) as load:
            await load.every_shard_is_answered(5)
            for turn in range(6):
                victim = three.primary(slot(f"s{turn}"))
                began = time.monotonic()
                (victim.freeze if turn % 2 else victim.kill)()
                await load.refused()
                await load.every_shard_is_answered(15)
                how = "hung" if turn % 2 else "killed"
                print(f"primary {how}: served again after {load.last_refusal_s - began:.2f} s")  # noqa: T201
                assert load.last_refusal_s - began < 5
                (victim.thaw if turn % 2 else victim.start)()
                await until(partial(in_step, victim), "it is back", 30)
            await load.every_shard_is_answered(5)
        assert load.wrong == []
        assert load.slowest_s < PAGE_LIMIT_S
