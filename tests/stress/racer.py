"""Visitors in processes of their own, each process with its event loop and connections, who all act at one moment."""

import asyncio
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Protocol

import httpx
import msgspec
import uvloop

from dni.clock import SettableClock
from dni.parts import Parts
from dni.settings import Settings
from tests.pool.test_leases import Visitor
from tests.support.browser import PERSON, lease_body, post
from tests.support.world import ORIGIN, TARGET

_ALL_READY_S = 30.0


class Told(msgspec.Struct):
    """`outcome`: a lease's, or of a signal `heard` or `ended`. `number` is '' where there is none."""

    outcome: str
    number: str


class Order(msgspec.Struct):
    """What each racer does, by his number: `arrive` as a new visitor, `look` again, or a kind of signal.

    `tag`: the key of the tag whose page he opens, at the HTTP door.
    """

    now_ms: int
    acts: dict[int, str]
    tag: str = "key1"


class Field:
    """The racers of all processes. Numbers are given by process: the first has 0, 1, 2, …"""

    def __init__(self, pipes: list[Connection], each: int) -> None:
        self._pipes, self._each = pipes, each

    def race(self, order: Order) -> dict[int, Told]:
        """All processes begin when the last is ready; returns when everybody was answered."""
        for at, pipe in enumerate(self._pipes):
            ours = {racer: act for racer, act in order.acts.items() if racer // self._each == at}
            pipe.send(Order(order.now_ms, ours, order.tag))
        told: dict[int, Told] = {}
        for pipe in self._pipes:
            told.update(pipe.recv())
        return told


class _Door(Protocol):
    """Where the racers of one process ask."""

    async def open(self) -> None: ...
    async def act(self, racer: int, act: str, order: Order) -> Told: ...
    async def close(self) -> None: ...


class Engine:
    """The lease engine itself, on the Valkey at `url`; the order's time is the clock."""

    def __init__(self, url: str, prefix: str) -> None:
        self._parts = Parts(Settings(redis_url=url, data_dir=Path("/nowhere")), SettableClock(0), prefix)
        self._visitors: dict[int, Visitor] = {}

    async def open(self) -> None:
        await self._parts.live.open()

    async def act(self, racer: int, act: str, order: Order) -> Told:
        if act == "arrive":
            self._visitors[racer] = Visitor(self._parts, f"{racer}.{order.now_ms // 1000 % 10**8}")
        visitor = self._visitors[racer]
        if act in ("arrive", "look"):
            lease = await visitor.look(order.now_ms, address=racer)
            return Told(lease.outcome, lease.number)
        _, ended = await visitor.say(order.now_ms, act)
        return Told("ended" if ended else "heard", visitor.got.number)

    async def close(self) -> None:
        await self._parts.close()


class HttpDoor:
    """The browser's door of a running service. Racers only arrive, each from an address of his own."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def open(self) -> None:
        headers = {"Origin": ORIGIN, "User-Agent": PERSON}
        self._http = httpx.AsyncClient(base_url=self._url, headers=headers, trust_env=False, timeout=20)

    async def act(self, racer: int, act: str, order: Order) -> Told:
        assert act == "arrive"
        answer = await post(
            self._http, "/v1/lease", lease_body(tag=order.tag), **{"X-Forwarded-For": f"198.51.100.{racer}"}
        )
        assert answer.status_code == 200, answer.text
        given = answer.json()["numbers"][TARGET]
        return Told(given["reason"] or given["kind"], given["number"] or "")

    async def close(self) -> None:
        await self._http.aclose()


@contextmanager
def racing(door: type[_Door], *where: str, processes: int, each: int) -> Iterator[Field]:
    """`where`: what the door is made of, in every process. All are gone when the block ends."""
    spawn = multiprocessing.get_context("spawn")
    start = spawn.Barrier(processes)
    children, pipes = [], []
    try:
        for _ in range(processes):
            ours, theirs = spawn.Pipe()
            child = spawn.Process(target=_run, args=(theirs, start, door, where), daemon=True)
            child.start()
            theirs.close()
            children.append(child)
            pipes.append(ours)
        yield Field(pipes, each)
    finally:
        for pipe in pipes:
            pipe.close()
        for child in children:
            child.join(_ALL_READY_S)


def _run(pipe: Connection, start: Barrier, door: type[_Door], where: tuple[str, ...]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(pipe, start, door(*where)))


async def _serve(pipe: Connection, start: Barrier, door: _Door) -> None:
    """One order after another, until the other side is closed. Nothing else is to run while we wait."""
    await door.open()
    while True:
        try:
            order: Order = pipe.recv()
        except EOFError:
            break
        start.wait(_ALL_READY_S)
        told = await asyncio.gather(*(door.act(racer, act, order) for racer, act in order.acts.items()))
        pipe.send(dict(zip(order.acts, told, strict=True)))
    await door.close()
