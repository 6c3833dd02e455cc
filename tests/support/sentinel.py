"""A real primary, its replica and three sentinels on loopback, all behind a password."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.cluster import wait
from tests.support.server import Server

PASSWORD = "a:p@ss/word"
SERVICE = "leases"
_QUORUM = 2


class Watched:
    def __init__(self, primary: Server, replica: Server, sentinels: list[Server]) -> None:
        self.primary = primary
        self.replica = replica
        self.sentinels = sentinels

    @property
    def hosts(self) -> str:
        return ",".join(server.place for server in self.sentinels)


@contextmanager
def running(down_after_ms: int = 500) -> Iterator[Watched]:
    """Ready: every sentinel knows the others and the replica. `down_after_ms`: silence that makes a server gone."""
    with tempfile.TemporaryDirectory(prefix="dni-sentinel-") as name:
        secret = {"requirepass": PASSWORD, "masterauth": PASSWORD, "repl-diskless-sync-delay": "0"}
        primary = Server(Path(name), secret)
        replica = Server(Path(name), {**secret, "replicaof": f"127.0.0.1 {primary.port}"})
        configuration = (
            f"sentinel monitor {SERVICE} 127.0.0.1 {primary.port} {_QUORUM}\n"
            f'sentinel auth-pass {SERVICE} "{PASSWORD}"\n'
            f"sentinel down-after-milliseconds {SERVICE} {down_after_ms}\n"
            f"sentinel failover-timeout {SERVICE} 2000\n"
        )
        sentinels = [Server(Path(name), sentinel=configuration) for _ in range(3)]
        try:
            for server in (primary, replica):
                server.start()
            wait(lambda: replica.info("replication")["master_link_status"] == "up", "the replica is in step")
            for server in sentinels:
                server.start()
            wait(lambda: all(knows_all(server) for server in sentinels), "the sentinels know each other")
            yield Watched(primary, replica, sentinels)
        finally:
            for server in (primary, replica, *sentinels):
                server.kill()


def knows_all(sentinel: Server) -> bool:
    """Two other sentinels and a replica, and nothing wrong."""
    flat = sentinel.ask("SENTINEL", "MASTER", SERVICE)
    told = dict(zip(flat[::2], flat[1::2], strict=True))
    wanted = {b"num-slaves": b"1", b"num-other-sentinels": b"2", b"flags": b"master"}
    return wanted.items() <= told.items()
