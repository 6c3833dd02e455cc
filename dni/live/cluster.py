"""Which node of a Cluster serves which slot: learned from any member, learned again when it changed."""

import asyncio
import itertools
from binascii import crc_hqx
from typing import Any

from dni.errors import Unavailable
from dni.live.address import Address, Place
from dni.live.node import Greeting, Node, OnDoubt, RedisError, away, reason

_SLOTS = 16384

View = list[tuple[range, Place]]
"""Slots and the place of their primary."""


def slot(hash_tag: str) -> int:
    """CRC16 (XMODEM) of what stands between the braces of a key, as the Cluster specification has it."""
    return crc_hqx(hash_tag.encode(), 0) % _SLOTS


class Cluster:
    """One connection to each primary that has slots."""

    def __init__(self, address: Address, greeting: Greeting, on_doubt: OnDoubt) -> None:
        self._seeds = address.places
        self._greeting = greeting
        self._asking = Greeting(greeting.commands[:1] if address.auth else (), tls=greeting.tls)
        self._on_doubt = on_doubt
        self._nodes: dict[Place, Node] = {}
        self._members: list[Place] = []
        self._slots: list[Node | None] = [None] * _SLOTS
        self._serving: set[Node | None] = {None}
        self._turn = itertools.count()

    @property
    def is_up(self) -> bool:
        return all(node and node.is_up for node in self._serving)

    def node(self, shard: str) -> Node:
        found = self._slots[slot(shard)]
        if found is None:
            raise away("no node serves this part of the Cluster")
        return found

    async def at(self, place: Place) -> Node:
        """The node there, also when no slot is its own yet: a slot may be on its way to it."""
        if place not in self._nodes:
            self._nodes[place] = Node(self._greeting, self._on_doubt)
        node = self._nodes[place]
        await node.join(place)
        return node

    async def learn(self, teller: Node | None) -> None:
        """Asks `teller` first, who knows of a change; else one that is connected, each time another, then all."""
        view = await self._view(teller)
        places = {place for _, place in view}
        for place in self._nodes.keys() - places:
            self._nodes.pop(place).leave("it has no slots any more")
        for place in places - self._nodes.keys():
            self._nodes[place] = Node(self._greeting, self._on_doubt)
        slots: list[Node | None] = [None] * _SLOTS
        for numbers, place in view:
            slots[numbers.start : numbers.stop] = [self._nodes[place]] * len(numbers)
        self._slots, self._serving = slots, set(slots)

    async def join(self) -> None:
        """All at once: one that hangs does not keep the others waiting."""
        joined = await asyncio.gather(
            *(node.join(place) for place, node in self._nodes.items()), return_exceptions=True
        )
        for error in joined:
            if error:
                raise error
        if None in self._serving:
            raise away("not every slot has a node")

    def close(self) -> None:
        for node in self._nodes.values():
            node.leave()

    async def _view(self, teller: Node | None) -> View:
        connected = [node for node in self._nodes.values() if node.is_up]
        if connected:
            first = next(self._turn) % len(connected)
            connected = connected[first:] + connected[:first]
        if teller and teller.is_up:
            connected.insert(0, teller)
        for node in connected:
            try:
                return self._read(await node.send("CLUSTER", "SLOTS"), node.place)
            except (RedisError, Unavailable):
                continue
        return await self._view_of_any()

    async def _view_of_any(self) -> View:
        """Of the first member that knows all slots, else of who knows most. All are asked at once: some may hang."""
        asking = {asyncio.create_task(self._ask(place)) for place in {*self._seeds, *self._members}}
        said: list[str] = []
        most: View = []
        try:
            while asking:
                done, asking = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    told = task.result()
                    if isinstance(told, str):
                        said.append(told)
                    elif _known(told) == _SLOTS:
                        return told
                    else:
                        most = max(most, told, key=_known)
            if not most:
                raise away("; ".join(sorted(said)) or "no member knows a slot")
            return most
        finally:
            for task in asking:
                task.cancel()

    async def _ask(self, place: Place) -> View | str:
        node = Node(self._asking)
        try:
            await node.join(place)
            return self._read(await node.send("CLUSTER", "SLOTS"), place)
        except (RedisError, Unavailable) as error:
            return reason(error)
        finally:
            node.leave()

    def _read(self, rows: list[Any], asked: Place) -> View:
        """Rows of first slot, last slot, primary, replicas; each of them host, port, id, more."""
        view: View = []
        members: list[Place] = []
        for first, last, *servers in rows:
            # A member that does not know its own host leaves it out: it is where we asked.
            places = [((host or b"?").decode().replace("?", "") or asked[0], port) for host, port, *_ in servers]
            members += places
            view.append((range(first, last + 1), places[0]))
        self._members = members or self._members
        return view


def _known(view: View) -> int:
    return sum(len(numbers) for numbers, _ in view)
