"""Which server is the primary, by the word of those sentinels that answer."""

import asyncio
from typing import Any

from dni.errors import Unavailable
from dni.live.address import Address, Place
from dni.live.node import Greeting, Node, RedisError, away, reason, tls_context


class Sentinels:
    """A connection to each sentinel, made when asked and kept."""

    def __init__(self, address: Address) -> None:
        auth = (("AUTH", *address.sentinel_auth),) if address.sentinel_auth else ()
        greeting = Greeting(auth, tls=tls_context(address.tls))
        self._service = address.service
        self._sentinels = {place: Node(greeting) for place in address.places}

    async def primary(self) -> Place:
        """The place with the newest configuration: a sentinel that was cut off tells an older one.

        Raises Unavailable `redis_away` with what each sentinel said, when none knows it.
        """
        told = await asyncio.gather(*(self._ask(place, node) for place, node in self._sentinels.items()))
        known = [answer for answer in told if not isinstance(answer, str)]
        if not known:
            raise away("; ".join(str(answer) for answer in told))
        return max(known)[1]

    async def _ask(self, place: Place, node: Node) -> tuple[int, Place] | str:
        """When (configuration epoch) and where; or why not."""
        try:
            await node.join(place)
            flat: list[Any] = await node.send("SENTINEL", "MASTER", self._service)
        except Unavailable as error:
            return f"sentinel {reason(error)}"
        except RedisError as error:
            return f"sentinel {place[0]}:{place[1]}: {error}"
        told = dict(zip(flat[::2], flat[1::2], strict=True))
        return int(told[b"config-epoch"]), (told[b"ip"].decode(), int(told[b"port"]))

    def close(self) -> None:
        for node in self._sentinels.values():
            node.leave()
