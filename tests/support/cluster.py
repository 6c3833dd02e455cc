"""A real Valkey Cluster on loopback: primaries that share the slots, and a replica for each of the first ones."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support import process
from tests.support.server import Server

_SLOTS = 16384


class Cluster:
    """`servers`: the primaries at first, then their replicas in the same order. Roles change with a failover."""

    def __init__(self, servers: list[Server]) -> None:
        self.servers = servers

    @property
    def url(self) -> str:
        return f"redis+cluster://{','.join(server.place for server in self.servers[:3])}"

    def primary(self, slot: int) -> Server:
        """Who serves the slot by the word of the first server that answers."""
        for server in self.servers:
            try:
                rows = server.ask("CLUSTER", "SLOTS")
            except OSError:
                continue
            port = next(row[2][1] for row in rows if row[0] <= slot <= row[1])
            return next(server for server in self.servers if server.port == port)
        raise AssertionError("no server of the Cluster answers")

    def move(self, slot: int, to: Server) -> None:
        """The slot with its keys, key by key, as cluster tools do. Returns when both sides have it so."""
        source = self.primary(slot)
        ids = {server: server.ask("CLUSTER", "MYID") for server in (source, to)}
        to.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[source])
        source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[to])
        self.move_keys(slot, source, to)
        for server in (to, source):
            server.ask("CLUSTER", "SETSLOT", slot, "NODE", ids[to])

    @staticmethod
    def move_keys(slot: int, source: Server, to: Server) -> None:
        while keys := source.ask("CLUSTER", "GETKEYSINSLOT", slot, 100):
            source.ask("MIGRATE", "127.0.0.1", to.port, "", 0, 5000, "KEYS", *keys)


@contextmanager
def running(primaries: int = 3, replicas: int = 3, node_timeout_ms: int = 1000) -> Iterator[Cluster]:
    """Ready to serve, replicas in step. `node_timeout_ms`: how long a node may be silent before it counts as gone."""
    with tempfile.TemporaryDirectory(prefix="dni-cluster-") as name:
        servers = []
        for number in range(primaries + replicas):
            folder = Path(name) / str(number)
            folder.mkdir()
            options = {
                "cluster-enabled": "yes",
                "cluster-port": str(process.free_port()),
                "cluster-node-timeout": str(node_timeout_ms),
                "cluster-allow-replica-migration": "no",
                "repl-diskless-sync-delay": "0",
            }
            servers.append(Server(folder, options))
        try:
            for number, server in enumerate(servers):
                server.start()
                server.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            _form(servers, primaries)
            yield Cluster(servers)
        finally:
            for server in servers:
                server.kill()


def _form(servers: list[Server], primaries: int) -> None:
    first, *others = servers
    for server in others:
        bus = server.ask("CONFIG", "GET", "cluster-port")[1]
        first.ask("CLUSTER", "MEET", "127.0.0.1", server.port, bus)
    wait(lambda: all(len(_known(server)) == len(servers) for server in servers), "all know each other")
    bounds = [round(_SLOTS * n / primaries) for n in range(primaries + 1)]
    for number, server in enumerate(servers[:primaries]):
        server.ask("CLUSTER", "ADDSLOTSRANGE", bounds[number], bounds[number + 1] - 1)
    for number, server in enumerate(servers[primaries:]):
        server.ask("CLUSTER", "REPLICATE", servers[number].ask("CLUSTER", "MYID"))
    wait(lambda: all(_ready(server) for server in servers), "the Cluster serves")


def _known(server: Server) -> list[bytes]:
    """Lines of the members that it has shaken hands with."""
    return [line for line in server.ask("CLUSTER", "NODES").splitlines() if b"handshake" not in line]


def _ready(server: Server) -> bool:
    replication = server.info("replication")
    in_step = replication["role"] == "master" or replication["master_link_status"] == "up"
    return in_step and b"cluster_state:ok" in server.ask("CLUSTER", "INFO")


def wait(ready: Callable[[], bool], what: str, seconds: float = 20) -> None:
    """Polls; raises RuntimeError naming `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise RuntimeError(f"not within {seconds:g} s: {what}")
        time.sleep(0.02)
