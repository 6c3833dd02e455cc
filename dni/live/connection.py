"""What a process knows of Redis or Valkey: which server serves a shard, and a connection to each, kept up by itself."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Protocol

from dni.errors import Unavailable, UsageError
from dni.live.address import Address, Place, parse
from dni.live.cluster import Cluster
from dni.live.node import ANSWER_WITHIN_S, Greeting, Node, OnDoubt, RedisError, tls_context
from dni.live.sentinel import Sentinels

__all__ = ["ANSWER_WITHIN_S", "Live", "Node", "RedisError"]

_OPEN_WITHIN_S = 2.0
_RETRY_S = 0.1
# Sentinels may have made another server the primary while ours still answers.
_LOOK_EVERY_S = 1.0
_NOT_PRIMARY = {"READONLY", "MASTERDOWN"}
# '': the connection was lost.
_CHANGED = {"", "MOVED", "CLUSTERDOWN"}

log = logging.getLogger("dni.live")


class Live:
    """Serves shards: the hash tags of keys. `unacknowledged` counts writes that too few replicas had in time."""

    def __init__(self, url: str, on_connect: tuple[tuple[Any, ...], ...] = ()) -> None:
        """`on_connect`: commands for every new connection. Raises UsageError when the URL is none of ours."""
        address = parse(url)
        try:
            tls = tls_context(address.tls)
        except OSError as error:
            raise UsageError(f"DNI_REDIS_URL: the certificates cannot be used: {error}") from None
        auth = (("AUTH", *address.auth),) if address.auth else ()
        database = (("SELECT", address.database),) if address.database else ()
        greeting = Greeting((*auth, *database, *on_connect), address.kind == "sentinel", tls)
        self.replicas = address.replicas
        self.unacknowledged = 0
        self._wrong = asyncio.Event()
        self._teller: Node | None = None
        """Knows of a change that others may not have heard of."""
        self._topology: _Topology
        if address.kind == "cluster":
            self._topology = Cluster(address, greeting, self._doubt)
        else:
            self._topology = _One(address, greeting, self._doubt)
        self._look_every_s = _LOOK_EVERY_S if address.kind == "sentinel" else None
        self._by_shard: dict[str, Node] = {}
        self._keeper: asyncio.Task[None] | None = None
        self._learning: asyncio.Task[None] | None = None
        self._told = self._few_told = False

    async def open(self) -> None:
        """Connects and stays connected. Returns when connected, or after 2 s while it goes on trying."""
        first = asyncio.get_running_loop().create_future()
        self._keeper = asyncio.create_task(self._keep(first))
        with suppress(TimeoutError):
            await asyncio.wait_for(first, _OPEN_WITHIN_S)

    async def close(self) -> None:
        for task in (self._keeper, self._learning):
            if task:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        self._topology.close()

    @property
    def is_up(self) -> bool:
        """Every slot has a server that is connected."""
        return self._topology.is_up

    def node(self, shard: str) -> Node:
        """The primary of the shard's keys. Raises Unavailable `redis_away` when none is known."""
        try:
            return self._by_shard[shard]
        except KeyError:
            node = self._by_shard[shard] = self._topology.node(shard)
            return node

    def nodes(self, shards: Iterable[str]) -> dict[Node, list[str]]:
        """Shards by their present primary. Raises Unavailable `redis_away` when one has none."""
        found = defaultdict(list)
        for shard in shards:
            found[self.node(shard)].append(shard)
        return dict(found)

    async def refresh(self) -> None:
        """Learns once who serves what; simultaneous calls share it. Never raises: `is_up` and `node` tell."""
        if self._learning is None or self._learning.done():
            self._learning = asyncio.create_task(self._learn())
        await asyncio.shield(self._learning)

    async def moved(self, shard: str) -> Node:
        """Who serves the shard now that another says it does not. Raises Unavailable `redis_away`."""
        await self.refresh()
        return self.node(shard)

    async def moving_to(self, told: str, teller: Node) -> Node:
        """The node to which a slot is on its way, of `ASK SLOT HOST:PORT`. Raises Unavailable `redis_away`."""
        host, _, port = told.rpartition(" ")[2].rpartition(":")
        return await self._topology.at((host.strip("?") or teller.place[0], int(port)))

    def count_replicated(self, replicas: int) -> None:
        """Too few: the write stands all the same. It is counted, and told once until enough have it again."""
        if replicas >= self.replicas:
            self._few_told = False
            return
        self.unacknowledged += 1
        if not self._few_told:
            log.warning("only %d of %d replicas had a write in time", replicas, self.replicas)
        self._few_told = True

    async def _keep(self, first: asyncio.Future[None]) -> None:
        while True:
            self._wrong.clear()
            await self.refresh()
            if self.is_up and not first.done():
                first.set_result(None)
            await asyncio.sleep(_RETRY_S)
            if self.is_up:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wrong.wait(), self._look_every_s)

    def _doubt(self, node: Node, kind: str) -> None:
        if kind in _NOT_PRIMARY:
            node.leave(f"it says {kind}")
        elif kind in _CHANGED:
            if kind == "MOVED":
                self._teller = node
            self._wrong.set()

    async def _learn(self) -> None:
        teller, self._teller = self._teller, None
        try:
            await self._topology.learn(teller)
            self._by_shard.clear()
            await self._topology.join()
        except (RedisError, Unavailable) as error:
            if not self._told:
                log.warning("%s; trying on", error)
            self._told = True
        else:
            if self._told:
                log.info("connected to Redis again")
            self._told = False


class _Topology(Protocol):
    @property
    def is_up(self) -> bool: ...
    def node(self, shard: str) -> Node: ...
    async def at(self, place: Place) -> Node: ...
    async def learn(self, teller: Node | None) -> None: ...
    async def join(self) -> None: ...
    def close(self) -> None: ...


class _One:
    """One server serves all: at a fixed place, or where the sentinels say."""

    def __init__(self, address: Address, greeting: Greeting, on_doubt: OnDoubt) -> None:
        self._node = Node(greeting, on_doubt)
        self._place = address.places[0]
        self._sentinels = Sentinels(address) if address.kind == "sentinel" else None

    @property
    def is_up(self) -> bool:
        return self._node.is_up

    def node(self, shard: str) -> Node:
        return self._node

    async def at(self, place: Place) -> Node:
        return self._node

    async def learn(self, teller: Node | None) -> None:
        if self._sentinels:
            self._place = await self._sentinels.primary()

    async def join(self) -> None:
        await self._node.join(self._place)

    def close(self) -> None:
        self._node.leave()
        if self._sentinels:
            self._sentinels.close()
