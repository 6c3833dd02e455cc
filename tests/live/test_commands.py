from collections.abc import Iterator

import pytest

from dni.live.cluster import slot
from dni.live.commands import ask
from dni.live.connection import RedisError
from tests.live.conftest import Connect
from tests.support import cluster
from tests.support.cluster import Cluster
from tests.support.server import Server


@pytest.fixture(scope="module")
def three() -> Iterator[Cluster]:
    with cluster.running(replicas=0) as made:
        yield made


def other(three: Cluster, than: Server) -> Server:
    return next(server for server in three.servers if server is not than)


async def test_a_moved_slot_is_followed(connect: Connect, three: Cluster) -> None:
    live = await connect(three.url)
    to = other(three, three.primary(slot("s5")))
    three.move(slot("s5"), to)
    assert await ask(live, "s5", "SET", "{s5}", "here") == b"OK"
    assert to.ask("GET", "{s5}") == b"here"
    assert live.node("s5").place[1] == to.port


async def test_a_slot_on_its_way_is_asked_for_where_its_keys_are(connect: Connect, three: Cluster) -> None:
    live = await connect(three.url)
    source = three.primary(slot("s6"))
    to = other(three, source)
    ids = {server: server.ask("CLUSTER", "MYID") for server in (source, to)}
    to.ask("CLUSTER", "SETSLOT", slot("s6"), "IMPORTING", ids[source])
    source.ask("CLUSTER", "SETSLOT", slot("s6"), "MIGRATING", ids[to])
    assert await ask(live, "s6", "SET", "{s6}", "there") == b"OK"
    assert await ask(live, "s6", "GET", "{s6}") == b"there"
    for server in (to, source):
        server.ask("CLUSTER", "SETSLOT", slot("s6"), "NODE", ids[to])
    assert to.ask("GET", "{s6}") == b"there"


async def test_another_refusal_is_told(connect: Connect, three: Cluster) -> None:
    live = await connect(three.url)
    with pytest.raises(RedisError, match="no such key"):
        await ask(live, "s7", "XINFO", "STREAM", "{s7}none")
