import time
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from dni.errors import Unavailable
from dni.live.scripts import loading
from tests.live.conftest import Connect
from tests.live.load import on
from tests.support import sentinel
from tests.support.sentinel import PASSWORD, SERVICE, Watched
from tests.support.until import until

PAGE_LIMIT_S = 0.3


@pytest.fixture(scope="module")
def watched() -> Iterator[Watched]:
    """A primary, its replica and three sentinels. The last test kills the primary."""
    with sentinel.running() as made:
        yield made


def url(hosts: str, service: str = SERVICE) -> str:
    return f"redis+sentinel://:{quote(PASSWORD, safe='')}@{hosts}/{service}"


async def test_the_sentinels_tell_the_primary(connect: Connect, watched: Watched) -> None:
    live = await connect(f"{url('127.0.0.1:1,' + watched.hosts)}/2")
    assert live.is_up, "a sentinel that is gone does not matter"
    assert live.node("s0").run_id == watched.primary.info("server")["run_id"]
    assert live.nodes(["s0", "s1"]) == {live.node("s0"): ["s0", "s1"]}


async def test_a_name_that_no_sentinel_knows_is_told(
    connect: Connect, watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    live = await connect(url(watched.hosts, "nobody"), wait=False)
    await until(lambda: "No such master" in caplog.text, "it is told")
    assert not live.is_up
    assert PASSWORD not in caplog.text
    with pytest.raises(Unavailable):
        live.node("s0").send("PING")


async def test_a_killed_primary_is_replaced_under_load(connect: Connect, watched: Watched) -> None:
    """Back within the failover time: 0.5 s until it counts as gone, then the sentinels' vote."""
    live = await connect(url(watched.hosts), loading())
    run_id = live.node("s0").run_id
    async with on(live) as load:
        await load.every_shard_is_answered(5)
        killed = time.monotonic()
        watched.primary.kill()
        await load.refused()
        await load.every_shard_is_answered(15)
    print(f"primary killed: served again after {load.last_refusal_s - killed:.2f} s; {load.refusals}")  # noqa: T201
    assert load.wrong == []
    assert load.slowest_s < PAGE_LIMIT_S
    assert live.node("s0").run_id == watched.replica.info("server")["run_id"] != run_id
