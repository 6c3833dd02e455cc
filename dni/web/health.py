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
from dni.live.connection import RedisError
from dni.metrics import bring_all
from dni.parts import Parts
from dni.pool.keys import SHARDS


def routes(parts: Parts) -> list[Route]:
    async def healthz(_request: Request) -> Response:
        return _json({"status": "alive"})

    async def readyz(_request: Request) -> Response:
        states = {"redis": await _redis(parts), "ledger": await _ledger(parts)}
        ready = all(state == "ready" for state in states.values())
        return _json({"status": "ready" if ready else "not ready", "parts": states}, 200 if ready else 503)

    async def metrics(_request: Request) -> Response:
        bring_all()
        return Response(generate_latest(_registry(parts)), media_type=CONTENT_TYPE_LATEST)

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]


async def _redis(parts: Parts) -> str:
    try:
        await asyncio.gather(*(node.send("PING") for node in parts.live.nodes(SHARDS)))
    except (Unavailable, RedisError) as error:
        return f"away: {error}"
    return "ready"


async def _ledger(parts: Parts) -> str:
    try:
        async with parts.ledger.read() as connection:
            await current_revision(connection)
    except Unavailable as error:
        return f"away: {error.detail}"
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
