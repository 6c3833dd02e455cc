"""/healthz, /readyz and /metrics."""

import asyncio

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dni.catalog.load import current_revision
from dni.errors import Unavailable
from dni.live.connection import Node, RedisError
from dni.metrics import bring_all
from dni.parts import Parts
from dni.pool.keys import SHARDS

_AWAY = "away"


def routes(parts: Parts) -> list[Route]:
    async def healthz(_request: Request) -> Response:
        return _json({"status": "alive"})

    async def readyz(_request: Request) -> Response:
        states = {"redis": await _redis(parts), "ledger": await _ledger(parts)}
        ready = not any(state.startswith(_AWAY) for state in states.values())
        return _json({"status": "ready" if ready else "not ready", "parts": states}, 200 if ready else 503)

    async def metrics(_request: Request) -> Response:
        bring_all()
        return Response(generate_latest(_registry(parts)), media_type=CONTENT_TYPE_LATEST)

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]


async def _redis(parts: Parts) -> str:
    """A Cluster that lost a primary serves the other campaigns: whoever asks must go on sending them here."""
    away: dict[str, Exception] = {}
    nodes: dict[Node, list[str]] = {}
    for shard in SHARDS:
        try:
            nodes.setdefault(parts.live.node(shard), []).append(shard)
        except Unavailable as error:
            away[shard] = error
    answers = await asyncio.gather(*(_ping(node) for node in nodes))
    for answer, shards in zip(answers, nodes.values(), strict=True):
        if answer:
            away.update(dict.fromkeys(shards, answer))
    if not away:
        return "ready"
    why = next(iter(away.values()))
    if len(away) == len(SHARDS):
        return f"{_AWAY}: {why}"
    return f"partly away: {len(away)} of {len(SHARDS)} shards: {why}"


async def _ping(node: Node) -> Exception | None:
    try:
        await node.send("PING")
    except (Unavailable, RedisError) as error:
        return error
    return None


async def _ledger(parts: Parts) -> str:
    try:
        async with parts.ledger.read() as connection:
            await current_revision(connection)
    except Unavailable as error:
        return f"{_AWAY}: {error.detail}"
    return "ready"


def _registry(parts: Parts) -> CollectorRegistry:
    """`dni serve` lets its workers count into files of one folder, so that one answer speaks for all of them."""
    shared = parts.settings.data_dir / "metrics"
    if not shared.is_dir():
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(shared))  # type: ignore[no-untyped-call]
    return registry


def _json(value: object, status: int = 200) -> Response:
    return Response(
        msgspec.json.encode(value), status, headers={"Cache-Control": "no-store"}, media_type="application/json"
    )
